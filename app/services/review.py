"""People's verdicts on pseudo-labels: confirm or correct a rejected one, revoke an accepted one."""

from __future__ import annotations

from collections.abc import Sequence

from app.db.models import Image, PseudoLabel
from app.db.queries import images, reviews, rounds
from app.db.unit_of_work import UnitOfWork
from app.domain.labels import Action, Queue
from app.domain.pseudo_labels import PSEUDO_LABEL_TRANSITIONS, PseudoLabelStatus
from app.domain.transitions import check
from app.services import audits, proposals
from app.services.annotation import Answered, answer
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


def judge(
    uow: UnitOfWork, pseudo_label_id: int, *, uid: str, annotator_id: int, class_id: int, seconds: float | None = None
) -> Answered:
    """A person says what the image shows: the pseudo-label's own class confirms it, another one corrects it."""
    judged = rounds.pseudo_label(uow.session, pseudo_label_id)
    return answer(
        uow,
        uid=uid,
        image_id=judged.image_id,
        annotator_id=annotator_id,
        action=Action.LABEL,
        class_id=class_id,
        queue=Queue.REVIEW,
        seconds=seconds,
    )


def revoke(uow: UnitOfWork, pseudo_label_id: int) -> None:
    """Take an accepted pseudo-label back; its image is unlabelled again.

    Raises:
        InvalidTransition: it is not accepted.
    """
    revoked = rounds.pseudo_label(uow.session, pseudo_label_id)
    image = images.one(uow.session, revoked.image_id, lock=True)
    if not proposals.revoke(uow, image):
        check("pseudo-label", PSEUDO_LABEL_TRANSITIONS, revoked.status, PseudoLabelStatus.REVOKED)
    uow.session.flush()
