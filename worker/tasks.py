"""The Celery tasks: the id of a row in, nothing out. Whether there is work to do, the row says.

Each claims, starts a child process and watches it. Must never import torch.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path

from celery import Celery
from sqlalchemy.exc import DBAPIError

from app.db.queries import imports, rounds
from app.db.unit_of_work import committed
from app.domain.rounds import ImportStatus, RoundStatus, SelectionStatus
from app.errors import Conflict
from app.queue import Task
from app.services import importing, publishing
from worker import attempts
from worker.child import Ended, Work
from worker.host import Host
from worker.spawning import Child

log = logging.getLogger(__name__)

TICK_SECONDS = 0.2


def register(celery: Celery, host: Host) -> None:
    """Make the tasks known to a worker."""
    for name, work in {
        Task.RUN_ROUND: attempts.run,
        Task.SELECT_IMAGES: select_images,
        Task.RUN_IMPORT: run_import,
    }.items():
        celery.task(name=name.value)(_once(host, name, work))


def select_images(host: Host, round_id: int) -> None:
    """Choose the images of a draft that waits for them, and again if it is drawn again meanwhile.

    The message of that redraw is left alone as one too many, so it is for this task to look again.
    """
    tried: int | None = None
    while not host.stopping.is_set():
        version = _awaited_version(host, round_id)
        if version is None or version == tried:
            return
        _select_once(host, round_id, version)
        tried = version


def _select_once(host: Host, round_id: int, version: int) -> None:
    """Choose for one version of a draft; the child is stopped when another version is wanted."""
    child = _watched(
        host, Work.SELECTION, round_id, version, is_wanted=lambda: _awaited_version(host, round_id) == version
    )
    if child.exit_status in (Ended.DONE, Ended.STOPPED) or host.stopping.is_set():
        return
    why = child.failure.why if child.failure else f"The process that chose ended with status {child.exit_status}."
    log.error("Round %d: no selection. %s\n%s", round_id, why, child.failure.traceback if child.failure else "")
    try:
        with committed(host.runtime.database) as uow:
            publishing.refuse_selection(uow, round_id, why, version=version)
    except Conflict as conflict:  # another worker has chosen, or the lead wants another choice: nothing is lost
        log.info("%s", conflict)


def run_import(host: Host, import_id: int) -> None:
    """Run an import that waits."""
    child = _watched(host, Work.IMPORT, import_id, is_wanted=lambda: True)
    if host.stopping.is_set():
        _pass_on(host, import_id)
    elif child.exit_status != Ended.DONE:
        why = child.failure.why if child.failure else f"exit status {child.exit_status}"
        log.error("Import %d ended early: %s", import_id, why)


def _pass_on(host: Host, import_id: int) -> None:
    """Let another worker go on with an import that this one had to stop."""
    with committed(host.runtime.database) as uow:
        row = imports.one(uow.session, import_id)
        if row.status is ImportStatus.INTERRUPTED:
            importing.start(
                uow,
                project_id=row.project_id,
                source=Path(row.source),
                label_use=row.label_use,
                add_classes=row.add_classes,
                in_background=True,
            )


def _awaited_version(host: Host, round_id: int) -> int | None:
    """The version of the selection that a draft waits for; None if it waits for none."""
    with host.runtime.database.reading() as uow:
        draft = rounds.one(uow.session, round_id)
    is_awaited = draft.status is RoundStatus.DRAFT and draft.selection_status is SelectionStatus.PENDING
    return draft.selection_version if is_awaited else None


def _watched(host: Host, work: Work, *ids: int, is_wanted: Callable[[], bool]) -> Child:
    """Start a child and return it when it has ended; it is stopped with the worker, or when nobody wants it."""
    child = Child(work, *ids, gpus=host.gpus)
    try:
        while not child.wait(TICK_SECONDS):
            try:
                if host.stopping.is_set() or not is_wanted():
                    child.stop()
            except DBAPIError as error:
                log.warning("The database does not answer: %s", error)
    finally:
        child.close()
    return child


def _once(host: Host, task: Task, work: Callable[[Host, int], None]) -> Callable[[int], None]:
    """A task that leaves a row alone that this process is busy with, or when the process is about to end."""
    lock = threading.Lock()

    def run(row_id: int) -> None:
        key = (task.value, row_id)
        with lock:
            if host.stopping.is_set() or key in host.busy:
                return
            host.busy.add(key)
        try:
            work(host, row_id)
        except Conflict as conflict:
            log.info("%s", conflict)
        finally:
            host.busy.discard(key)

    return run
