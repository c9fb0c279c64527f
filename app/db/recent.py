"""Counts of large tables, a few seconds old: what pages and queues show must not wait while a million rows are read.

What is quick to count, or belongs to a small database, is counted each time and exact. A slow count is remembered; the
next who asks gets it as it is while one thread counts anew, at most a fifth of the time, whatever is asked. So a count
is seldom older than a few seconds, and never holds up a transaction but the first that asks.

Never for anything that is decided or written: only for what is shown.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from app.db.models import Image

log = logging.getLogger(__name__)

LARGE = 50_000
"""Images; up to here every count is exact."""
QUICK_SECONDS = 0.01
FORGOTTEN_SECONDS = 60.0
"""Nobody has asked for so long: the next count is waited for."""
_REST = 4

P = ParamSpec("P")
T = TypeVar("T")
_Key = tuple[Hashable, ...]


@dataclass
class _Remembered:
    value: Any
    counted_at: float
    seconds: float
    is_being_counted: bool = False


class Recent:
    """The memory of one database in one process; threads share it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine.execution_options(read_only=True)
        self._known: dict[_Key, _Remembered] = {}
        self._wanted: queue.Queue[tuple[_Key, Callable[[Session], Any]]] = queue.Queue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def get(
        self, session: Session, count: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """What `count(session, …)` gives, or gave a moment ago; the arguments must be hashable.

        Whoever gets the value shares it: nobody may change it.
        """
        key = (count, args, tuple(sorted(kwargs.items())))
        with self._lock:
            known = self._known.get(key)
        age = time.monotonic() - known.counted_at if known else 0.0
        if known is None or age > FORGOTTEN_SECONDS or not _is_large(session):
            return self._count(session, key, lambda one: count(one, *args, **kwargs))
        if age > _lasts(known.seconds):
            self._ask_anew(key, known, lambda one: count(one, *args, **kwargs))
        value: T = known.value
        return value

    def _count(self, session: Session, key: _Key, count: Callable[[Session], T]) -> T:
        begun = time.monotonic()
        value = count(session)
        now = time.monotonic()
        with self._lock:
            self._known.pop(key, None)
            if now - begun >= QUICK_SECONDS:
                self._known[key] = _Remembered(value, now, now - begun)
            # The oldest come first: what was counted anew stands last.
            while (oldest := next(iter(self._known.values()), None)) and now - oldest.counted_at > FORGOTTEN_SECONDS:
                del self._known[next(iter(self._known))]
        return value

    def _ask_anew(self, key: _Key, known: _Remembered, count: Callable[[Session], Any]) -> None:
        with self._lock:
            if known.is_being_counted:
                return
            known.is_being_counted = True
            if self._thread is None:
                self._thread = threading.Thread(target=self._go_on_counting, name="recent counts", daemon=True)
                self._thread.start()
        self._wanted.put((key, count))

    def _go_on_counting(self) -> None:
        while True:
            key, count = self._wanted.get()
            begun = time.monotonic()
            try:
                with Session(self._engine) as session:
                    self._count(session, key, count)
            except Exception:
                log.exception("A count failed; the one before it stays.")
                with self._lock:
                    if key in self._known:
                        self._known[key].is_being_counted = False
            time.sleep(_REST * (time.monotonic() - begun))


def _lasts(seconds: float) -> float:
    """How long a count that took so long is good enough."""
    return max(1.0, 10 * seconds)


def _is_large(session: Session) -> bool:
    return (session.scalar(select(func.max(Image.id))) or 0) > LARGE
