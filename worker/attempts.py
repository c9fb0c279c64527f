"""One attempt at a round, seen from the parent: claim it, start its process, watch, write down how it ended.

No transaction is open while the child trains. Every write names the attempt; once the round is another attempt's
(`LeaseLost`), the child is killed and nothing more is written. Must never import torch.
"""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Callable
from enum import StrEnum
from typing import Any

from sqlalchemy.exc import DBAPIError

from app.db.queries import rounds
from app.db.unit_of_work import UnitOfWork, committed
from app.domain.rounds import RoundStatus
from app.errors import NotFound
from app.services import leases
from app.services.leases import LEASE_SECONDS, RENEW_SECONDS, Claim, LeaseLost
from app.storage import midway_key, round_key
from worker.child import Ended, Work
from worker.host import Host
from worker.spawning import Child

log = logging.getLogger(__name__)

TICK_SECONDS = 0.1
POLL_SECONDS = 0.3
REPORT_SECONDS = 1.0
UNREACHABLE_SECONDS = 0.8 * LEASE_SECONDS
"""Without the database for this long, the lease may be gone before the next try: the child is killed."""


class Why(StrEnum):
    """Why a child was told to stop."""

    CANCELLED = "cancelled"
    SHUTDOWN = "shutdown"


def run(host: Host, round_id: int) -> None:
    """Try a round, if it is there to be taken."""
    with committed(host.runtime.database) as uow:
        held = leases.claim(uow, round_id, host.name)
    if held is None:
        log.info("Round %d is not to be taken now.", round_id)
        return
    log.info("Round %d: attempt %d begins.", round_id, held.attempt)
    child = Child(Work.ROUND, held.round_id, held.attempt, gpus=host.gpus)
    attempt = Attempt(host, held, child)
    try:
        attempt.watch()
        child.close()
        attempt.conclude()
    except LeaseLost as lost:
        log.warning("%s Its process was killed.", lost)
    finally:
        child.close()
        attempt.tidy()


class Attempt:
    """The watch over one child."""

    def __init__(self, host: Host, held: Claim, child: Child) -> None:
        self._host, self._held, self._child = host, held, child
        self._why: Why | None = None
        self._renewed = self._reported = self._polled = time.monotonic()
        self._unwritten: dict[str, Any] | None = None

    def watch(self) -> None:
        """Return when the child has ended.

        Raises:
            LeaseLost: the round is another attempt's, or the database was away for too long to know.
        """
        while not self._child.wait(TICK_SECONDS):
            self._unwritten = self._child.newest_progress() or self._unwritten
            try:
                self._tick(time.monotonic())
            except LeaseLost:
                # The row is closed when the child has published, a moment before the child ends.
                if self._status() is not RoundStatus.SUCCEEDED:
                    raise
            except DBAPIError as error:
                away = time.monotonic() - self._renewed
                log.warning("Round %d: the database does not answer since %.0f s: %s", self._held.round_id, away, error)
                if away > UNREACHABLE_SECONDS:
                    raise LeaseLost(f"The database was away for {away:.0f} s.") from error

    def conclude(self) -> None:
        """Write down how the child ended, unless it has published its result itself.

        Raises:
            LeaseLost: the round is another attempt's.
        """
        status, failure, number = self._child.exit_status, self._child.failure, self._held.attempt
        if self._status() is not RoundStatus.RUNNING:
            log.info("Round %d: attempt %d published its result.", self._held.round_id, number)
        elif self._why is Why.CANCELLED:
            self._write(lambda uow: leases.end(uow, self._held, RoundStatus.CANCELLED, "Cancelled while it trained."))
        elif failure is not None:
            why, trace = failure.why, failure.traceback
            self._write(lambda uow: leases.end(uow, self._held, RoundStatus.FAILED, why, traceback=trace))
        elif self._why is Why.SHUTDOWN:
            why = f"Attempt {number} was stopped because its worker was: the round waits for another one."
            self._write(lambda uow: leases.give_back(uow, self._held, why, counts=False))
        else:
            why = f"Attempt {number} ended unexpectedly: {_how(status)}"
            log.error("Round %d: %s\n%s", self._held.round_id, why, self._child.last_lines)
            self._write(lambda uow: leases.give_back(uow, self._held, why, counts=True))

    def tidy(self) -> None:
        """Remove the files of an attempt that published nothing, and the half-way state of a round that is over."""
        is_over = False
        try:
            status = self._status()
            if status is RoundStatus.SUCCEEDED:
                return
            is_over = status in (RoundStatus.CANCELLED, RoundStatus.FAILED)
        except (LeaseLost, NotFound):
            log.debug("Round %d went on to another attempt.", self._held.round_id)
        except DBAPIError as error:
            log.warning(
                "Round %d: its files stay, because the database does not answer: %s", self._held.round_id, error
            )
            return
        storage = self._host.runtime.storage
        shutil.rmtree(storage.path(round_key(self._held.round_id, self._held.attempt, ".")), ignore_errors=True)
        if is_over:
            storage.path(midway_key(self._held.round_id)).unlink(missing_ok=True)

    def _tick(self, now: float) -> None:
        if self._why is None and self._host.stopping.is_set():
            self._stop(Why.SHUTDOWN)
        if now - self._polled >= POLL_SECONDS:
            self._polled = now
            if self._is_cancelled():
                self._stop(Why.CANCELLED)
        if self._unwritten is not None and now - self._reported >= REPORT_SECONDS:
            progress = self._unwritten
            with committed(self._host.runtime.database) as uow:
                leases.report(uow, self._held, progress)
            self._unwritten, self._reported, self._renewed = None, now, now
        elif now - self._renewed >= RENEW_SECONDS:
            with committed(self._host.runtime.database) as uow:
                leases.renew(uow, self._held)
            self._renewed = now

    def _stop(self, why: Why) -> None:
        # A cancellation outweighs a shutdown: the round must not come back.
        self._why = why if self._why is not Why.CANCELLED else self._why
        self._child.stop()

    def _is_cancelled(self) -> bool:
        with self._host.runtime.database.reading() as uow:
            found = rounds.one(uow.session, self._held.round_id)
        if found.attempt != self._held.attempt:
            raise LeaseLost(f"Round {found.id} is no longer attempt {self._held.attempt}'s.")
        return found.cancel_requested

    def _status(self) -> RoundStatus:
        with self._host.runtime.database.reading() as uow:
            found = rounds.one(uow.session, self._held.round_id)
        if found.attempt != self._held.attempt:
            raise LeaseLost(f"Round {found.id} is no longer attempt {self._held.attempt}'s.")
        return found.status

    def _write(self, change: Callable[[UnitOfWork], None]) -> None:
        """The last word of an attempt: worth trying until the lease runs out."""
        while True:
            try:
                with committed(self._host.runtime.database) as uow:
                    change(uow)
            except DBAPIError as error:
                if time.monotonic() - self._renewed > LEASE_SECONDS:
                    raise
                log.warning("Round %d: writing its end failed, once more: %s", self._held.round_id, error)
                time.sleep(1)
            else:
                return


def _how(status: int | None) -> str:
    if status == -9:
        return "its process was killed; memory running out is the usual cause."
    if status is not None and status < 0:
        return f"its process was ended by signal {-status}."
    if status == Ended.DONE:
        return "its process ended without publishing anything."
    return f"its process ended with status {status}."
