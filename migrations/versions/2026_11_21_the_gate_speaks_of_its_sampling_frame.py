"""The gate speaks of the images its sample was drawn from, and class by class; pseudo-labels are rejected for either.

One change a migration. Never edit one that was released: add another. New columns of large tables are nullable or
have a server default; name constraints through the naming convention only.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_REASONS_BEFORE = ("inconsistent", "low_confidence", "gate_closed")
_REASONS = (*_REASONS_BEFORE, "class_blocked", "outside_frame")


def upgrade() -> None:
    """Go forward."""
    _change_reasons(_REASONS)
    op.add_column(
        "round",
        sa.Column(
            "frame_digest",
            sa.String(length=64),
            nullable=True,
            comment="file of the images that the validation sample was drawn from",
        ),
    )
    # Filled before it is required: PostgreSQL compares no JSON, so a server default could never be checked.
    comment = "what the check says of each class, by class id"
    op.add_column("gate_record", sa.Column("classes", sa.JSON(), nullable=True, comment=comment))
    op.execute("UPDATE gate_record SET classes = '[]'")
    with op.batch_alter_table("gate_record") as batch_op:
        batch_op.alter_column("classes", existing_type=sa.JSON(), existing_comment=comment, nullable=False)
    op.add_column(
        "gate_record",
        sa.Column(
            "discards",
            sa.Boolean(),
            server_default=sa.false(),
            nullable=False,
            comment="what an earlier check let in goes too",
        ),
    )


def downgrade() -> None:
    """Go back; what was rejected for a reason that is not known there counts as rejected by a closed gate."""
    op.drop_column("gate_record", "discards")
    op.drop_column("gate_record", "classes")
    op.drop_column("round", "frame_digest")
    op.execute("UPDATE pseudo_label SET reason = 'gate_closed' WHERE reason IN ('class_blocked', 'outside_frame')")
    _change_reasons(_REASONS_BEFORE)


def _change_reasons(reasons: tuple[str, ...]) -> None:
    """Put another list into the check of `pseudo_label.reason`; SQLite writes the table anew for it."""
    words = ", ".join(repr(reason) for reason in reasons)
    with op.batch_alter_table("pseudo_label") as batch_op:
        batch_op.drop_constraint(op.f("ck_pseudo_label_reason"), type_="check")
        batch_op.create_check_constraint(op.f("ck_pseudo_label_reason"), f"reason IN ({words})")
