"""An image finds everything that was ever said of it, superseded acts too, without reading everybody's.

One change a migration. Never edit one that was released: add another. New columns of large tables are nullable or
have a server default; name constraints through the naming convention only.
"""

from __future__ import annotations

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.create_index("ix_annotation_image", "annotation", ["image_id"], unique=False)


def downgrade() -> None:
    """Go back."""
    op.drop_index("ix_annotation_image", table_name="annotation")
