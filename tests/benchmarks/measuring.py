"""What every benchmark prints: percentiles, and under which circumstances they were measured."""

from __future__ import annotations

import os
import platform
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

import numpy as np


def circumstances() -> str:
    """One line: when, where and beside what."""
    load = " ".join(f"{one:.1f}" for one in os.getloadavg())
    return (
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {os.cpu_count()} cores, load {load}, "
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
    )


def quantiles(milliseconds: Sequence[float]) -> str:
    """`p50 / p95 / max` of some times, and how many there were."""
    if not milliseconds:
        return "nothing measured"
    p50, p95 = np.percentile(milliseconds, [50, 95])
    return f"{p50:7.1f} / {p95:7.1f} / {max(milliseconds):7.1f} ms  (n={len(milliseconds)})"


@contextmanager
def timed(into: list[float], cpu: list[float] | None = None) -> Iterator[None]:
    """Append how many milliseconds the block took, and how many of them this thread was computing."""
    begun, computed = time.perf_counter(), time.thread_time()
    yield
    into.append(1000 * (time.perf_counter() - begun))
    if cpu is not None:
        cpu.append(1000 * (time.thread_time() - computed))
