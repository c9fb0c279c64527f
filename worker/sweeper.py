"""What finds lost work: a thread in every worker that says the worker is alive and announces what waits again.

All it does is idempotent SQL, so any number may run. It is the only thing that must work for a queued round to be
trained: messages are hints. Must never import torch.
"""

from __future__ import annotations

import logging
import threading

from sqlalchemy.exc import SQLAlchemyError

from app.db.unit_of_work import committed
from app.services import importing, leases
from worker.host import Host

log = logging.getLogger(__name__)

SECONDS = 5.0


def start(host: Host) -> threading.Thread:
    """Sweep now and every few seconds until the worker stops."""
    thread = threading.Thread(target=_run, args=(host,), name="sweeper", daemon=True)
    thread.start()
    return thread


def sweep(host: Host) -> None:
    """One pass."""
    with committed(host.runtime.database) as uow:
        leases.seen(uow, host.name, host.queue)
        leases.sweep(uow)
        importing.resend_lost(uow)


def _run(host: Host) -> None:
    while True:
        try:
            sweep(host)
        except SQLAlchemyError as error:  # it will be there again, or the operator reads the log
            log.warning("The sweeper could not reach the database: %s", error)
        if host.stopping.wait(SECONDS):
            return
