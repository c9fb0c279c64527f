"""Celery for one worker process, configured from `Settings`.

The process is a thin parent: threads instead of forked processes (a fork after torch or CUDA was loaded hangs), and it
must never import torch. Messages are acknowledged late, one at a time, and no result is kept: the row has it.
"""

from __future__ import annotations

import logging
from typing import Any

from celery import Celery, signals

from app.queue import WorkQueue, broker_options
from app.settings import Settings
from worker import sweeper, tasks
from worker.host import Host

log = logging.getLogger(__name__)

CONCURRENCY = {WorkQueue.TRAIN: 1, WorkQueue.IO: 2}
"""Work at a time in one process: training takes the whole machine or graphics card."""


def build(settings: Settings) -> Celery:
    """Celery as the worker needs it."""
    celery = Celery("ssmae-worker", set_as_current=False)
    celery.conf.update(broker_options(settings))
    celery.conf.update(
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        worker_prefetch_multiplier=1,
        broker_connection_retry_on_startup=True,
        # True would end a running round whenever the broker restarts.
        worker_cancel_long_running_tasks_on_connection_loss=False,
        # Remote control is not used: cancelling and progress go through the row. The embedded broker has none anyway.
        worker_enable_remote_control=False,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
    )
    return celery


def serve(host: Host) -> int:
    """Take work until the process is told to end; returns the exit status."""
    celery = build(host.runtime.settings)
    tasks.register(celery, host)

    def stop(**_: Any) -> None:
        log.info("Worker %s stops.", host.name)
        host.stopping.set()

    signals.worker_shutting_down.connect(stop, weak=False)
    sweeper.start(host)
    worker = celery.Worker(
        hostname=host.name,
        pool="threads",
        concurrency=CONCURRENCY[host.queue],
        queues=[host.queue.value],
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
        quiet=True,
        loglevel="WARNING",
    )
    worker.start()
    return int(worker.exitcode or 0)
