"""Images and the imports that brought them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base, BigId, choice, now
from app.domain.pools import Pool, Split
from app.domain.rounds import ImportStatus, LabelUse


class Image(Base):
    """One file of one project, identified by the sha256 of its bytes."""

    __tablename__ = "image"
    __table_args__ = (
        UniqueConstraint("project_id", "sha256"),
        Index("ix_image_queue", "project_id", "split", "pool", "draw", "id", "opinions"),
        Index(
            "ix_image_open",
            "project_id",
            "split",
            "draw",
            "id",
            sqlite_where=text("pool IN ('unlabelled', 'pseudo_labelled')"),
            postgresql_where=text("pool IN ('unlabelled', 'pseudo_labelled')"),
        ),
        Index(
            "ix_image_label",
            "project_id",
            "label_class_id",
            "draw",
            "id",
            "split",
            sqlite_where=text("label_class_id IS NOT NULL"),
            postgresql_where=text("label_class_id IS NOT NULL"),
        ),
        Index("ix_image_draw", "project_id", "draw", "id"),
        Index(
            "ix_image_needs_decision",
            "project_id",
            "id",
            sqlite_where=text("needs_decision"),
            postgresql_where=text("needs_decision"),
        ),
        Index(
            "ix_image_shared",
            "project_id",
            "id",
            sqlite_where=text("opinions > 1"),
            postgresql_where=text("opinions > 1"),
        ),
        CheckConstraint(
            "(pool = 'labelled') = (label_class_id IS NOT NULL)",
            name="labelled_has_label",
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("project.id", ondelete="CASCADE"))
    import_id: Mapped[int] = mapped_column(ForeignKey("import.id"))
    sha256: Mapped[str] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(Text, comment="path inside the source it came from")
    suffix: Mapped[str] = mapped_column(String(8))
    width: Mapped[int]
    height: Mapped[int]
    size: Mapped[int] = mapped_column(comment="bytes")
    draw: Mapped[float] = mapped_column(comment="uniform number of domain.splits.draw")
    split: Mapped[Split] = mapped_column(choice(Split, "split"))
    split_is_given: Mapped[bool] = mapped_column(
        default=False, server_default=false(), comment="the source named the split; it is never drawn anew"
    )
    pool: Mapped[Pool] = mapped_column(choice(Pool, "pool"), default=Pool.UNLABELLED)
    label_class_id: Mapped[int | None] = mapped_column(ForeignKey("class.id"), comment="consensus of the annotations")
    opinions: Mapped[int] = mapped_column(default=0, server_default="0", comment="people whose label stands")
    needs_decision: Mapped[bool] = mapped_column(
        default=False, server_default=false(), comment="people disagree, or were unsure and nobody knew"
    )
    sealed_class_id: Mapped[int | None] = mapped_column(ForeignKey("class.id"), comment="never shown, never trained on")
    hint_class_id: Mapped[int | None] = mapped_column(ForeignKey("class.id"))
    created_at: Mapped[datetime] = mapped_column(default=now)


class Import(Base):
    """One run over a folder, an archive or a manifest."""

    __tablename__ = "import"
    __table_args__ = (Index("ix_import_project", "project_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("project.id", ondelete="CASCADE"))
    source: Mapped[str] = mapped_column(Text, comment="path on the server")
    label_use: Mapped[LabelUse] = mapped_column(choice(LabelUse, "label_use"))
    add_classes: Mapped[bool] = mapped_column(default=True, comment="unknown classes are added; otherwise refused")
    status: Mapped[ImportStatus] = mapped_column(choice(ImportStatus, "status"), default=ImportStatus.QUEUED)
    cursor: Mapped[str | None] = mapped_column(Text, comment="last entry done; an interrupted import goes on after it")
    total: Mapped[int] = mapped_column(default=0)
    added: Mapped[int] = mapped_column(default=0)
    duplicates: Mapped[int] = mapped_column(default=0)
    refused: Mapped[int] = mapped_column(default=0)
    labelled: Mapped[int] = mapped_column(default=0, comment="images whose class was taken over, new or not")
    message: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(default=now)
    updated_at: Mapped[datetime] = mapped_column(default=now)


class ImportRefusal(Base):
    """One file that an import left out, and why."""

    __tablename__ = "import_refusal"
    __table_args__ = (Index("ix_import_refusal_import", "import_id", "id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    import_id: Mapped[int] = mapped_column(ForeignKey("import.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
