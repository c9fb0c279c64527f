"""A split that a source named is told apart from one that was drawn; pages of images go by the draw.

One change a migration. Never edit one that was released: add another. New columns of large tables are nullable or
have a server default; name constraints through the naming convention only.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.add_column(
        "image",
        sa.Column(
            "split_is_given",
            sa.Boolean(),
            server_default=sa.false(),
            nullable=False,
            comment="the source named the split; it is never drawn anew",
        ),
    )
    op.create_index("ix_image_draw", "image", ["project_id", "draw", "id"], unique=False)
    if op.get_context().dialect.supports_comments:
        for column, kind, comment, before in _COMMENTS:
            op.alter_column("project", column, existing_type=kind, comment=comment, existing_comment=before)


def downgrade() -> None:
    """Go back."""
    if op.get_context().dialect.supports_comments:
        for column, kind, comment, before in _COMMENTS:
            op.alter_column("project", column, existing_type=kind, comment=before, existing_comment=comment)
    op.drop_index("ix_image_draw", table_name="image")
    op.drop_column("image", "split_is_given")


_COMMENTS = [
    (
        "test_size",
        sa.Integer(),
        "how many test images the draw aims at",
        "how many test images the first import aims at",
    ),
    (
        "test_share",
        sa.Double(),
        "set by every import until a test image is answered or a round is queued",
        "set by the first import, fixed from then on",
    ),
]
