"""An audit finds what a round accepted, whatever became of it since, in an index alone.

One change a migration. Never edit one that was released: add another. New columns of large tables are nullable or
have a server default; name constraints through the naming convention only.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_ACCEPTED = sa.text("reason IS NULL")


def upgrade() -> None:
    """Go forward."""
    op.create_index(
        "ix_pseudo_label_accepted",
        "pseudo_label",
        ["round_id", "reason", "image_id"],
        unique=False,
        sqlite_where=_ACCEPTED,
        postgresql_where=_ACCEPTED,
    )


def downgrade() -> None:
    """Go back."""
    op.drop_index("ix_pseudo_label_accepted", table_name="pseudo_label")
