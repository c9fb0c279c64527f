"""What becomes of the model's proposal when people speak, and when they take it back. Only the newest round's counts.

Derived anew from everybody's standing acts whenever one of them changes: one key too many in a grid must not cost a
hundred accepted ones, and two people who say that the model is wrong must both take it back.
"""

from __future__ import annotations

from sqlalchemy import Row, select, update

from app.db.base import now
from app.db.models import Image, PseudoLabel
from app.db.queries.reviews import newest_result
from app.db.unit_of_work import UnitOfWork
from app.domain.pools import POOL_TRANSITIONS, Pool
from app.domain.pseudo_labels import PSEUDO_LABEL_TRANSITIONS, PseudoLabelStatus
from app.domain.transitions import check
from ssmae.config import RejectionReason

_S = PseudoLabelStatus


def follow(uow: UnitOfWork, image: Image, *, is_settled: bool, is_denied: bool) -> None:
    """Let the proposal's status, and the pool of an image without a label, follow from what people say.

    Args:
        uow: open unit of work.
        image: locked, with its label already settled.
        is_settled: it has a label, or is out of the project.
        is_denied: somebody says that it is not of the class that the model proposes.
    """
    found = uow.session.execute(
        select(PseudoLabel.id, PseudoLabel.status, PseudoLabel.reason).where(
            PseudoLabel.round_id == newest_result(image.project_id), PseudoLabel.image_id == image.id
        )
    ).one_or_none()
    if found is None or found.status in {_S.PROPOSED, _S.EXPIRED}:
        return
    if found.reason is not None:
        _move(uow, found, _S.REVIEWED if is_settled else _S.REJECTED)
        return
    target = _S.SUPERSEDED if is_settled else _S.REVOKED if is_denied else _S.ACCEPTED
    _move(uow, found, target)
    pool = Pool.PSEUDO_LABELLED if target is _S.ACCEPTED else Pool.UNLABELLED
    if not is_settled and image.pool is not pool:
        image.pool = check("pool", POOL_TRANSITIONS, image.pool, pool)


def _move(
    uow: UnitOfWork, found: Row[int, PseudoLabelStatus, RejectionReason | None], target: PseudoLabelStatus
) -> None:
    """Change the status, unless a newer round has ended the pseudo-label in this very moment."""
    if found.status is target:
        return
    moved = check("pseudo-label", PSEUDO_LABEL_TRANSITIONS, found.status, target)
    uow.session.execute(
        update(PseudoLabel)
        .where(PseudoLabel.id == found.id, PseudoLabel.status == found.status)
        .values(status=moved, changed_at=now())
    )
