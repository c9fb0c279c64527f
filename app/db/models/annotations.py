"""People and what they said: an append-only history."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base, BigId, choice, now
from app.domain.labels import Action, AnnotatorKind, Queue


class Annotator(Base):
    """Somebody, or something, that answers."""

    __tablename__ = "annotator"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100), unique=True)
    kind: Mapped[AnnotatorKind] = mapped_column(choice(AnnotatorKind, "kind"), default=AnnotatorKind.PERSON)
    preferences: Mapped[dict[str, Any]] = mapped_column(default=dict, comment="keys, layout and hints of this person")
    created_at: Mapped[datetime] = mapped_column(default=now)


class Annotation(Base):
    """One act of one annotator on one image. Only `superseded_at` is ever written after the insert, and only once."""

    __tablename__ = "annotation"
    __table_args__ = (
        Index(
            "uq_annotation_current",
            "image_id",
            "annotator_id",
            unique=True,
            sqlite_where=text("superseded_at IS NULL"),
            postgresql_where=text("superseded_at IS NULL"),
        ),
        Index("ix_annotation_history", "project_id", "annotator_id", "id"),
        Index("ix_annotation_image", "image_id"),
        Index(
            "ix_annotation_batch",
            "annotator_id",
            "batch",
            sqlite_where=text("batch IS NOT NULL"),
            postgresql_where=text("batch IS NOT NULL"),
        ),
        Index(
            "ix_annotation_passed_over",
            "project_id",
            "annotator_id",
            "image_id",
            sqlite_where=text("superseded_at IS NULL AND action IN ('skip', 'unsure')"),
            postgresql_where=text("superseded_at IS NULL AND action IN ('skip', 'unsure')"),
        ),
        CheckConstraint("(action = 'label') = (class_id IS NOT NULL)", name="label_has_class"),
        CheckConstraint("seconds IS NULL OR seconds >= 0", name="seconds"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    uid: Mapped[str] = mapped_column(String(36), unique=True, comment="chosen by the sender: a replay changes nothing")
    project_id: Mapped[int] = mapped_column(ForeignKey("project.id", ondelete="CASCADE"))
    image_id: Mapped[int] = mapped_column(ForeignKey("image.id", ondelete="CASCADE"))
    annotator_id: Mapped[int] = mapped_column(ForeignKey("annotator.id"))
    action: Mapped[Action] = mapped_column(choice(Action, "action"))
    class_id: Mapped[int | None] = mapped_column(ForeignKey("class.id"))
    queue: Mapped[Queue] = mapped_column(choice(Queue, "queue"))
    round_id: Mapped[int | None] = mapped_column(ForeignKey("round.id"))
    seconds: Mapped[float | None] = mapped_column(comment="from the image's appearance to the answer")
    note: Mapped[str | None] = mapped_column(Text)
    batch: Mapped[str | None] = mapped_column(String(36), comment="answers that were given, and are undone, together")
    supersedes_id: Mapped[int | None] = mapped_column(ForeignKey("annotation.id"))
    restores_id: Mapped[int | None] = mapped_column(
        ForeignKey("annotation.id"), comment="the earlier act that an undo brought back with this one"
    )
    superseded_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=now)


class ImageLease(Base):
    """An image that one tab of one annotator holds ahead, so that nobody else is asked about it meanwhile.

    An image that several people shall answer has as many slots; the primary key makes a slot nobody else's.
    """

    __tablename__ = "image_lease"
    __table_args__ = (
        Index("ix_image_lease_holder", "annotator_id", "tab"),
        Index("ix_image_lease_queue", "project_id", "queue", "expires"),
        CheckConstraint("slot >= 0", name="slot"),
    )

    image_id: Mapped[int] = mapped_column(ForeignKey("image.id", ondelete="CASCADE"), primary_key=True)
    slot: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    project_id: Mapped[int] = mapped_column(ForeignKey("project.id", ondelete="CASCADE"))
    queue: Mapped[Queue] = mapped_column(choice(Queue, "queue"))
    annotator_id: Mapped[int] = mapped_column(ForeignKey("annotator.id"))
    tab: Mapped[str] = mapped_column(String(36), comment="chosen by the browser for each opened page")
    expires: Mapped[float] = mapped_column(comment="seconds since 1970 by the database's clock")


class ImageFlag(Base):
    """An annotator's word to the leads about an image, beside whatever they answered."""

    __tablename__ = "image_flag"
    __table_args__ = (Index("ix_image_flag_open", "project_id", "resolved_at"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    uid: Mapped[str] = mapped_column(String(36), unique=True, comment="chosen by the sender: a replay changes nothing")
    project_id: Mapped[int] = mapped_column(ForeignKey("project.id", ondelete="CASCADE"))
    image_id: Mapped[int] = mapped_column(ForeignKey("image.id", ondelete="CASCADE"), index=True)
    annotator_id: Mapped[int] = mapped_column(ForeignKey("annotator.id"))
    note: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(default=now)
    resolved_at: Mapped[datetime | None]
    resolved_by: Mapped[int | None] = mapped_column(ForeignKey("annotator.id"))
