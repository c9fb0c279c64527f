"""A grid finds the proposals of a class that the model doubts most, and how many are left, without reading the others.

One change a migration. Never edit one that was released: add another. New columns of large tables are nullable or
have a server default; name constraints through the naming convention only.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_UNJUDGED = sa.text("status IN ('accepted', 'rejected')")


def upgrade() -> None:
    """Go forward."""
    op.create_index(
        "ix_pseudo_label_grid",
        "pseudo_label",
        ["round_id", "class_id", "score", "id"],
        unique=False,
        sqlite_where=_UNJUDGED,
        postgresql_where=_UNJUDGED,
    )


def downgrade() -> None:
    """Go back."""
    op.drop_index("ix_pseudo_label_grid", table_name="pseudo_label")
