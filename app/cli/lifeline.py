"""Ends a process when the one that supervises it does, however that one died. Standard library only.

The supervisor holds the other end of this process's standard input and never writes: the end of the stream means that
it is gone.
"""

from __future__ import annotations

import os
import signal
import threading

GRACE_SECONDS = 12.0
"""From the polite signal to the end: longer than a worker gives its round."""


def hold() -> None:
    """Watch standard input from now on; anything else that reads it finds nothing."""
    line = os.fdopen(os.dup(0), "rb", buffering=0)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)

    def watch() -> None:
        while line.read(4096):
            pass
        os.kill(os.getpid(), signal.SIGTERM)
        threading.Event().wait(GRACE_SECONDS)
        os._exit(1)

    threading.Thread(target=watch, name="lifeline", daemon=True).start()
