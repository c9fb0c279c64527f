"""Doorbells for workers: task names and how to send one. Knows the broker, never the worker's code.

A message carries one row id and nothing else. The row is the truth: a message that is lost is sent again by the
sweeper, and one that arrives twice finds the row already taken.
"""

from __future__ import annotations

import logging
import sqlite3
from contextlib import closing
from enum import StrEnum
from typing import Any

from celery import Celery
from kombu.exceptions import OperationalError

from app.settings import Settings

log = logging.getLogger(__name__)


class Task(StrEnum):
    """What a worker can be asked to do; the argument is the id of the row it is about."""

    RUN_ROUND = "worker.tasks.run_round"
    SELECT_IMAGES = "worker.tasks.select_images"
    RUN_IMPORT = "worker.tasks.run_import"


class WorkQueue(StrEnum):
    """Train needs the accelerator and minutes; io needs neither."""

    TRAIN = "train"
    IO = "io"


ROUTES = {Task.RUN_ROUND: WorkQueue.TRAIN, Task.SELECT_IMAGES: WorkQueue.IO, Task.RUN_IMPORT: WorkQueue.IO}

_REDIS_OPTIONS = {"visibility_timeout": 43200, "unacked_restore_throttle": 1, "socket_keepalive": True}


def broker_options(settings: Settings) -> dict[str, Any]:
    """Celery configuration that sender and worker must share."""
    return {
        "broker_url": settings.broker_url,
        "broker_transport_options": {} if settings.is_embedded_broker else _REDIS_OPTIONS,
        "task_ignore_result": True,
        "task_serializer": "json",
        "accept_content": ["json"],
    }


class Doorbell:
    """Sends task messages; an unreachable broker is logged, not raised, because the sweeper sends again."""

    def __init__(self, settings: Settings) -> None:
        self._celery = Celery("ssmae-sender", set_as_current=False)
        self._celery.conf.update(broker_options(settings))

    def __call__(self, task: str, row_id: int) -> None:
        """Ask a worker to look at a row."""
        try:
            self._celery.send_task(task, args=[row_id], queue=ROUTES[Task(task)], retry=False)
        except OperationalError as error:
            log.warning("The broker cannot be reached (%s); %s for row %d will be sent again.", error, task, row_id)


def tidy(settings: Settings) -> None:
    """Forget the messages that the embedded broker has delivered; it keeps them for ever otherwise."""
    path = settings.data_dir / "broker.db"
    if not settings.is_embedded_broker or not path.is_file():
        return
    with closing(sqlite3.connect(path, timeout=15)) as connection, connection:
        has_table = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'kombu_message'").fetchone()
        if has_table:
            connection.execute("DELETE FROM kombu_message WHERE visible = 0")
