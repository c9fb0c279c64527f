"""How a worker holds a round: claim, renew, report, give back. Every write names the attempt it belongs to.

A worker that was paused longer than its lease finds that its attempt is no longer the round's: it must stop, and
nothing it writes reaches the row.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, update
from sqlalchemy.exc import IntegrityError

from app.db.base import database_now, now
from app.db.models import Round, RoundEvent, TrainingPoint, Worker
from app.db.queries import leases, rounds
from app.db.unit_of_work import UnitOfWork
from app.domain.rounds import RoundStatus
from app.errors import Conflict
from app.queue import Task
from app.services.rounds import close_validation
from ssmae.config import Phase

LEASE_SECONDS = 30.0
RENEW_SECONDS = 5.0
RESEND_SECONDS = 20.0
"""A queued round whose message brought no worker in this time is announced again."""


class LeaseLost(Conflict):
    """The round belongs to another attempt now: stop at once and write nothing more."""


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One worker's hold on one round."""

    round_id: int
    attempt: int


def claim(uow: UnitOfWork, round_id: int, owner: str) -> Claim | None:
    """Take a round that waits, or whose worker is lost; None if there is nothing to take."""
    statement = (
        update(Round)
        .where(Round.id == round_id, Round.attempts_left > 0, _is_due())
        .values(
            status=RoundStatus.RUNNING,
            owner=owner,
            attempt=Round.attempt + 1,
            attempts_left=Round.attempts_left - 1,
            lease_expires=database_now() + LEASE_SECONDS,
            started_at=now(),
            progress={},
        )
        .returning(Round.attempt)
    )
    try:
        attempt = uow.session.scalar(statement)
    except IntegrityError:  # another round of the project is running
        uow.session.rollback()
        return None
    if attempt is None:
        return None
    _note(uow, round_id, RoundStatus.RUNNING, f"Attempt {attempt} began on {owner}.")
    return Claim(round_id=round_id, attempt=attempt)


def renew(uow: UnitOfWork, held: Claim) -> bool:
    """Keep the round for another while.

    Returns:
        Whether somebody asked to cancel it.

    Raises:
        LeaseLost: the round is another attempt's.
    """
    cancel = uow.session.scalar(
        update(Round)
        .where(_holds(held))
        .values(lease_expires=database_now() + LEASE_SECONDS)
        .returning(Round.cancel_requested)
    )
    if cancel is None:
        raise LeaseLost(f"Round {held.round_id} is no longer attempt {held.attempt}'s.")
    return cancel


def report(uow: UnitOfWork, held: Claim, progress: dict[str, Any]) -> bool:
    """Write down how far training is and keep the round for another while.

    Args:
        uow: open unit of work.
        held: the claim.
        progress: phase, step, total_steps, losses, images_per_second, seconds_left.

    Returns:
        Whether somebody asked to cancel the round.

    Raises:
        LeaseLost: the round is another attempt's.
    """
    cancel = renew(uow, held)
    _update(uow, held, progress=progress)
    key = (held.round_id, held.attempt, progress["step"])
    if progress.get("losses") and uow.session.get(TrainingPoint, key) is None:
        uow.session.add(
            TrainingPoint(
                round_id=held.round_id,
                attempt=held.attempt,
                step=progress["step"],
                phase=Phase(progress["phase"]),
                losses=progress["losses"],
                images_per_second=progress["images_per_second"],
            )
        )
    return cancel


def end(
    uow: UnitOfWork, held: Claim, status: RoundStatus, why: str, *, traceback: str | None = None, **results: Any
) -> None:
    """Close a running round as succeeded, failed or cancelled, with what it produced.

    Raises:
        LeaseLost: the round is another attempt's.
    """
    error = why if status is RoundStatus.FAILED else None
    _update(
        uow, held, status=status, finished_at=now(), lease_expires=None, error=error, traceback=traceback, **results
    )
    _note(uow, held.round_id, status, why)
    if status is not RoundStatus.FAILED:
        close_validation(uow, rounds.one(uow.session, held.round_id).project_id)


def give_back(uow: UnitOfWork, held: Claim, why: str, *, counts: bool) -> None:
    """Put a round back into the queue: its worker stops (does not count) or was lost (counts as an attempt).

    Raises:
        LeaseLost: the round is another attempt's.
    """
    left = Round.attempts_left if counts else Round.attempts_left + 1
    _update(uow, held, status=RoundStatus.QUEUED, attempts_left=left, lease_expires=None, sent_at=None, owner=None)
    _note(uow, held.round_id, RoundStatus.QUEUED, why)


def sweep(uow: UnitOfWork) -> int:
    """Fail rounds out of attempts, announce due rounds and selections again; any number of sweepers may run.

    Returns:
        How many rounds were announced.
    """
    lost = uow.session.scalars(
        update(Round)
        .where(
            Round.attempts_left == 0,
            or_(
                and_(Round.status == RoundStatus.RUNNING, Round.lease_expires < database_now()),
                Round.status == RoundStatus.QUEUED,
            ),
        )
        .values(
            status=RoundStatus.FAILED,
            finished_at=now(),
            lease_expires=None,
            error="The worker was lost too often. See its log; memory running out is the usual cause.",
        )
        .returning(Round.id)
    ).all()
    for round_id in lost:
        _note(uow, round_id, RoundStatus.FAILED, "The worker was lost too often.")
    due = uow.session.scalars(
        update(Round)
        .where(
            Round.attempts_left > 0,
            _is_due(),
            or_(Round.sent_at.is_(None), Round.sent_at < database_now() - RESEND_SECONDS),
        )
        .values(sent_at=database_now())
        .returning(Round.id)
    ).all()
    for round_id in due:
        uow.tell(Task.RUN_ROUND, round_id)
    pending = leases.pending_selections(uow.session, RESEND_SECONDS)
    uow.session.execute(update(Round).where(Round.id.in_(pending)).values(sent_at=database_now()))
    for round_id in pending:
        uow.tell(Task.SELECT_IMAGES, round_id)
    return len(due)


def seen(uow: UnitOfWork, worker: str, queues: str) -> None:
    """Write down that a worker process is alive."""
    values = {"queues": queues, "seen": database_now()}
    if uow.session.scalar(update(Worker).where(Worker.name == worker).values(**values).returning(Worker.name)) is None:
        uow.session.add(Worker(name=worker, **values))
    uow.session.flush()


def _is_due() -> ColumnElement[bool]:
    lost = and_(Round.status == RoundStatus.RUNNING, Round.lease_expires < database_now())
    return or_(Round.status == RoundStatus.QUEUED, lost)


def _holds(held: Claim) -> ColumnElement[bool]:
    return and_(Round.id == held.round_id, Round.attempt == held.attempt, Round.status == RoundStatus.RUNNING)


def _update(uow: UnitOfWork, held: Claim, **values: Any) -> None:
    changed = uow.session.scalar(update(Round).where(_holds(held)).values(**values).returning(Round.id))
    if changed is None:
        raise LeaseLost(f"Round {held.round_id} is no longer attempt {held.attempt}'s.")


def _note(uow: UnitOfWork, round_id: int, status: RoundStatus, text: str) -> None:
    uow.session.add(RoundEvent(round_id=round_id, status=status, note=text))
    uow.session.flush()
