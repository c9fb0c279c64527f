"""Pseudo-labels as people look at them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import TypeVar

from sqlalchemy import ColumnElement, Row, ScalarSelect, and_, func, literal, literal_column, or_, select, tuple_
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from app.db.models import Annotation, Image, PseudoLabel, Round
from app.domain.labels import Action, Queue
from app.domain.pools import Pool, Split
from app.domain.pseudo_labels import PseudoLabelStatus
from app.domain.rounds import RoundStatus
from ssmae.config import RejectionReason

K = TypeVar("K")
_IDS = 500
WAITING = (PseudoLabelStatus.ACCEPTED, PseudoLabelStatus.REJECTED)
UNJUDGED: ColumnElement[bool] = literal_column("pseudo_label.status").in_(
    [literal_column(f"'{status}'") for status in WAITING]
)
"""A proposal that no person has spoken about; written out as its partial index has it, for SQLite."""


def newest_result(project_id: int) -> ScalarSelect[int]:
    """Sub-query: the id of the newest succeeded round."""
    return (
        select(func.max(Round.id))
        .where(Round.project_id == project_id, Round.status == RoundStatus.SUCCEEDED)
        .scalar_subquery()
    )


def accepted(
    session: Session, project_id: int, *, class_id: int | None, hidden: Collection[int], after_id: int, limit: int
) -> Sequence[Row[PseudoLabel, Image]]:
    """Accepted pseudo-labels of the newest result by rising score, after one of them.

    Never those of the validation sample that is being answered: whoever has seen the model's proposal can no longer
    judge it.
    """
    statement = (
        select(PseudoLabel, Image)
        .join(Image, Image.id == PseudoLabel.image_id)
        .where(
            PseudoLabel.round_id == newest_result(project_id),
            PseudoLabel.status == PseudoLabelStatus.ACCEPTED,
            PseudoLabel.image_id.not_in(hidden),
            Image.split == Split.TRAIN,
        )
        .order_by(PseudoLabel.score, PseudoLabel.id)
        .limit(limit)
    )
    if class_id is not None:
        statement = statement.where(PseudoLabel.class_id == class_id, UNJUDGED)  # which names the index with the class
    if after_id:
        score = session.scalar(select(PseudoLabel.score).where(PseudoLabel.id == after_id))
        statement = statement.where(tuple_(PseudoLabel.score, PseudoLabel.id) > tuple_(literal(score), after_id))
    return session.execute(statement).all()


def counts(
    session: Session, project_id: int, by: InstrumentedAttribute[K], statuses: Collection[PseudoLabelStatus]
) -> dict[K, int]:
    """Pseudo-labels of the newest result that people may look at in some statuses, by one of their columns.

    All of them are counted in an index, and those of the validation sample are taken off, one by one: to look at every
    image would take seconds.
    """
    newest = session.scalar(select(newest_result(project_id)))
    which = UNJUDGED if set(statuses) == set(WAITING) else PseudoLabel.status.in_(statuses)
    everywhere = select(by, func.count()).where(PseudoLabel.round_id == newest, which).group_by(by)
    found = Counter(dict(session.execute(everywhere).all()))
    sampled = session.scalars(
        select(Image.id).where(Image.project_id == project_id, Image.split == Split.VALIDATION)
    ).all()
    for start in range(0, len(sampled), _IDS):
        some = PseudoLabel.image_id.in_(sampled[start : start + _IDS])
        for status, value in session.execute(
            select(PseudoLabel.status, by).where(PseudoLabel.round_id == newest, some)
        ):
            found[value] -= status in statuses
    return +found


def reason_counts(session: Session, project_id: int) -> dict[RejectionReason, int]:
    """Rejected pseudo-labels of the newest result that wait for a person, by reason."""
    found = counts(session, project_id, PseudoLabel.reason, [PseudoLabelStatus.REJECTED])
    return {reason: count for reason, count in found.items() if reason is not None}


def own_labels(session: Session, project_id: int, annotator_id: int, *, since: datetime) -> Sequence[tuple[int, int]]:
    """(image id, class) of a person's standing labels that they may look at again, by image.

    Not those looked at again, or given blind in an audit, after `since`; see `services.second_look` for the others
    that are left out.
    """
    seen_since = and_(Annotation.queue.in_([Queue.SECOND_LOOK, Queue.AUDIT]), Annotation.created_at > since)
    rows = session.execute(
        select(Annotation.image_id, Annotation.class_id)
        .join(Image, Image.id == Annotation.image_id)
        .where(
            Annotation.project_id == project_id,
            Annotation.annotator_id == annotator_id,
            Annotation.superseded_at.is_(None),
            Annotation.action == Action.LABEL,
            Annotation.queue != Queue.ADJUDICATION,
            ~seen_since,
            Image.split == Split.TRAIN,
            Image.pool != Pool.EXCLUDED,
        )
        .order_by(Annotation.image_id)
    )
    return [(image_id, class_id) for image_id, class_id in rows if class_id is not None]


def looked_at_again(session: Session, project_id: int, annotator_id: int, *, since: datetime) -> int:
    """How many of their own answers a person has kept or changed in a second look after `since`."""
    looked = select(func.count()).where(
        Annotation.project_id == project_id,
        Annotation.annotator_id == annotator_id,
        Annotation.superseded_at.is_(None),
        Annotation.queue == Queue.SECOND_LOOK,
        Annotation.action == Action.LABEL,
        Annotation.created_at > since,
    )
    return session.scalar(looked) or 0


def open_counts(session: Session, project_id: int) -> dict[int, int]:
    """How many proposals of the newest result nobody has judged, by class; of the validation sample too."""
    rows = session.execute(
        select(PseudoLabel.class_id, func.count())
        .where(PseudoLabel.round_id == newest_result(project_id), UNJUDGED)
        .group_by(PseudoLabel.class_id)
    )
    return {row[0]: row[1] for row in rows}


def judged_in_grids(session: Session, round_id: int, class_id: int, *, note: str, since: datetime) -> Sequence[bool]:
    """Whether each proposal of a class that was judged in grids was right, in the order of the answers.

    Answers that were taken back do not count; those that were changed elsewhere since count as they were given.
    """
    undo = aliased(Annotation)
    is_undone = select(undo.id).where(
        undo.image_id == Annotation.image_id,  # indexed
        undo.supersedes_id == Annotation.id,
        or_(undo.queue == Queue.GRID, undo.restores_id.is_not(None)),
    )
    is_of_class = select(PseudoLabel.id).where(
        PseudoLabel.round_id == round_id, PseudoLabel.image_id == Annotation.image_id, PseudoLabel.class_id == class_id
    )
    # Ids rise with time: only what came after is read, not the class's proposals by the ten thousand.
    last_before = select(Annotation.id).where(Annotation.created_at <= since).order_by(Annotation.id.desc()).limit(1)
    rows = session.execute(
        select(Annotation.action, Annotation.class_id)
        .where(
            Annotation.id > func.coalesce(last_before.scalar_subquery(), 0),
            is_of_class.exists(),
            Annotation.queue == Queue.GRID,
            Annotation.note == note,
            Annotation.created_at > since,
            Annotation.action.in_([Action.LABEL, Action.SKIP]),
            ~is_undone.exists(),
        )
        .order_by(Annotation.id)
    )
    return [action is Action.LABEL and said == class_id for action, said in rows]


def of_image(session: Session, round_id: int, image_id: int) -> PseudoLabel | None:
    """What a round proposed for an image, if it did."""
    return session.scalar(select(PseudoLabel).where(PseudoLabel.round_id == round_id, PseudoLabel.image_id == image_id))


def labelled_sample(session: Session, project_id: int, limit: int) -> Sequence[tuple[int, int]]:
    """(image id, class) of labelled training images; of more than the limit, those that the draw puts first."""
    rows = session.execute(
        select(Image.id, Image.label_class_id)
        .where(Image.project_id == project_id, Image.split == Split.TRAIN, Image.pool == Pool.LABELLED)
        .order_by(Image.draw)
        .limit(limit)
    )
    return [(image_id, class_id) for image_id, class_id in rows if class_id is not None]
