"""Pseudo-labels as people look at them."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, ScalarSelect, and_, func, select
from sqlalchemy.orm import Session

from app.db.models import Image, PseudoLabel, Round
from app.domain.pools import Pool, Split
from app.domain.pseudo_labels import PseudoLabelStatus
from app.domain.rounds import RoundStatus
from ssmae.config import RejectionReason


def newest_result(project_id: int) -> ScalarSelect[int]:
    """Sub-query: the id of the newest succeeded round."""
    return (
        select(func.max(Round.id))
        .where(Round.project_id == project_id, Round.status == RoundStatus.SUCCEEDED)
        .scalar_subquery()
    )


def of_newest_result(project_id: int, status: PseudoLabelStatus) -> ColumnElement[bool]:
    """Which pseudo-labels (joined with their image) people may look at in one status.

    Never those of the validation sample that is being answered: whoever has seen the model's proposal can no longer
    judge it. A rejected one that was reviewed waits again if the answer was taken back.
    """
    shown = and_(PseudoLabel.round_id == newest_result(project_id), Image.split == Split.TRAIN)
    if status is not PseudoLabelStatus.REJECTED:
        return and_(shown, PseudoLabel.status == status)
    return and_(
        shown,
        PseudoLabel.status.in_([PseudoLabelStatus.REJECTED, PseudoLabelStatus.REVIEWED]),
        Image.pool.in_([Pool.UNLABELLED, Pool.PSEUDO_LABELLED]),
    )


def listed(
    session: Session,
    project_id: int,
    status: PseudoLabelStatus,
    *,
    class_id: int | None,
    reason: RejectionReason | None,
    offset: int,
    limit: int,
) -> Sequence[tuple[PseudoLabel, Image]]:
    """Pseudo-labels of the newest result in one status; accepted ones by rising score, others by falling."""
    order = PseudoLabel.score.asc() if status is PseudoLabelStatus.ACCEPTED else PseudoLabel.score.desc()
    statement = (
        select(PseudoLabel, Image)
        .join(Image, Image.id == PseudoLabel.image_id)
        .where(of_newest_result(project_id, status))
        .order_by(order, PseudoLabel.id)
    )
    if class_id is not None:
        statement = statement.where(PseudoLabel.class_id == class_id)
    if reason is not None:
        statement = statement.where(PseudoLabel.reason == reason)
    return [(row[0], row[1]) for row in session.execute(statement.offset(offset).limit(limit))]


def reason_counts(session: Session, project_id: int) -> dict[RejectionReason, int]:
    """Rejected pseudo-labels of the newest result that wait for a person, by reason."""
    rows = session.execute(
        select(PseudoLabel.reason, func.count())
        .join(Image, Image.id == PseudoLabel.image_id)
        .where(of_newest_result(project_id, PseudoLabelStatus.REJECTED))
        .group_by(PseudoLabel.reason)
    )
    return {reason: count for reason, count in rows if reason is not None}
