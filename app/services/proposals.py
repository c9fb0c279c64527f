"""What becomes of the model's proposal when people speak, and when they take it back. Only the newest round's counts.

Derived anew from everybody's standing acts whenever one of them changes: one key too many in a grid must not cost a
hundred accepted ones, and two people who say that the model is wrong must both take it back.
"""

from __future__ import annotations

from sqlalchemy import select, update

from app.db.base import now
from app.db.models import Image, PseudoLabel
from app.db.queries.reviews import newest_result
from app.db.unit_of_work import UnitOfWork
from app.domain.pools import POOL_TRANSITIONS, Pool
from app.domain.pseudo_labels import PSEUDO_LABEL_TRANSITIONS, PseudoLabelStatus
from app.domain.transitions import check, sources

_S = PseudoLabelStatus


def follow(uow: UnitOfWork, image: Image, *, is_settled: bool, is_denied: bool) -> None:
    """Let the proposal's status, and the pool of an image without a label, follow from what people say.

    Args:
        uow: open unit of work.
        image: locked, with its label already settled.
        is_settled: it has a label, or is out of the project.
        is_denied: somebody says that it is not of the class that the model proposes.
    """
    _move(uow, image, _S.REVIEWED if is_settled else _S.REJECTED, was_accepted=False)
    target = _S.SUPERSEDED if is_settled else _S.REVOKED if is_denied else _S.ACCEPTED
    _move(uow, image, target, was_accepted=True)
    if not is_settled and _is(uow, image, target):
        pool = Pool.PSEUDO_LABELLED if target is _S.ACCEPTED else Pool.UNLABELLED
        if image.pool is not pool:
            image.pool = check("pool", POOL_TRANSITIONS, image.pool, pool)


def _move(uow: UnitOfWork, image: Image, target: PseudoLabelStatus, *, was_accepted: bool) -> None:
    reason = PseudoLabel.reason
    uow.session.execute(
        update(PseudoLabel)
        .where(
            PseudoLabel.round_id == newest_result(image.project_id),
            PseudoLabel.image_id == image.id,
            reason.is_(None) if was_accepted else reason.is_not(None),
            PseudoLabel.status.in_(sources(PSEUDO_LABEL_TRANSITIONS, target)),
            PseudoLabel.status != _S.PROPOSED,
        )
        .values(status=target, changed_at=now())
    )


def _is(uow: UnitOfWork, image: Image, status: PseudoLabelStatus) -> bool:
    found = select(PseudoLabel.id).where(
        PseudoLabel.round_id == newest_result(image.project_id),
        PseudoLabel.image_id == image.id,
        PseudoLabel.status == status,
    )
    return uow.session.scalar(found) is not None
