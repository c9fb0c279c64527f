"""How a program of the learner ends."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable

from ssmae.errors import SsmaeError

_OF_THE_MACHINE = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM)
"""A full or protected disk: nothing that a program does wrong."""

PIPE_CLOSED = 141
"""As a shell says it of a program whose reader, `head` for one, has seen enough."""


def exit_status(run: Callable[[], int | None]) -> int:
    """What `run` returns, 0 for nothing; 2 for an expected refusal or a disk that refuses, one line on stderr.

    `PIPE_CLOSED`, without a word, if nobody reads on.
    """
    try:
        status = run() or 0
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is left would only complain at the end
        return PIPE_CLOSED
    except SsmaeError as error:
        refusal: Exception = error
    except OSError as error:
        if error.errno not in _OF_THE_MACHINE:
            raise
        refusal = error
    else:
        return status
    print(f"error: {refusal}", file=sys.stderr)
    return 2
