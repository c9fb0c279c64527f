"""Queues, lists and answers of a large project are found by an index, in the order in which they are served.

A rejected pseudo-label whose answer was taken back is rejected again: its status alone says that it waits.

One change a migration. Never edit one that was released: add another. New columns of large tables are nullable or
have a server default; name constraints through the naming convention only.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_OPEN = sa.text("pool IN ('unlabelled', 'pseudo_labelled')")
_LABELLED = sa.text("label_class_id IS NOT NULL")
_PASSED_OVER = sa.text("superseded_at IS NULL AND action IN ('skip', 'unsure')")

_WAIT_AGAIN = """
UPDATE pseudo_label SET status = 'rejected' WHERE status = 'reviewed' AND EXISTS (
    SELECT 1 FROM image
    WHERE image.id = pseudo_label.image_id AND image.pool IN ('unlabelled', 'pseudo_labelled') AND image.opinions = 0
)
"""


def upgrade() -> None:
    """Go forward."""
    op.execute(_WAIT_AGAIN)
    op.drop_index("ix_image_queue", table_name="image")
    op.drop_index("ix_image_label", table_name="image")
    op.drop_index("ix_pseudo_label_queue", table_name="pseudo_label")
    op.create_index("ix_image_queue", "image", ["project_id", "split", "pool", "draw", "id", "opinions"])
    _partial("ix_image_open", "image", ["project_id", "split", "draw", "id"], _OPEN)
    _partial("ix_image_label", "image", ["project_id", "label_class_id", "draw", "id", "split"], _LABELLED)
    op.create_index("ix_pseudo_label_queue", "pseudo_label", ["round_id", "status", "score", "id"])
    op.create_index("ix_pseudo_label_reason", "pseudo_label", ["round_id", "status", "reason", "score", "id"])
    _partial("ix_annotation_passed_over", "annotation", ["project_id", "annotator_id", "image_id"], _PASSED_OVER)


def downgrade() -> None:
    """Go back; what waits again stays rejected."""
    op.drop_index("ix_annotation_passed_over", table_name="annotation")
    for name in ("reason", "queue"):
        op.drop_index(f"ix_pseudo_label_{name}", table_name="pseudo_label")
    for name in ("label", "open", "queue"):
        op.drop_index(f"ix_image_{name}", table_name="image")
    op.create_index("ix_pseudo_label_queue", "pseudo_label", ["project_id", "status", "score"])
    op.create_index("ix_image_label", "image", ["project_id", "label_class_id"])
    op.create_index("ix_image_queue", "image", ["project_id", "split", "pool", "draw"])


def _partial(name: str, table: str, columns: list[str], where: sa.TextClause) -> None:
    op.create_index(name, table, columns, sqlite_where=where, postgresql_where=where)
