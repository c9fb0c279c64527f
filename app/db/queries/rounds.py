"""Rounds, their selections, events and published rows."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Row, Select, and_, func, select
from sqlalchemy.orm import Session

from app.db.base import database_now
from app.db.models import (
    Annotation,
    GateRecord,
    Image,
    PseudoLabel,
    Round,
    RoundEvent,
    Selection,
    Snapshot,
    TrainingPoint,
    Worker,
)
from app.domain.labels import Action, Queue
from app.domain.pools import Pool
from app.domain.pseudo_labels import PseudoLabelStatus
from app.domain.rounds import ACTIVE, RoundStatus
from app.errors import NotFound


def one(session: Session, round_id: int, *, lock: bool = False) -> Round:
    """The round with this id, as it is in the database now.

    Raises:
        NotFound: there is none.
    """
    statement = select(Round).where(Round.id == round_id).execution_options(populate_existing=True)
    found = session.scalar(statement.with_for_update() if lock else statement)
    if found is None:
        raise NotFound(f"There is no round {round_id}.")
    return found


def of_project(session: Session, project_id: int) -> Sequence[Round]:
    """Every round of the project, newest first."""
    return session.scalars(select(Round).where(Round.project_id == project_id).order_by(Round.number.desc())).all()


def active(session: Session, project_id: int) -> Round | None:
    """The round that is queued or running, if there is one."""
    return session.scalar(select(Round).where(Round.project_id == project_id, Round.status.in_(ACTIVE)))


def draft(session: Session, project_id: int) -> Round | None:
    """The round that collects answers, if there is one."""
    return session.scalar(select(Round).where(Round.project_id == project_id, Round.status == RoundStatus.DRAFT))


def last_succeeded(session: Session, project_id: int) -> Round | None:
    """The newest round with a result."""
    return session.scalar(
        select(Round)
        .where(Round.project_id == project_id, Round.status == RoundStatus.SUCCEEDED)
        .order_by(Round.number.desc())
        .limit(1)
    )


def next_number(session: Session, project_id: int) -> int:
    """The number a new round of the project gets."""
    return (session.scalar(select(func.max(Round.number)).where(Round.project_id == project_id)) or 0) + 1


def events(session: Session, round_id: int) -> Sequence[RoundEvent]:
    """What happened to a round, oldest first."""
    return session.scalars(select(RoundEvent).where(RoundEvent.round_id == round_id).order_by(RoundEvent.id)).all()


def snapshot(session: Session, snapshot_id: int) -> Snapshot:
    """The snapshot with this id.

    Raises:
        NotFound: there is none.
    """
    found = session.get(Snapshot, snapshot_id)
    if found is None:
        raise NotFound(f"There is no snapshot {snapshot_id}.")
    return found


def snapshot_by_digest(session: Session, project_id: int, digest: str) -> Snapshot | None:
    """The snapshot with this content, if it was taken before."""
    return session.scalar(select(Snapshot).where(Snapshot.project_id == project_id, Snapshot.digest == digest))


def validation_sample(session: Session, round_id: int) -> Sequence[Row[int, Pool, bool, bool]]:
    """(image_id, pool, is_answered_in_turn, is_skipped) of a round's validation sample, in the order of the draw.

    Answered in turn is what has a standing label from the validation queue; skipped, a standing skip or "not
    sure" from anywhere.
    """
    standing = and_(Annotation.image_id == Selection.image_id, Annotation.superseded_at.is_(None))
    in_turn = select(Annotation.id).where(
        standing, Annotation.action == Action.LABEL, Annotation.queue == Queue.VALIDATION
    )
    skipped = select(Annotation.id).where(standing, Annotation.action.in_([Action.SKIP, Action.UNSURE]))
    return session.execute(
        select(
            Selection.image_id,
            Image.pool,
            in_turn.exists().label("is_answered_in_turn"),
            skipped.exists().label("is_skipped"),
        )
        .join(Image, Image.id == Selection.image_id)
        .where(Selection.round_id == round_id, Selection.queue == Queue.VALIDATION)
        .order_by(Selection.position)
    ).all()


def gate_records(session: Session, round_ids: Sequence[int]) -> Sequence[GateRecord]:
    """The gate's decisions in these rounds, in order."""
    return session.scalars(
        select(GateRecord)
        .where(GateRecord.round_id.in_(round_ids))
        .order_by(GateRecord.round_id, GateRecord.check_number)
    ).all()


def training_points(session: Session, round_id: int, attempt: int) -> Sequence[TrainingPoint]:
    """The losses of one attempt, by step."""
    return session.scalars(
        select(TrainingPoint)
        .where(TrainingPoint.round_id == round_id, TrainingPoint.attempt == attempt)
        .order_by(TrainingPoint.step)
    ).all()


def pseudo_label(session: Session, pseudo_label_id: int) -> PseudoLabel:
    """The pseudo-label with this id.

    Raises:
        NotFound: there is none.
    """
    found = session.get(PseudoLabel, pseudo_label_id)
    if found is None:
        raise NotFound(f"There is no pseudo-label {pseudo_label_id}.")
    return found


def pseudo_label_counts(session: Session, round_id: int) -> dict[PseudoLabelStatus, int]:
    """How many pseudo-labels of a round are in each status."""
    rows = session.execute(
        select(PseudoLabel.status, func.count()).where(PseudoLabel.round_id == round_id).group_by(PseudoLabel.status)
    )
    return {row[0]: row[1] for row in rows}


def accepted_image_ids(round_id: int) -> Select[int]:
    """Sub-query: the images whose pseudo-label the round accepted."""
    return select(PseudoLabel.image_id).where(
        PseudoLabel.round_id == round_id, PseudoLabel.status == PseudoLabelStatus.ACCEPTED
    )


def workers_seen(session: Session, within_seconds: float) -> Sequence[Worker]:
    """Worker processes that were alive a moment ago."""
    return session.scalars(
        select(Worker).where(Worker.seen > database_now() - within_seconds).order_by(Worker.name)
    ).all()
