"""Slows down whoever guesses passwords: so many tries of a kind in a while, then a wait."""

from __future__ import annotations

import ipaddress
import math
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable

MOST_REMEMBERED = 10_000


class Throttle:
    """Counts tries of each key in a sliding window, in this process's memory: there is one process.

    Args:
        tries: how many are let through in a window.
        seconds: how long a window is.
        clock: gives seconds.
    """

    def __init__(self, *, tries: int, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._tries = tries
        self._seconds = seconds
        self._clock = clock
        self._seen: OrderedDict[str, deque[float]] = OrderedDict()
        self._lock = threading.Lock()

    def wait(self, key: str) -> int:
        """Count a try; gives back 0 if it may go on, else the seconds until the next one may."""
        now = self._clock()
        with self._lock:
            times = self._seen.setdefault(key, deque())
            self._seen.move_to_end(key)
            while len(self._seen) > MOST_REMEMBERED:
                self._seen.popitem(last=False)
            while times and times[0] <= now - self._seconds:
                times.popleft()
            if len(times) >= self._tries:
                return math.ceil(times[0] + self._seconds - now)
            times.append(now)
            return 0

    def forgive(self, key: str) -> None:
        """Forget the tries of a key: this one was right."""
        with self._lock:
            self._seen.pop(key, None)


def network(host: str) -> str:
    """What counts as one place: an IPv4 address, or the /64 that one home or office gets of IPv6."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    return host if address.version == 4 else str(ipaddress.ip_network(f"{host}/64", strict=False))
