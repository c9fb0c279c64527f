"""How a program of the learner ends."""

from __future__ import annotations

import errno
import sys
from collections.abc import Callable

from ssmae.errors import SsmaeError

_OF_THE_MACHINE = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM)
"""A full or protected disk: nothing that a program does wrong."""


def exit_status(run: Callable[[], int | None]) -> int:
    """What `run` returns, 0 for nothing; 2 for an expected refusal or a disk that refuses, one line on stderr."""
    try:
        return run() or 0
    except SsmaeError as error:
        refusal: Exception = error
    except OSError as error:
        if error.errno not in _OF_THE_MACHINE:
            raise
        refusal = error
    print(f"error: {refusal}", file=sys.stderr)
    return 2
