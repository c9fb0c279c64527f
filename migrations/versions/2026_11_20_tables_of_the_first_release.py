"""The tables of the first release.

One change a migration. Never edit one that was released: add another. New columns of large tables are nullable or
have a server default; name constraints through the naming convention only.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.create_table(
        "annotator",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("person", "import", "simulated", name="kind", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_annotator")),
        sa.UniqueConstraint("name", name=op.f("uq_annotator_name")),
    )
    op.create_table(
        "project",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column(
            "salt", sa.String(length=32), nullable=False, comment="makes the draw of the test split the project's own"
        ),
        sa.Column("is_sealed", sa.Boolean(), nullable=False, comment="known labels are hidden; may be simulated"),
        sa.Column("test_size", sa.Integer(), nullable=False, comment="how many test images the first import aims at"),
        sa.Column("test_share", sa.Double(), nullable=True, comment="set by the first import, fixed from then on"),
        sa.Column("validation_size", sa.Integer(), nullable=False),
        sa.Column("selection_size", sa.Integer(), nullable=False),
        sa.Column(
            "strategy",
            sa.Enum(
                "random",
                "margin",
                "entropy",
                "typiclust",
                "diverse",
                name="strategy",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "preset",
            sa.Enum(
                "quick", "standard", "thorough", name="preset", native_enum=False, create_constraint=True, length=32
            ),
            nullable=False,
        ),
        sa.Column("settings", sa.JSON(), nullable=False, comment="overrides of the preset's RoundConfig"),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("selection_size >= 1", name=op.f("ck_project_selection_size")),
        sa.CheckConstraint(
            "test_share IS NULL OR (test_share >= 0 AND test_share <= 1)", name=op.f("ck_project_test_share")
        ),
        sa.CheckConstraint("test_size >= 0", name=op.f("ck_project_test_size")),
        sa.CheckConstraint("validation_size >= 0", name=op.f("ck_project_validation_size")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_project")),
        sa.UniqueConstraint("name", name=op.f("uq_project_name")),
    )
    op.create_table(
        "worker",
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("queues", sa.String(length=100), nullable=False),
        sa.Column("seen", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_worker")),
    )
    op.create_table(
        "class",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column(
            "position", sa.Integer(), nullable=False, comment="order on screen, and the class index of new rounds"
        ),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_class_project_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_class")),
        sa.UniqueConstraint("project_id", "name", name=op.f("uq_class_project_id_name")),
        sa.UniqueConstraint("project_id", "position", name=op.f("uq_class_project_id_position")),
    )
    op.create_table(
        "import",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False, comment="path on the server"),
        sa.Column(
            "label_use",
            sa.Enum(
                "labels",
                "sealed",
                "hints",
                "ignored",
                name="label_use",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("add_classes", sa.Boolean(), nullable=False, comment="unknown classes are added; otherwise refused"),
        sa.Column(
            "status",
            sa.Enum(
                "queued",
                "running",
                "succeeded",
                "failed",
                "interrupted",
                name="status",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "cursor", sa.Text(), nullable=True, comment="last entry done; an interrupted import goes on after it"
        ),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("added", sa.Integer(), nullable=False),
        sa.Column("duplicates", sa.Integer(), nullable=False),
        sa.Column("refused", sa.Integer(), nullable=False),
        sa.Column("labelled", sa.Integer(), nullable=False, comment="images whose class was taken over, new or not"),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_import_project_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import")),
    )
    with op.batch_alter_table("import", schema=None) as batch_op:
        batch_op.create_index("ix_import_project", ["project_id", "id"], unique=False)

    op.create_table(
        "snapshot",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("class_ids", sa.JSON(), nullable=False),
        sa.Column("images", sa.Integer(), nullable=False),
        sa.Column("labelled", sa.Integer(), nullable=False, comment="training labels"),
        sa.Column("validation", sa.Integer(), nullable=False, comment="labels that judge the gate"),
        sa.Column("test", sa.Integer(), nullable=False, comment="labels that only report"),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name=op.f("fk_snapshot_project_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_snapshot")),
        sa.UniqueConstraint("project_id", "digest", name=op.f("uq_snapshot_project_id_digest")),
    )
    op.create_table(
        "image",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("import_id", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("name", sa.Text(), nullable=False, comment="path inside the source it came from"),
        sa.Column("suffix", sa.String(length=8), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False, comment="bytes"),
        sa.Column("draw", sa.Double(), nullable=False, comment="uniform number of domain.splits.draw"),
        sa.Column(
            "split",
            sa.Enum("train", "validation", "test", name="split", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column(
            "pool",
            sa.Enum(
                "unlabelled",
                "pseudo_labelled",
                "labelled",
                "excluded",
                name="pool",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("label_class_id", sa.Integer(), nullable=True, comment="consensus of the annotations"),
        sa.Column("sealed_class_id", sa.Integer(), nullable=True, comment="never shown, never trained on"),
        sa.Column("hint_class_id", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(pool = 'labelled') = (label_class_id IS NOT NULL)", name=op.f("ck_image_labelled_has_label")
        ),
        sa.ForeignKeyConstraint(["hint_class_id"], ["class.id"], name=op.f("fk_image_hint_class_id")),
        sa.ForeignKeyConstraint(["import_id"], ["import.id"], name=op.f("fk_image_import_id")),
        sa.ForeignKeyConstraint(["label_class_id"], ["class.id"], name=op.f("fk_image_label_class_id")),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_image_project_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["sealed_class_id"], ["class.id"], name=op.f("fk_image_sealed_class_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_image")),
        sa.UniqueConstraint("project_id", "sha256", name=op.f("uq_image_project_id_sha256")),
    )
    with op.batch_alter_table("image", schema=None) as batch_op:
        batch_op.create_index("ix_image_label", ["project_id", "label_class_id"], unique=False)
        batch_op.create_index("ix_image_queue", ["project_id", "split", "pool", "draw"], unique=False)

    op.create_table(
        "import_refusal",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("import_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["import_id"], ["import.id"], name=op.f("fk_import_refusal_import_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_refusal")),
    )
    with op.batch_alter_table("import_refusal", schema=None) as batch_op:
        batch_op.create_index("ix_import_refusal_import", ["import_id", "id"], unique=False)

    op.create_table(
        "round",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False, comment="1, 2, 3 … within the project"),
        sa.Column(
            "status",
            sa.Enum(
                "draft",
                "queued",
                "running",
                "succeeded",
                "failed",
                "cancelled",
                name="status",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "strategy",
            sa.Enum(
                "random",
                "margin",
                "entropy",
                "typiclust",
                "diverse",
                name="strategy",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("selection_size", sa.Integer(), nullable=False),
        sa.Column("validation_size", sa.Integer(), nullable=False),
        sa.Column(
            "selection_status",
            sa.Enum(
                "pending",
                "ready",
                "failed",
                name="selection_status",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("selection_message", sa.Text(), nullable=True),
        sa.Column("selection_version", sa.Integer(), nullable=False, comment="rises whenever the lead draws again"),
        sa.Column(
            "preset",
            sa.Enum(
                "quick", "standard", "thorough", name="preset", native_enum=False, create_constraint=True, length=32
            ),
            nullable=True,
        ),
        sa.Column("config", sa.JSON(), nullable=False, comment="RoundConfig, whole, fixed when queued"),
        sa.Column("seed", sa.Integer(), nullable=False),
        sa.Column(
            "start_from",
            sa.Enum(
                "last", "scratch", "checkpoint", name="start_from", native_enum=False, create_constraint=True, length=32
            ),
            nullable=False,
        ),
        sa.Column("start_file", sa.Text(), nullable=True, comment="path of a checkpoint, for start_from=checkpoint"),
        sa.Column("parent_id", sa.Integer(), nullable=True),
        sa.Column("snapshot_id", sa.Integer(), nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=False, comment="fencing token: rises with every claim"),
        sa.Column(
            "attempts_left", sa.Integer(), nullable=False, comment="claims that may still fail before the round does"
        ),
        sa.Column("owner", sa.String(length=100), nullable=True),
        sa.Column("lease_expires", sa.Double(), nullable=True, comment="seconds since 1970 by the database's clock"),
        sa.Column(
            "sent_at", sa.Double(), nullable=True, comment="when a worker was last told, by the database's clock"
        ),
        sa.Column("cancel_requested", sa.Boolean(), nullable=False),
        sa.Column("progress", sa.JSON(), nullable=False, comment="phase, step, losses, images/s, time left"),
        sa.Column("error", sa.Text(), nullable=True, comment="one sentence for the user"),
        sa.Column("traceback", sa.Text(), nullable=True),
        sa.Column("manifest", sa.JSON(), nullable=False, comment="what produced the result; see README"),
        sa.Column("files", sa.JSON(), nullable=False, comment="published files: name to storage key"),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("queued_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("attempt >= 0 AND attempts_left >= 0", name=op.f("ck_round_attempt")),
        sa.ForeignKeyConstraint(["parent_id"], ["round.id"], name=op.f("fk_round_parent_id")),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_round_project_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["snapshot_id"], ["snapshot.id"], name=op.f("fk_round_snapshot_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_round")),
        sa.UniqueConstraint("project_id", "number", name=op.f("uq_round_project_id_number")),
    )
    with op.batch_alter_table("round", schema=None) as batch_op:
        batch_op.create_index("ix_round_status", ["status", "lease_expires"], unique=False)
        batch_op.create_index(
            "uq_round_active",
            ["project_id"],
            unique=True,
            sqlite_where=sa.text("status IN ('queued', 'running')"),
            postgresql_where=sa.text("status IN ('queued', 'running')"),
        )
        batch_op.create_index(
            "uq_round_draft",
            ["project_id"],
            unique=True,
            sqlite_where=sa.text("status = 'draft'"),
            postgresql_where=sa.text("status = 'draft'"),
        )

    op.create_table(
        "annotation",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "uid", sa.String(length=36), nullable=False, comment="chosen by the sender: a replay changes nothing"
        ),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("image_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("annotator_id", sa.Integer(), nullable=False),
        sa.Column(
            "action",
            sa.Enum("label", "skip", "withdraw", name="action", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("class_id", sa.Integer(), nullable=True),
        sa.Column(
            "queue",
            sa.Enum(
                "test",
                "validation",
                "selection",
                "review",
                "browse",
                "import",
                name="queue",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("round_id", sa.Integer(), nullable=True),
        sa.Column("seconds", sa.Double(), nullable=True, comment="from the image's appearance to the answer"),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("supersedes_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column(
            "restores_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=True,
            comment="the earlier act that an undo brought back with this one",
        ),
        sa.Column("superseded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("(action = 'label') = (class_id IS NOT NULL)", name=op.f("ck_annotation_label_has_class")),
        sa.CheckConstraint("seconds IS NULL OR seconds >= 0", name=op.f("ck_annotation_seconds")),
        sa.ForeignKeyConstraint(["annotator_id"], ["annotator.id"], name=op.f("fk_annotation_annotator_id")),
        sa.ForeignKeyConstraint(["class_id"], ["class.id"], name=op.f("fk_annotation_class_id")),
        sa.ForeignKeyConstraint(["image_id"], ["image.id"], name=op.f("fk_annotation_image_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name=op.f("fk_annotation_project_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["round_id"], ["round.id"], name=op.f("fk_annotation_round_id")),
        sa.ForeignKeyConstraint(["supersedes_id"], ["annotation.id"], name=op.f("fk_annotation_supersedes_id")),
        sa.ForeignKeyConstraint(["restores_id"], ["annotation.id"], name=op.f("fk_annotation_restores_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_annotation")),
        sa.UniqueConstraint("uid", name=op.f("uq_annotation_uid")),
    )
    with op.batch_alter_table("annotation", schema=None) as batch_op:
        batch_op.create_index("ix_annotation_history", ["project_id", "annotator_id", "id"], unique=False)
        batch_op.create_index(
            "uq_annotation_current",
            ["image_id", "annotator_id"],
            unique=True,
            sqlite_where=sa.text("superseded_at IS NULL"),
            postgresql_where=sa.text("superseded_at IS NULL"),
        )

    op.create_table(
        "gate_record",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("round_id", sa.Integer(), nullable=False),
        sa.Column("check_number", sa.Integer(), nullable=False),
        sa.Column("is_open", sa.Boolean(), nullable=False),
        sa.Column("threshold", sa.Double(), nullable=True),
        sa.Column("coverage", sa.Double(), nullable=False),
        sa.Column("bound", sa.Double(), nullable=True, comment="upper bound of the error among accepted pseudo-labels"),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("errors", sa.Integer(), nullable=False),
        sa.Column("alpha", sa.Double(), nullable=False),
        sa.Column("delta", sa.Double(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["round_id"], ["round.id"], name=op.f("fk_gate_record_round_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gate_record")),
        sa.UniqueConstraint("round_id", "check_number", name=op.f("uq_gate_record_round_id_check_number")),
    )
    op.create_table(
        "prediction",
        sa.Column("round_id", sa.Integer(), nullable=False),
        sa.Column("image_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("class_id", sa.Integer(), nullable=False),
        sa.Column("confidence", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["class_id"], ["class.id"], name=op.f("fk_prediction_class_id")),
        sa.ForeignKeyConstraint(["image_id"], ["image.id"], name=op.f("fk_prediction_image_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["round_id"], ["round.id"], name=op.f("fk_prediction_round_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("round_id", "image_id", name=op.f("pk_prediction")),
    )
    op.create_table(
        "pseudo_label",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("round_id", sa.Integer(), nullable=False),
        sa.Column("image_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("class_id", sa.Integer(), nullable=False),
        sa.Column(
            "score", sa.Double(), nullable=False, comment="mean over views, 0 if they disagree: what the gate looks at"
        ),
        sa.Column("confidence", sa.Double(), nullable=False, comment="largest probability on the weak view"),
        sa.Column(
            "status",
            sa.Enum(
                "proposed",
                "accepted",
                "rejected",
                "reviewed",
                "revoked",
                "superseded",
                "expired",
                name="status",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "reason",
            sa.Enum(
                "inconsistent",
                "low_confidence",
                "gate_closed",
                name="reason",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("score >= 0 AND score <= 1", name=op.f("ck_pseudo_label_score")),
        sa.ForeignKeyConstraint(["class_id"], ["class.id"], name=op.f("fk_pseudo_label_class_id")),
        sa.ForeignKeyConstraint(["image_id"], ["image.id"], name=op.f("fk_pseudo_label_image_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name=op.f("fk_pseudo_label_project_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["round_id"], ["round.id"], name=op.f("fk_pseudo_label_round_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pseudo_label")),
        sa.UniqueConstraint("round_id", "image_id", name=op.f("uq_pseudo_label_round_id_image_id")),
    )
    with op.batch_alter_table("pseudo_label", schema=None) as batch_op:
        batch_op.create_index("ix_pseudo_label_queue", ["project_id", "status", "score"], unique=False)

    op.create_table(
        "round_event",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("round_id", sa.Integer(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "draft",
                "queued",
                "running",
                "succeeded",
                "failed",
                "cancelled",
                name="status",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["round_id"], ["round.id"], name=op.f("fk_round_event_round_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_round_event")),
    )
    with op.batch_alter_table("round_event", schema=None) as batch_op:
        batch_op.create_index("ix_round_event_round", ["round_id", "id"], unique=False)

    op.create_table(
        "selection",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("round_id", sa.Integer(), nullable=False),
        sa.Column("image_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "queue",
            sa.Enum(
                "test",
                "validation",
                "selection",
                "review",
                "browse",
                "import",
                name="queue",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "strategy",
            sa.Enum(
                "random",
                "margin",
                "entropy",
                "typiclust",
                "diverse",
                name="strategy",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("score", sa.Double(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["image_id"], ["image.id"], name=op.f("fk_selection_image_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["round_id"], ["round.id"], name=op.f("fk_selection_round_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_selection")),
        sa.UniqueConstraint("round_id", "image_id", name=op.f("uq_selection_round_id_image_id")),
    )
    with op.batch_alter_table("selection", schema=None) as batch_op:
        batch_op.create_index("ix_selection_queue", ["round_id", "queue", "position"], unique=False)

    op.create_table(
        "training_point",
        sa.Column("round_id", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column(
            "phase",
            sa.Enum(
                "reconstruct", "labels", "joint", name="phase", native_enum=False, create_constraint=True, length=32
            ),
            nullable=False,
        ),
        sa.Column("losses", sa.JSON(), nullable=False),
        sa.Column("images_per_second", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["round_id"], ["round.id"], name=op.f("fk_training_point_round_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("round_id", "attempt", "step", name=op.f("pk_training_point")),
    )


def downgrade() -> None:
    """Go back."""
    op.drop_table("training_point")
    with op.batch_alter_table("selection", schema=None) as batch_op:
        batch_op.drop_index("ix_selection_queue")

    op.drop_table("selection")
    with op.batch_alter_table("round_event", schema=None) as batch_op:
        batch_op.drop_index("ix_round_event_round")

    op.drop_table("round_event")
    with op.batch_alter_table("pseudo_label", schema=None) as batch_op:
        batch_op.drop_index("ix_pseudo_label_queue")

    op.drop_table("pseudo_label")
    op.drop_table("prediction")
    op.drop_table("gate_record")
    with op.batch_alter_table("annotation", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_annotation_current",
            sqlite_where=sa.text("superseded_at IS NULL"),
            postgresql_where=sa.text("superseded_at IS NULL"),
        )
        batch_op.drop_index("ix_annotation_history")

    op.drop_table("annotation")
    with op.batch_alter_table("round", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_round_draft", sqlite_where=sa.text("status = 'draft'"), postgresql_where=sa.text("status = 'draft'")
        )
        batch_op.drop_index(
            "uq_round_active",
            sqlite_where=sa.text("status IN ('queued', 'running')"),
            postgresql_where=sa.text("status IN ('queued', 'running')"),
        )
        batch_op.drop_index("ix_round_status")

    op.drop_table("round")
    with op.batch_alter_table("import_refusal", schema=None) as batch_op:
        batch_op.drop_index("ix_import_refusal_import")

    op.drop_table("import_refusal")
    with op.batch_alter_table("image", schema=None) as batch_op:
        batch_op.drop_index("ix_image_queue")
        batch_op.drop_index("ix_image_label")

    op.drop_table("image")
    op.drop_table("snapshot")
    with op.batch_alter_table("import", schema=None) as batch_op:
        batch_op.drop_index("ix_import_project")

    op.drop_table("import")
    op.drop_table("class")
    op.drop_table("worker")
    op.drop_table("project")
    op.drop_table("annotator")
