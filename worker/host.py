"""What the tasks and the sweeper of one worker process share. Must never import torch."""

from __future__ import annotations

import os
import socket
import threading
from dataclasses import dataclass, field

from app.queue import WorkQueue
from app.services.runtime import Runtime


@dataclass(frozen=True, kw_only=True)
class Host:
    """One worker process.

    Attributes:
        runtime: settings, database, storage.
        name: unique among workers; what a round's history calls this one.
        queue: the queue it serves.
        gpus: the graphics cards its rounds see, as in CUDA_VISIBLE_DEVICES; None for all.
        stopping: set when the process was told to end.
        busy: what its tasks are at, so that a message that comes twice does no work twice.
    """

    runtime: Runtime
    name: str
    queue: WorkQueue
    gpus: str | None = None
    stopping: threading.Event = field(default_factory=threading.Event)
    busy: set[tuple[str, int]] = field(default_factory=set)


def unique_name(queue: WorkQueue) -> str:
    """A name that no other living worker has."""
    return f"{queue}@{socket.gethostname()}-{os.getpid()}"
