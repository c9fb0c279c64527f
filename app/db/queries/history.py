"""Everything that was ever said of one image, and the rounds that may have learnt from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Row, func, select
from sqlalchemy.orm import Session, aliased

from app.db.models import Annotation, Annotator, ImageFlag, Round, RoundEvent, Snapshot
from app.domain.labels import AnnotatorKind
from app.domain.rounds import RoundStatus


@dataclass(frozen=True)
class Frozen:
    """A round and the moment at which its labels were frozen."""

    number: int
    status: RoundStatus
    config: dict[str, object]
    digest: str
    frozen_at: datetime


def acts(session: Session, image_id: int) -> Sequence[Row[Annotation, str, AnnotatorKind]]:
    """Every act on one image with the annotator's name and kind, oldest first."""
    return session.execute(
        select(Annotation, Annotator.name, Annotator.kind)
        .join(Annotator, Annotator.id == Annotation.annotator_id)
        .where(Annotation.image_id == image_id)
        .order_by(Annotation.id)
    ).all()


def frozen_since(session: Session, project_id: int, since: datetime) -> list[Frozen]:
    """The rounds whose labels were frozen after a moment, oldest first.

    A round is frozen when it is queued for the first time; one that is tried again keeps its snapshot, though
    `Round.queued_at` moves on.
    """
    first = func.min(RoundEvent.created_at).label("frozen_at")
    rows = session.execute(
        select(Round.number, Round.status, Round.config, Snapshot.digest, first)
        .join(Snapshot, Snapshot.id == Round.snapshot_id)
        .join(RoundEvent, RoundEvent.round_id == Round.id)
        .where(Round.project_id == project_id, RoundEvent.status == RoundStatus.QUEUED)
        .group_by(Round.id, Snapshot.id)
        .having(first > since)
        .order_by(Round.number)
    )
    return [Frozen(*row) for row in rows]


def flags(session: Session, image_id: int) -> Sequence[Row[ImageFlag, str, str | None]]:
    """Every flag of one image with the names of who raised and who resolved it, oldest first."""
    resolver = aliased(Annotator)
    return session.execute(
        select(ImageFlag, Annotator.name, resolver.name)
        .join(Annotator, Annotator.id == ImageFlag.annotator_id)
        .outerjoin(resolver, resolver.id == ImageFlag.resolved_by)
        .where(ImageFlag.image_id == image_id)
        .order_by(ImageFlag.id)
    ).all()
