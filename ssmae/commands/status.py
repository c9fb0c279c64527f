"""How a program of the learner ends."""

from __future__ import annotations

import sys
from collections.abc import Callable

from ssmae.errors import SsmaeError


def exit_status(run: Callable[[], int | None]) -> int:
    """What `run` returns, 0 for nothing; 2 for an expected refusal, which becomes one line on stderr."""
    try:
        return run() or 0
    except SsmaeError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
