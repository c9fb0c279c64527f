"""A link may also be for somebody who has an account already, to choose a new password.

One change a migration. Never edit one that was released: add another. New columns of large tables are nullable or
have a server default; name constraints through the naming convention only.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    with op.batch_alter_table("invitation") as table:
        table.add_column(
            sa.Column("account_id", sa.Integer(), nullable=True, comment="whose new password; none: a new account")
        )
        table.create_foreign_key(
            op.f("fk_invitation_account_id_account"), "account", ["account_id"], ["id"], ondelete="CASCADE"
        )


def downgrade() -> None:
    """Go back."""
    with op.batch_alter_table("invitation") as table:
        table.drop_constraint(op.f("fk_invitation_account_id_account"), type_="foreignkey")
        table.drop_column("account_id")
