"""Rounds and everything a round writes."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base, BigId, choice, now
from app.domain.labels import Queue
from app.domain.pseudo_labels import PseudoLabelStatus
from app.domain.rounds import RoundStatus, SelectionStatus
from ssmae.config import Acquisition, Phase, Preset, RejectionReason, StartFrom

_ACTIVE = text("status IN ('queued', 'running')")
_DRAFT = text("status = 'draft'")
_ACCEPTED = text("reason IS NULL")
_UNJUDGED = text("status IN ('accepted', 'rejected')")


class Snapshot(Base):
    """An immutable, hashed list of images, labels and splits. The rows themselves are a file in the storage."""

    __tablename__ = "snapshot"
    __table_args__ = (UniqueConstraint("project_id", "digest"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("project.id", ondelete="CASCADE"))
    digest: Mapped[str] = mapped_column(String(64))
    class_ids: Mapped[list[int]] = mapped_column(JSON)
    images: Mapped[int]
    labelled: Mapped[int] = mapped_column(comment="training labels")
    validation: Mapped[int] = mapped_column(comment="labels that judge the gate")
    test: Mapped[int] = mapped_column(comment="labels that only report")
    created_at: Mapped[datetime] = mapped_column(default=now)


class Round(Base):
    """One pass of select, annotate, snapshot, train, gate, propose."""

    __tablename__ = "round"
    __table_args__ = (
        UniqueConstraint("project_id", "number"),
        Index("uq_round_active", "project_id", unique=True, sqlite_where=_ACTIVE, postgresql_where=_ACTIVE),
        Index("uq_round_draft", "project_id", unique=True, sqlite_where=_DRAFT, postgresql_where=_DRAFT),
        Index("ix_round_status", "status", "lease_expires"),
        CheckConstraint("attempt >= 0 AND attempts_left >= 0", name="attempt"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("project.id", ondelete="CASCADE"))
    number: Mapped[int] = mapped_column(comment="1, 2, 3 … within the project")
    status: Mapped[RoundStatus] = mapped_column(choice(RoundStatus, "status"), default=RoundStatus.DRAFT)

    strategy: Mapped[Acquisition] = mapped_column(choice(Acquisition, "strategy"))
    selection_size: Mapped[int]
    validation_size: Mapped[int]
    selection_status: Mapped[SelectionStatus] = mapped_column(
        choice(SelectionStatus, "selection_status"), default=SelectionStatus.PENDING
    )
    selection_message: Mapped[str | None] = mapped_column(Text)
    selection_version: Mapped[int] = mapped_column(default=0, comment="rises whenever the lead draws again")
    frame_digest: Mapped[str | None] = mapped_column(
        String(64), comment="file of the images that the validation sample was drawn from"
    )

    preset: Mapped[Preset | None] = mapped_column(choice(Preset, "preset"))
    config: Mapped[dict[str, Any]] = mapped_column(default=dict, comment="RoundConfig, whole, fixed when queued")
    seed: Mapped[int] = mapped_column(default=0)
    start_from: Mapped[StartFrom] = mapped_column(choice(StartFrom, "start_from"), default=StartFrom.LAST)
    start_file: Mapped[str | None] = mapped_column(Text, comment="path of a checkpoint, for start_from=checkpoint")
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("round.id"))
    snapshot_id: Mapped[int | None] = mapped_column(ForeignKey("snapshot.id"))

    attempt: Mapped[int] = mapped_column(default=0, comment="fencing token: rises with every claim")
    attempts_left: Mapped[int] = mapped_column(default=3, comment="claims that may still fail before the round does")
    owner: Mapped[str | None] = mapped_column(String(100))
    lease_expires: Mapped[float | None] = mapped_column(comment="seconds since 1970 by the database's clock")
    sent_at: Mapped[float | None] = mapped_column(comment="when a worker was last told, by the database's clock")
    cancel_requested: Mapped[bool] = mapped_column(default=False)

    progress: Mapped[dict[str, Any]] = mapped_column(default=dict, comment="phase, step, losses, images/s, time left")
    error: Mapped[str | None] = mapped_column(Text, comment="one sentence for the user")
    traceback: Mapped[str | None] = mapped_column(Text)
    manifest: Mapped[dict[str, Any]] = mapped_column(default=dict, comment="what produced the result; see README")
    files: Mapped[dict[str, Any]] = mapped_column(default=dict, comment="published files: name to storage key")

    created_at: Mapped[datetime] = mapped_column(default=now)
    queued_at: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


class RoundEvent(Base):
    """One change of a round's status, with its reason."""

    __tablename__ = "round_event"
    __table_args__ = (Index("ix_round_event_round", "round_id", "id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    round_id: Mapped[int] = mapped_column(ForeignKey("round.id", ondelete="CASCADE"))
    status: Mapped[RoundStatus] = mapped_column(choice(RoundStatus, "status"))
    note: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(default=now)


class Selection(Base):
    """One image that a draft round asks about, and why."""

    __tablename__ = "selection"
    __table_args__ = (
        UniqueConstraint("round_id", "image_id"),
        Index("ix_selection_queue", "round_id", "queue", "position"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    round_id: Mapped[int] = mapped_column(ForeignKey("round.id", ondelete="CASCADE"))
    image_id: Mapped[int] = mapped_column(ForeignKey("image.id", ondelete="CASCADE"))
    queue: Mapped[Queue] = mapped_column(choice(Queue, "queue"))
    strategy: Mapped[Acquisition] = mapped_column(choice(Acquisition, "strategy"))
    score: Mapped[float]
    reason: Mapped[str] = mapped_column(Text)
    position: Mapped[int]


class TrainingPoint(Base):
    """The losses at one step of one attempt."""

    __tablename__ = "training_point"

    round_id: Mapped[int] = mapped_column(ForeignKey("round.id", ondelete="CASCADE"), primary_key=True)
    attempt: Mapped[int] = mapped_column(primary_key=True)
    step: Mapped[int] = mapped_column(primary_key=True)
    phase: Mapped[Phase] = mapped_column(choice(Phase, "phase"))
    losses: Mapped[dict[str, Any]]
    images_per_second: Mapped[float]


class GateRecord(Base):
    """One decision of the gate."""

    __tablename__ = "gate_record"
    __table_args__ = (UniqueConstraint("round_id", "check_number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    round_id: Mapped[int] = mapped_column(ForeignKey("round.id", ondelete="CASCADE"))
    check_number: Mapped[int]
    is_open: Mapped[bool]
    threshold: Mapped[float | None]
    coverage: Mapped[float]
    bound: Mapped[float | None] = mapped_column(comment="upper bound of the error among accepted pseudo-labels")
    n: Mapped[int]
    errors: Mapped[int]
    alpha: Mapped[float]
    delta: Mapped[float]
    reason: Mapped[str] = mapped_column(Text)
    classes: Mapped[list[dict[str, Any]]] = mapped_column(
        JSON, default=list, comment="what the check says of each class, by class id"
    )
    discards: Mapped[bool] = mapped_column(
        default=False, server_default=false(), comment="what an earlier check let in goes too"
    )


class PseudoLabel(Base):
    """A class that one round proposed for one image."""

    __tablename__ = "pseudo_label"
    __table_args__ = (
        UniqueConstraint("round_id", "image_id"),
        Index("ix_pseudo_label_queue", "round_id", "status", "score", "id"),
        Index("ix_pseudo_label_reason", "round_id", "status", "reason", "score", "id"),
        Index(
            "ix_pseudo_label_grid",
            "round_id",
            "class_id",
            "score",
            "id",
            sqlite_where=_UNJUDGED,
            postgresql_where=_UNJUDGED,
        ),
        Index(
            "ix_pseudo_label_accepted",
            "round_id",
            "reason",  # only so that SQLite finds all that it needs in the index
            "image_id",
            sqlite_where=_ACCEPTED,
            postgresql_where=_ACCEPTED,
        ),
        CheckConstraint("score >= 0 AND score <= 1", name="score"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("project.id", ondelete="CASCADE"))
    round_id: Mapped[int] = mapped_column(ForeignKey("round.id", ondelete="CASCADE"))
    image_id: Mapped[int] = mapped_column(ForeignKey("image.id", ondelete="CASCADE"))
    class_id: Mapped[int] = mapped_column(ForeignKey("class.id"))
    score: Mapped[float] = mapped_column(comment="mean over views, 0 if they disagree: what the gate looks at")
    confidence: Mapped[float] = mapped_column(comment="largest probability on the weak view")
    status: Mapped[PseudoLabelStatus] = mapped_column(choice(PseudoLabelStatus, "status"))
    reason: Mapped[RejectionReason | None] = mapped_column(choice(RejectionReason, "reason"))
    created_at: Mapped[datetime] = mapped_column(default=now)
    changed_at: Mapped[datetime] = mapped_column(default=now)


class Prediction(Base):
    """What a round's model says of a test image; written after training, read by reports alone."""

    __tablename__ = "prediction"

    round_id: Mapped[int] = mapped_column(ForeignKey("round.id", ondelete="CASCADE"), primary_key=True)
    image_id: Mapped[int] = mapped_column(ForeignKey("image.id", ondelete="CASCADE"), primary_key=True)
    class_id: Mapped[int] = mapped_column(ForeignKey("class.id"))
    confidence: Mapped[float]


class Worker(Base):
    """A worker process that was alive at `seen` by the database's clock."""

    __tablename__ = "worker"

    name: Mapped[str] = mapped_column(String(100), primary_key=True)
    queues: Mapped[str] = mapped_column(String(100))
    seen: Mapped[float]
