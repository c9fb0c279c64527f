"""Several people label: images are leased and flagged, some are answered twice, and each person keeps preferences.

One change a migration. Never edit one that was released: add another. New columns of large tables are nullable or
have a server default; name constraints through the naming convention only.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

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


_COUNT_OPINIONS = """
UPDATE image SET opinions = (
    SELECT count(*) FROM annotation JOIN annotator ON annotator.id = annotation.annotator_id
    WHERE annotation.image_id = image.id AND annotation.superseded_at IS NULL AND annotation.action = 'label'
    AND annotator.kind != 'import'
) WHERE pool = 'labelled'
"""


def upgrade() -> None:
    """Go forward."""
    op.create_table(
        "image_flag",
        sa.Column("id", _big_id(), nullable=False),
        sa.Column(
            "uid", sa.String(length=36), nullable=False, comment="chosen by the sender: a replay changes nothing"
        ),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("image_id", _big_id(), nullable=False),
        sa.Column("annotator_id", sa.Integer(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resolved_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["annotator_id"], ["annotator.id"], name=op.f("fk_image_flag_annotator_id")),
        sa.ForeignKeyConstraint(["image_id"], ["image.id"], name=op.f("fk_image_flag_image_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name=op.f("fk_image_flag_project_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["resolved_by"], ["annotator.id"], name=op.f("fk_image_flag_resolved_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_image_flag")),
        sa.UniqueConstraint("uid", name=op.f("uq_image_flag_uid")),
    )
    op.create_index(op.f("ix_image_flag_image_id"), "image_flag", ["image_id"], unique=False)
    op.create_index("ix_image_flag_open", "image_flag", ["project_id", "resolved_at"], unique=False)
    op.create_table(
        "image_lease",
        sa.Column("image_id", _big_id(), nullable=False),
        sa.Column("slot", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column(
            "queue",
            sa.Enum(*_QUEUES, name="queue", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("annotator_id", sa.Integer(), nullable=False),
        sa.Column("tab", sa.String(length=36), nullable=False, comment="chosen by the browser for each opened page"),
        sa.Column("expires", sa.Double(), nullable=False, comment="seconds since 1970 by the database's clock"),
        sa.CheckConstraint("slot >= 0", name=op.f("ck_image_lease_slot")),
        sa.ForeignKeyConstraint(["annotator_id"], ["annotator.id"], name=op.f("fk_image_lease_annotator_id")),
        sa.ForeignKeyConstraint(["image_id"], ["image.id"], name=op.f("fk_image_lease_image_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name=op.f("fk_image_lease_project_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("image_id", "slot", name=op.f("pk_image_lease")),
    )
    op.create_index("ix_image_lease_holder", "image_lease", ["annotator_id", "tab"], unique=False)
    op.create_index("ix_image_lease_queue", "image_lease", ["project_id", "queue", "expires"], unique=False)
    op.add_column(
        "annotation",
        sa.Column(
            "batch", sa.String(length=36), nullable=True, comment="answers that were given, and are undone, together"
        ),
    )
    op.create_index(
        "ix_annotation_batch",
        "annotation",
        ["annotator_id", "batch"],
        unique=False,
        sqlite_where=sa.text("batch IS NOT NULL"),
        postgresql_where=sa.text("batch IS NOT NULL"),
    )
    op.add_column(
        "image",
        sa.Column("opinions", sa.Integer(), server_default="0", nullable=False, comment="people whose label stands"),
    )
    op.add_column(
        "image",
        sa.Column(
            "needs_decision",
            sa.Boolean(),
            server_default=sa.false(),
            nullable=False,
            comment="people disagree, or were unsure and nobody knew",
        ),
    )
    op.execute(_COUNT_OPINIONS)
    op.create_index(
        "ix_image_needs_decision",
        "image",
        ["project_id", "id"],
        unique=False,
        sqlite_where=sa.text("needs_decision"),
        postgresql_where=sa.text("needs_decision"),
    )
    # Filled before it is required: PostgreSQL compares no JSON, so a server default could never be checked.
    comment = "keys, layout and hints of this person"
    op.add_column("annotator", sa.Column("preferences", sa.JSON(), nullable=True, comment=comment))
    op.execute("UPDATE annotator SET preferences = '{}'")
    with op.batch_alter_table("annotator") as batch_op:
        batch_op.alter_column("preferences", existing_type=sa.JSON(), existing_comment=comment, nullable=False)
    with op.batch_alter_table("project") as batch_op:
        for column in _project_columns():
            batch_op.add_column(column)
        batch_op.create_check_constraint(op.f("ck_project_overlap_share"), "overlap_share >= 0 AND overlap_share <= 1")
        batch_op.create_check_constraint(op.f("ck_project_overlap_size"), "overlap_size >= 2 AND overlap_size <= 5")
        batch_op.create_check_constraint(op.f("ck_project_error_target"), "error_target > 0 AND error_target < 1")


def downgrade() -> None:
    """Go back."""
    with op.batch_alter_table("project") as batch_op:
        for check in ("overlap_share", "overlap_size", "error_target", "adjudication"):
            batch_op.drop_constraint(op.f(f"ck_project_{check}"), type_="check")
        for column in _project_columns():
            batch_op.drop_column(column.name)
    op.drop_column("annotator", "preferences")
    op.drop_index("ix_image_needs_decision", table_name="image")
    op.drop_column("image", "needs_decision")
    op.drop_column("image", "opinions")
    op.drop_index("ix_annotation_batch", table_name="annotation")
    op.drop_column("annotation", "batch")
    op.drop_table("image_lease")
    op.drop_table("image_flag")


def _big_id() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _project_columns() -> list[sa.Column[object]]:
    rule = sa.Enum("majority", "lead", name="adjudication", native_enum=False, create_constraint=True, length=32)
    return [
        sa.Column(
            "overlap_share",
            sa.Double(),
            server_default="0",
            nullable=False,
            comment="share of the images that several people answer, blind",
        ),
        sa.Column(
            "overlap_size",
            sa.Integer(),
            server_default="2",
            nullable=False,
            comment="how many people answer those",
        ),
        sa.Column(
            "adjudication",
            rule,
            server_default="majority",
            nullable=False,
            comment="which label an image has while people disagree",
        ),
        sa.Column(
            "shows_guess",
            sa.Boolean(),
            server_default=sa.false(),
            nullable=False,
            comment="whether the model's guess is shown while labelling",
        ),
        sa.Column(
            "error_target",
            sa.Double(),
            server_default="0.05",
            nullable=False,
            comment="error rate that audits and clean grids are held against",
        ),
    ]
