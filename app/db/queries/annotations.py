"""Annotators, annotations and the queues they answer."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Row, Select, and_, case, func, select
from sqlalchemy.orm import Session

from app.db.models import Annotation, Annotator, Image, PseudoLabel, Round, Selection
from app.db.queries.reviews import newest_result
from app.domain.labels import Action, Answer, Queue
from app.domain.pools import Pool, Split
from app.domain.pseudo_labels import PseudoLabelStatus
from app.domain.rounds import RoundStatus
from app.errors import NotFound


def annotator(session: Session, name: str) -> Annotator | None:
    """The annotator of this name, if there is one."""
    return session.scalar(select(Annotator).where(Annotator.name == name))


def annotator_by_id(session: Session, annotator_id: int) -> Annotator:
    """The annotator with this id.

    Raises:
        NotFound: there is none.
    """
    found = session.get(Annotator, annotator_id)
    if found is None:
        raise NotFound(f"There is no annotator {annotator_id}.")
    return found


def by_uid(session: Session, uid: str) -> Annotation | None:
    """The annotation that was sent under this uid, if it arrived."""
    return session.scalar(select(Annotation).where(Annotation.uid == uid))


def current(session: Session, image_id: int, annotator_id: int) -> Annotation | None:
    """What this annotator now says of this image."""
    return session.scalar(
        select(Annotation).where(
            Annotation.image_id == image_id,
            Annotation.annotator_id == annotator_id,
            Annotation.superseded_at.is_(None),
        )
    )


def answers(session: Session, image_id: int) -> list[Answer]:
    """Everybody's current label or skip of one image, oldest first."""
    rows = session.execute(
        select(Annotation.annotator_id, Annotation.class_id)
        .where(
            Annotation.image_id == image_id,
            Annotation.superseded_at.is_(None),
            Annotation.action != Action.WITHDRAW,
        )
        .order_by(Annotation.id)
    )
    return [Answer(annotator_id=annotator_id, class_id=class_id) for annotator_id, class_id in rows]


def last_by(session: Session, project_id: int, annotator_id: int) -> Annotation | None:
    """The annotator's newest act in the project that still stands: what an undo takes back."""
    return session.scalar(
        select(Annotation)
        .where(
            Annotation.project_id == project_id,
            Annotation.annotator_id == annotator_id,
            Annotation.superseded_at.is_(None),
            Annotation.action != Action.WITHDRAW,
        )
        .order_by(func.coalesce(Annotation.restores_id, Annotation.id).desc())
        .limit(1)
    )


def by_id(session: Session, annotation_id: int | None) -> Annotation | None:
    """The annotation with this id, if one is named."""
    return None if annotation_id is None else session.get(Annotation, annotation_id)


def history(session: Session, image_id: int) -> Sequence[Row[Annotation, str]]:
    """Everything ever said of one image with the annotator's name, newest first."""
    return session.execute(
        select(Annotation, Annotator.name)
        .join(Annotator, Annotator.id == Annotation.annotator_id)
        .where(Annotation.image_id == image_id)
        .order_by(Annotation.id.desc())
    ).all()


def _answered_by(annotator_id: int) -> ColumnElement[bool]:
    """Whether the annotator has a standing label or skip of the image."""
    return (
        select(Annotation.id)
        .where(
            Annotation.image_id == Image.id,
            Annotation.annotator_id == annotator_id,
            Annotation.superseded_at.is_(None),
            Annotation.action != Action.WITHDRAW,
        )
        .exists()
    )


def queue_images(
    session: Session, project_id: int, queue: Queue, annotator_id: int, limit: int
) -> Sequence[Row[Image, Selection | None, PseudoLabel | None]]:
    """The next images of a queue that are still open and that this annotator has not answered or skipped."""
    statement = _members(project_id, queue).where(_IS_OPEN, ~_answered_by(annotator_id)).limit(limit)
    return session.execute(statement).all()


def queue_progress(session: Session, project_id: int, queue: Queue, annotator_id: int) -> tuple[int, int, int]:
    """(settled, skipped by this annotator, all) of a queue."""
    members = _members(project_id, queue).with_only_columns(
        func.sum(case((_IS_OPEN, 0), else_=1)),
        func.sum(case((and_(_IS_OPEN, _answered_by(annotator_id)), 1), else_=0)),
        func.count(),
    )
    settled, skipped, everything = session.execute(members.order_by(None)).one()
    return int(settled or 0), int(skipped or 0), int(everything)


_IS_OPEN = Image.pool.in_([Pool.UNLABELLED, Pool.PSEUDO_LABELLED])


def _members(project_id: int, queue: Queue) -> Select[Image, Selection | None, PseudoLabel | None]:
    """The images of a queue in the order they are served, with the row that says why."""
    statement = select(Image, Selection, PseudoLabel).where(Image.project_id == project_id, Image.pool != Pool.EXCLUDED)
    no_selection = and_(Selection.image_id == Image.id, Selection.round_id == 0)
    no_pseudo_label = and_(PseudoLabel.image_id == Image.id, PseudoLabel.round_id == 0)
    match queue:
        case Queue.TEST:
            return (
                statement.outerjoin(Selection, no_selection)
                .outerjoin(PseudoLabel, no_pseudo_label)
                .where(Image.split == Split.TEST)
                .order_by(Image.draw)
            )
        case Queue.SELECTION | Queue.VALIDATION:
            of_draft = select(Round.id).where(Round.project_id == project_id, Round.status == RoundStatus.DRAFT)
            return (
                statement.join(Selection, Selection.image_id == Image.id)
                .outerjoin(PseudoLabel, no_pseudo_label)
                .where(Selection.round_id == of_draft.scalar_subquery(), Selection.queue == queue)
                .order_by(Selection.position)
            )
        case Queue.REVIEW:
            return (
                statement.join(PseudoLabel, PseudoLabel.image_id == Image.id)
                .outerjoin(Selection, no_selection)
                .where(
                    PseudoLabel.round_id == newest_result(project_id),
                    PseudoLabel.status.in_([PseudoLabelStatus.REJECTED, PseudoLabelStatus.REVIEWED]),
                    # Whoever has seen the model's proposal can no longer judge it.
                    Image.split == Split.TRAIN,
                )
                .order_by(PseudoLabel.score.desc(), Image.id)
            )
        case _:
            raise NotFound(f"There is no queue {queue} to answer.")
