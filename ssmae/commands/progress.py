"""The line that shows how far training is."""

from __future__ import annotations

import sys

from ssmae.results import Progress


def show_progress(progress: Progress) -> None:
    """On a terminal the line overwrites itself; elsewhere only the last one is written."""
    losses = " ".join(f"{name} {value:.3f}" for name, value in progress.losses.items() if name != "total")
    done = f"{progress.phase.value:<11} {progress.step}/{progress.total_steps}"
    line = f"{done}  {losses}  {progress.seconds_left:.0f} s left"
    end = "\r" if sys.stderr.isatty() and progress.step < progress.total_steps else "\n"
    if end == "\r" or progress.step == progress.total_steps:
        print(f"{line:<110}", end=end, file=sys.stderr, flush=True)
