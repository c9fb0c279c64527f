"""People look over pseudo-labels: lists of them, and revoking one that was accepted."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from app.db.models import Image, PseudoLabel
from app.db.queries import reviews, rounds
from app.db.unit_of_work import UnitOfWork
from app.domain.labels import Action, Queue
from app.domain.pseudo_labels import PSEUDO_LABEL_TRANSITIONS, PseudoLabelStatus
from app.domain.transitions import check
from app.services import audits
from app.services.annotation import answer
from ssmae.config import RejectionReason


def accepted(
    uow: UnitOfWork, project_id: int, *, class_id: int | None = None, after_id: int = 0, limit: int = 60
) -> Sequence[tuple[PseudoLabel, Image]]:
    """Accepted pseudo-labels of the newest result, most doubtful first, after the one with an id.

    Never what an audit that goes on may still ask: whoever has seen the proposal can no longer judge it.
    """
    hidden = audits.state(uow, project_id).hidden
    rows = reviews.accepted(uow.session, project_id, class_id=class_id, hidden=hidden, after_id=after_id, limit=limit)
    return [(label, image) for label, image in rows]


def reason_counts(uow: UnitOfWork, project_id: int) -> dict[RejectionReason, int]:
    """How many rejected pseudo-labels of the newest result wait for a person, by reason."""
    return uow.recent(reviews.reason_counts, project_id)


def revoke(uow: UnitOfWork, pseudo_label_id: int, annotator_id: int) -> None:
    """Somebody says that an accepted pseudo-label is wrong; its image is unlabelled again.

    It is an act like any other: passed over in a grid, signed, and undone by `u`.

    Raises:
        InvalidTransition: it is not accepted.
    """
    revoked = rounds.pseudo_label(uow.session, pseudo_label_id)
    check("pseudo-label", PSEUDO_LABEL_TRANSITIONS, revoked.status, PseudoLabelStatus.REVOKED)
    answer(
        uow,
        uid=str(uuid.uuid4()),
        image_id=revoked.image_id,
        annotator_id=annotator_id,
        action=Action.SKIP,
        class_id=None,
        queue=Queue.GRID,
    )
