"""Images that several people labelled are found at once: agreement is measured on them alone.

One change a migration. Never edit one that was released: add another. New columns of large tables are nullable or
have a server default; name constraints through the naming convention only.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_SHARED = sa.text("opinions > 1")


def upgrade() -> None:
    """Go forward."""
    op.create_index(
        "ix_image_shared",
        "image",
        ["project_id", "id"],
        unique=False,
        sqlite_where=_SHARED,
        postgresql_where=_SHARED,
    )


def downgrade() -> None:
    """Go back."""
    op.drop_index("ix_image_shared", table_name="image")
