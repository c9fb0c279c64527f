"""What the sweeper looks for."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from app.db.base import database_now
from app.db.models import Round
from app.domain.rounds import RoundStatus, SelectionStatus


def pending_selections(session: Session, resend_seconds: float) -> Sequence[int]:
    """Drafts whose images were not chosen yet and whose message is old or was never sent."""
    return session.scalars(
        select(Round.id).where(
            Round.status == RoundStatus.DRAFT,
            Round.selection_status == SelectionStatus.PENDING,
            or_(Round.sent_at.is_(None), Round.sent_at < database_now() - resend_seconds),
        )
    ).all()
