"""A real round that trains beside what is measured, as politely as the worker's child does."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from tests.pictures import picture, put
from worker.child import NICENESS

_CLASSES, _IMAGES = 10, 60
_START_SECONDS = 15


@contextmanager
def training(folder: Path, *, is_wanted: bool) -> Iterator[Callable[[], float]]:
    """A round on all cores over generated pictures, longer than any measurement; gives its CPU seconds so far."""
    if not is_wanted:
        yield lambda: 0.0
        return
    files = {f"class {n % _CLASSES}/{n}.png": picture(n, size=(32, 32)) for n in range(_CLASSES * _IMAGES)}
    command = [
        sys.executable, "-m", "ssmae", "train", str(put(folder / "training", files)), "--threads", "0",
        "--set", "schedule.reconstruct_steps=1000000",
    ]  # fmt: skip
    with (folder / "training.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, preexec_fn=lambda: os.nice(NICENESS))  # noqa: PLW1509
    try:
        time.sleep(_START_SECONDS)
        started = _cpu_seconds(process.pid)
        yield lambda: _cpu_seconds(process.pid) - started
        assert process.poll() is None, (folder / "training.log").read_text()
    finally:
        process.kill()
        process.wait()


def _cpu_seconds(pid: int) -> float:
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)
