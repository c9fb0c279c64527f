"""What an audit looks at: the pseudo-labels that a round accepted, and the blind answers to some of them."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import Row, or_, select
from sqlalchemy.orm import Session, aliased

from app.db.models import Annotation, Image, PseudoLabel
from app.domain.audits import BLIND
from app.domain.labels import Action
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


def blind_acts(session: Session, image_ids: Collection[int]) -> Sequence[Row[int, int, Action, int | None, bool]]:
    """(image id, annotator, action, class, is_blind) of every act in the queues that show no proposal, oldest first.

    Superseded ones too: what somebody said blind stands, even if they said something else once they had seen more. An
    undo is not blind if it brought back what was said in another queue.
    """
    restored = aliased(Annotation)
    return session.execute(
        select(
            Annotation.image_id,
            Annotation.annotator_id,
            Annotation.action,
            Annotation.class_id,
            or_(restored.id.is_(None), restored.queue.in_(BLIND)),
        )
        .outerjoin(restored, restored.id == Annotation.restores_id)
        .where(Annotation.image_id.in_(image_ids), Annotation.queue.in_(BLIND))
        .order_by(Annotation.id)
    ).all()
