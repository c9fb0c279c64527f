"""Annotators may be unsure, exclude and bring back; they meet images in grids, audits, second looks and disputes.

One change a migration. Never edit one that was released: add another. New columns of large tables are nullable or
have a server default; name constraints through the naming convention only.
"""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_ACTIONS_BEFORE = ("label", "skip", "withdraw")
_ACTIONS = ("label", "skip", "unsure", "exclude", "include", "withdraw")
_QUEUES_BEFORE = ("test", "validation", "selection", "review", "browse", "import")
_QUEUES = (
    "test",
    "validation",
    "selection",
    "review",
    "grid",
    "audit",
    "second_look",
    "adjudication",
    "browse",
    "import",
)


def upgrade() -> None:
    """Go forward."""
    _allow(_ACTIONS, _QUEUES)


def downgrade() -> None:
    """Go back: who was unsure has skipped, who excluded or brought back has said nothing, and all looked around."""
    op.execute("UPDATE annotation SET action = 'skip' WHERE action = 'unsure'")
    op.execute("UPDATE annotation SET action = 'withdraw' WHERE action IN ('exclude', 'include')")
    op.execute("UPDATE annotation SET queue = 'browse' WHERE queue IN ('grid', 'audit', 'second_look', 'adjudication')")
    _allow(_ACTIONS_BEFORE, _QUEUES_BEFORE)


def _allow(actions: tuple[str, ...], queues: tuple[str, ...]) -> None:
    """Put other lists into the checks; SQLite writes the tables anew for it."""
    with op.batch_alter_table("annotation") as batch_op:
        for column, values in (("action", actions), ("queue", queues)):
            name = op.f(f"ck_annotation_{column}")
            batch_op.drop_constraint(name, type_="check")
            batch_op.create_check_constraint(name, f"{column} IN ({', '.join(map(repr, values))})")
    with op.batch_alter_table("selection") as batch_op:
        batch_op.drop_constraint(op.f("ck_selection_queue"), type_="check")
        batch_op.create_check_constraint(op.f("ck_selection_queue"), f"queue IN ({', '.join(map(repr, queues))})")
