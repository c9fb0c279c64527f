"""Who works in a project, how fast, and what is in their hands at this moment."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Row, Select, and_, case, func, select
from sqlalchemy.orm import Session

from app.db.base import database_now
from app.db.models import Annotation, Annotator, Image, ImageLease, Round, Selection
from app.domain.labels import GIVEN, Action, AnnotatorKind, Queue
from app.domain.pools import Pool, Split
from app.domain.rounds import RoundStatus

ANSWERS = GIVEN | {Action.EXCLUDE}
"""What counts as an answer of a person: every act that deals with an image; taking one back does not."""


def people(session: Session, project_id: int) -> Sequence[Row[int, str]]:
    """(id, name) of every person who ever answered in the project, by name."""
    has_answered = (
        select(Annotation.id)
        .where(Annotation.project_id == project_id, Annotation.annotator_id == Annotator.id)
        .exists()
    )
    return session.execute(
        select(Annotator.id, Annotator.name)
        .where(Annotator.kind == AnnotatorKind.PERSON, has_answered)
        .order_by(Annotator.name)
    ).all()


def answers_by_day(
    session: Session, project_id: int, annotator_id: int, days: Sequence[datetime], longest: float
) -> Sequence[Row[int, float | None, int, float | None]]:
    """(day, tenths of a second, answers, sum of seconds) of one person: a histogram of how long answers took.

    Args:
        session: database session.
        project_id: the project.
        annotator_id: the person.
        days: when each day begins, oldest first; a day is its place in this list.
        longest: seconds; whoever took longer was away meanwhile, so that only this much counts.
    """
    # Ids rise with time: everything after the last act before these days, found from the newest backwards.
    before = (
        select(Annotation.id)
        .where(
            Annotation.project_id == project_id,
            Annotation.annotator_id == annotator_id,
            Annotation.created_at < days[0],
        )
        .order_by(Annotation.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    day = case(*((Annotation.created_at >= days[at], at) for at in range(len(days) - 1, 0, -1)), else_=0)
    seconds = case((Annotation.seconds > longest, longest), else_=Annotation.seconds)
    rows = (
        select(day.label("day"), seconds.label("seconds"), func.round(seconds * 10).label("tenths"))
        .where(
            Annotation.project_id == project_id,
            Annotation.annotator_id == annotator_id,
            Annotation.id > func.coalesce(before, 0),
            Annotation.created_at >= days[0],
            Annotation.action.in_(ANSWERS),
            Annotation.restores_id.is_(None),
        )
        .subquery()
    )
    return session.execute(
        select(rows.c.day, rows.c.tenths, func.count(), func.sum(rows.c.seconds)).group_by(rows.c.day, rows.c.tenths)
    ).all()


def answered(session: Session, project_id: int, queue: Queue) -> Sequence[Row[str, int]]:
    """(name, images) of everybody whose answer to an image of a queue stands, most first.

    Args:
        session: database session.
        project_id: the project.
        queue: the test set, or one that the present draft asks about.
    """
    members = _members(project_id, queue).subquery()
    return session.execute(
        select(Annotator.name, func.count())
        .select_from(members)
        .join(Annotation, and_(Annotation.image_id == members.c.image_id, Annotation.superseded_at.is_(None)))
        .join(Annotator, Annotator.id == Annotation.annotator_id)
        .where(Annotation.action.in_(GIVEN))
        .group_by(Annotator.name)
        .order_by(func.count().desc(), Annotator.name)
    ).all()


def holders(session: Session, project_id: int) -> Sequence[Row[Queue, str, int, float]]:
    """(queue, name, images, seconds until all of them are free again) of everybody who holds images now."""
    return session.execute(
        select(
            ImageLease.queue,
            Annotator.name,
            func.count(),
            func.max(ImageLease.expires) - database_now(),
        )
        .join(Annotator, Annotator.id == ImageLease.annotator_id)
        .where(ImageLease.project_id == project_id, ImageLease.expires > database_now())
        .group_by(ImageLease.queue, Annotator.name)
        .order_by(ImageLease.queue, Annotator.name)
    ).all()


def _members(project_id: int, queue: Queue) -> Select[int]:
    if queue is Queue.TEST:
        return select(Image.id.label("image_id")).where(
            Image.project_id == project_id, Image.split == Split.TEST, Image.pool != Pool.EXCLUDED
        )
    draft = select(Round.id).where(Round.project_id == project_id, Round.status == RoundStatus.DRAFT)
    return select(Selection.image_id).where(Selection.round_id == draft.scalar_subquery(), Selection.queue == queue)
