"""People and what they said: an append-only history."""

from __future__ import annotations

from datetime import datetime

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
    supersedes_id: Mapped[int | None] = mapped_column(ForeignKey("annotation.id"))
    restores_id: Mapped[int | None] = mapped_column(
        ForeignKey("annotation.id"), comment="the earlier act that an undo brought back with this one"
    )
    superseded_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=now)
