"""What becomes of the model's proposal when a person speaks, and when they take it back. Only the newest round's count.

A label makes an accepted pseudo-label superseded and a rejected one reviewed. When no label is left, it is again what
it was: one key too many in a grid must not cost a hundred accepted ones.
"""

from __future__ import annotations

from sqlalchemy import update

from app.db.base import now
from app.db.models import Image, PseudoLabel
from app.db.queries.reviews import newest_result
from app.db.unit_of_work import UnitOfWork
from app.domain.pools import POOL_TRANSITIONS, Pool
from app.domain.pseudo_labels import PSEUDO_LABEL_TRANSITIONS, PseudoLabelStatus
from app.domain.transitions import check

_S = PseudoLabelStatus


def retire(uow: UnitOfWork, image: Image) -> None:
    """A person has spoken: an accepted pseudo-label is superseded, a rejected one reviewed."""
    _move(uow, image, _S.ACCEPTED, _S.SUPERSEDED)
    _move(uow, image, _S.REJECTED, _S.REVIEWED)


def restore(uow: UnitOfWork, image: Image) -> None:
    """Nobody's label is left: the pseudo-label is what it was before people spoke."""
    _move(uow, image, _S.REVIEWED, _S.REJECTED)
    if _move(uow, image, _S.SUPERSEDED, _S.ACCEPTED):
        _propose_again(image)


def revoke(uow: UnitOfWork, image: Image) -> bool:
    """Somebody says that the image is not of the class: it is unlabelled again. Gives back whether it was accepted."""
    is_revoked = _move(uow, image, _S.ACCEPTED, _S.REVOKED)
    if is_revoked and image.pool is Pool.PSEUDO_LABELLED:
        image.pool = check("pool", POOL_TRANSITIONS, image.pool, Pool.UNLABELLED)
    return is_revoked


def reinstate(uow: UnitOfWork, image: Image) -> None:
    """Whoever said so has taken it back."""
    if _move(uow, image, _S.REVOKED, _S.ACCEPTED):
        _propose_again(image)


def _propose_again(image: Image) -> None:
    if image.pool is Pool.UNLABELLED:
        image.pool = check("pool", POOL_TRANSITIONS, image.pool, Pool.PSEUDO_LABELLED)


def _move(uow: UnitOfWork, image: Image, source: PseudoLabelStatus, target: PseudoLabelStatus) -> bool:
    assert target in PSEUDO_LABEL_TRANSITIONS[source], "a transition that the table allows"
    moved = uow.session.execute(
        update(PseudoLabel)
        .where(
            PseudoLabel.round_id == newest_result(image.project_id),
            PseudoLabel.image_id == image.id,
            PseudoLabel.status == source,
        )
        .values(status=target, changed_at=now())
        .returning(PseudoLabel.id)
    )
    return moved.first() is not None
