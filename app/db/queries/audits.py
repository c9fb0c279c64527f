"""What an audit looks at: the pseudo-labels that a round accepted, and the blind answers to some of them."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import Row, func, select
from sqlalchemy.orm import Session, aliased

from app.db.models import Annotation, Image, PseudoLabel, Round
from app.domain.audits import BLIND
from app.domain.labels import Action, Queue
from app.domain.pools import Pool


def accepted_ids(session: Session, round_id: int) -> Sequence[int]:
    """Images whose pseudo-label the round accepted, as it was published: whatever became of them since."""
    return session.scalars(
        select(PseudoLabel.image_id)
        .where(PseudoLabel.round_id == round_id, PseudoLabel.reason.is_(None))
        .order_by(PseudoLabel.image_id)
    ).all()


def drawn(session: Session, round_id: int, image_ids: Collection[int]) -> Sequence[Row[int, int, Pool]]:
    """(image id, class that the round proposes, pool) of these images."""
    return session.execute(
        select(PseudoLabel.image_id, PseudoLabel.class_id, Image.pool)
        .join(Image, Image.id == PseudoLabel.image_id)
        .where(PseudoLabel.round_id == round_id, PseudoLabel.image_id.in_(image_ids))
    ).all()


def begun_at(session: Session, round_id: int, image_ids: Collection[int]) -> int | None:
    """The first annotation of the round's audit of these images, taken back or not; None before it has begun."""
    published = select(Round.finished_at).where(Round.id == round_id).scalar_subquery()
    return session.scalar(
        select(func.min(Annotation.id)).where(
            Annotation.image_id.in_(image_ids), Annotation.queue == Queue.AUDIT, Annotation.created_at > published
        )
    )


def labelled_in_sight(session: Session, image_ids: Collection[int]) -> dict[int, int]:
    """Where the proposal may have been in sight: the first standing label of each image, as an annotation's id."""
    rows = session.execute(
        select(Annotation.image_id, func.min(Annotation.id))
        .where(
            Annotation.image_id.in_(image_ids),
            Annotation.superseded_at.is_(None),
            Annotation.action == Action.LABEL,
            Annotation.queue.not_in(BLIND),
        )
        .group_by(Annotation.image_id)
    )
    return {row[0]: row[1] for row in rows}


def blind_answers(session: Session, image_ids: Collection[int]) -> Sequence[Row[int, int, Action, int | None]]:
    """(image id, annotator, action, class) of every act in the queues that show no proposal, oldest first.

    Superseded ones too: what somebody said blind stands, even if they said something else once they had seen more. Not
    those that an undo took back.
    """
    undo = aliased(Annotation)
    return session.execute(
        select(Annotation.image_id, Annotation.annotator_id, Annotation.action, Annotation.class_id)
        .where(
            Annotation.image_id.in_(image_ids),
            Annotation.queue.in_(BLIND),
            ~select(undo.id).where(undo.supersedes_id == Annotation.id, undo.restores_id.is_not(None)).exists(),
        )
        .order_by(Annotation.id)
    ).all()
