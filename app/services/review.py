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


def listed(
    uow: UnitOfWork,
    project_id: int,
    status: PseudoLabelStatus,
    *,
    class_id: int | None = None,
    reason: RejectionReason | None = None,
    offset: int = 0,
    limit: int = 60,
) -> Sequence[tuple[PseudoLabel, Image]]:
    """Pseudo-labels of the newest result in one status, most doubtful accepted or most confident rejected first.

    Never what an audit that goes on may still ask: whoever has seen the proposal can no longer judge it.
    """
    return reviews.listed(
        uow.session,
        project_id,
        status,
        class_id=class_id,
        reason=reason,
        hidden=audits.state(uow, project_id).hidden,
        offset=offset,
        limit=limit,
    )


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
