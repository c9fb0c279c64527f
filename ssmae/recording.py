"""Progress and training curves of a running round. Must never import trainer."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable

from ssmae.config import Phase
from ssmae.results import HistoryPoint, Progress
from ssmae.schedule import Plan

SECONDS_BETWEEN_REPORTS = 0.5
POINTS = 200
"""Points of the training curves of a whole round, at most about."""


class Recorder:
    """Takes every step; keeps means for the curves and reports twice a second."""

    def __init__(self, plan: Plan, on_progress: Callable[[Progress], None]) -> None:
        self._plan, self._on_progress = plan, on_progress
        self._every = max(1, plan.total // POINTS)
        self._done, self._images, self._seconds = 0, 0, 0.0
        self._images_since, self._steps_since = 0, 0
        self._history: list[HistoryPoint] = []
        self._sums: dict[str, float] = defaultdict(float)
        self._summed = 0
        self._reported = self._last = time.monotonic()

    @property
    def history(self) -> tuple[HistoryPoint, ...]:
        """The curves so far."""
        return tuple(self._history)

    @property
    def images_per_second(self) -> float:
        """Images drawn over the time of all steps."""
        return self._images / self._seconds if self._seconds else 0.0

    def resume(self) -> None:
        """Leave out the time since the last step: something else than a step was done, such as asking the gate."""
        away = time.monotonic() - self._last
        self._last += away
        self._reported += away

    def record(self, phase: Phase, step: int, losses: dict[str, float], learning_rate: float, images: int) -> None:
        """Note one finished step, of index `step` in its phase."""
        now = time.monotonic()
        self._seconds += now - self._last
        self._last = now
        self._done += 1
        self._images += images
        self._images_since += images
        self._steps_since += 1
        for name, value in losses.items():
            self._sums[name] += value
        self._summed += 1
        ends_phase = step + 1 == self._plan.steps[phase]
        if self._summed >= self._every or ends_phase:
            means = {name: total / self._summed for name, total in self._sums.items()}
            self._history.append(HistoryPoint(phase, self._done, means, learning_rate))
            self._sums.clear()
            self._summed = 0
        elapsed = now - self._reported
        if elapsed >= SECONDS_BETWEEN_REPORTS or self._done in (1, self._plan.total):
            self._report(phase, step, losses, elapsed, now)

    def _report(self, phase: Phase, step: int, losses: dict[str, float], elapsed: float, now: float) -> None:
        seconds_a_step = elapsed / self._steps_since
        seconds_left = seconds_a_step * self._plan.steps_left(phase, step + 1)
        speed = self._images_since / elapsed if elapsed else 0.0
        self._on_progress(Progress(phase, self._done, self._plan.total, losses, speed, seconds_left))
        self._reported, self._images_since, self._steps_since = now, 0, 0
