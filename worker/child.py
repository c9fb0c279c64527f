"""Entry of every child process: `python -m worker.child WORK ID...`. Nothing heavy is imported before the line is open.

The line to the parent: JSON messages go out on what was standard output (whatever libraries print goes to standard
error), and the order to stop comes in on standard input. It is open before torch is imported, which takes seconds, so
a child can be stopped at any time; and when the parent dies, however it dies, the line ends and the child with it.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import threading
import traceback
from collections.abc import Sequence
from enum import IntEnum, StrEnum
from typing import Any

from app.errors import AppError
from ssmae.errors import SsmaeError, Stopped


class Work(StrEnum):
    """What a child can be started for."""

    ROUND = "round"
    SELECTION = "selection"
    IMPORT = "import"


_MODULES = {Work.ROUND: "worker.runner", Work.SELECTION: "worker.selecting", Work.IMPORT: "worker.importing"}
"""Imported by name and late: these are the modules that may load torch, Pillow or scikit-learn."""

SECONDS_TO_STOP = {Work.ROUND: 0.5, Work.SELECTION: 0.5, Work.IMPORT: 5.0}
"""How long a child may take from the order to the next step; then it ends where it is. Nothing is lost by that: what
a stopped round has done is thrown away in any case, and an import writes whole batches."""


NICENESS = 19
"""Whoever labels on the same machine goes first; where nobody does, it costs nothing."""


class Ended(IntEnum):
    """Exit statuses; anything else is a crash."""

    DONE = 0
    FAILED = 1
    STOPPED = 3


class Kind(StrEnum):
    """What a message is about."""

    PROGRESS = "progress"
    FAILURE = "failure"


class Line:
    """The child's end."""

    def __init__(self, seconds_to_stop: float) -> None:
        self._seconds_to_stop = seconds_to_stop
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._out = os.fdopen(os.dup(1), "w", encoding="utf-8")
        os.dup2(2, 1)
        self._in = os.fdopen(os.dup(0), "rb", buffering=0)
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        os.close(null)
        threading.Thread(target=self._listen, name="orders", daemon=True).start()

    def should_stop(self) -> bool:
        """Whether the parent ordered to stop."""
        return self._stop.is_set()

    def progress(self, **values: Any) -> None:
        """Say how far the work is."""
        self._send({"kind": Kind.PROGRESS, **values})

    def failure(self, why: str, trace: str) -> None:
        """Say why the work cannot be done, in a sentence and with the traceback."""
        self._send({"kind": Kind.FAILURE, "why": why, "traceback": trace})

    def _send(self, message: dict[str, Any]) -> None:
        try:
            with self._lock:
                self._out.write(json.dumps(message) + "\n")
                self._out.flush()
        except OSError:  # the parent is gone
            os._exit(Ended.STOPPED)

    def _listen(self) -> None:
        order = self._in.read(1)
        if not order:
            os._exit(Ended.STOPPED)
        self._stop.set()
        threading.Event().wait(self._seconds_to_stop)
        os._exit(Ended.STOPPED)


def main(arguments: Sequence[str]) -> int:
    """Run one piece of work and return the exit status."""
    work, ids = Work(arguments[0]), [int(text) for text in arguments[1:]]
    line = Line(SECONDS_TO_STOP[work])
    os.nice(NICENESS)

    try:
        importlib.import_module(_MODULES[work]).main(line, *ids)
    except Stopped:
        return Ended.STOPPED
    except Exception as error:
        is_expected = isinstance(error, (SsmaeError, AppError))
        line.failure(_sentence(error, is_expected=is_expected), traceback.format_exc())
        return Ended.FAILED
    return Ended.DONE


def _sentence(error: Exception, *, is_expected: bool) -> str:
    if is_expected:
        return str(error)
    if type(error).__name__ == "OutOfMemoryError":
        return "The graphics card's memory ran out: take a smaller batch, a smaller image size or a smaller model."
    if isinstance(error, MemoryError):
        return "The memory ran out: take a smaller batch, a smaller image size or a smaller model."
    if isinstance(error, OSError) and error.errno == 28:
        return "The disk is full: make room in the data directory, then try again."
    return f"This is a bug of the program, please report it with the traceback: {type(error).__name__}: {error}"


if __name__ == "__main__":
    status = main(sys.argv[1:])
    # Not sys.exit: torch's and the database's threads have nothing left to do, and must not keep the round waiting.
    sys.stderr.flush()
    os._exit(status)
