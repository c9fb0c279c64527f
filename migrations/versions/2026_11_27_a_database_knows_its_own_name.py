"""A database knows its own name: browsers do not send answers to another one that is served at the same address.

One change a migration. Never edit one that was released: add another. New columns of large tables are nullable or
have a server default; name constraints through the naming convention only.
"""

from __future__ import annotations

import uuid

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    installation = op.create_table(
        "installation",
        sa.Column("uid", sa.String(length=36), nullable=False),
        sa.PrimaryKeyConstraint("uid", name=op.f("pk_installation")),
    )
    op.bulk_insert(installation, [{"uid": str(uuid.uuid4())}])


def downgrade() -> None:
    """Go back."""
    op.drop_table("installation")
