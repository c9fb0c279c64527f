"""Progress and training curves of a running round, read back from the device rarely. Must never import trainer.

Losses arrive as scalars on the device. They are kept there, and fetched many steps at a time in one transfer: a host
that reads a number after every step waits for the GPU after every step.
"""

from __future__ import annotations

import math
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import torch

from ssmae.config import Phase
from ssmae.errors import NonFiniteLoss
from ssmae.results import HistoryPoint, Progress
from ssmae.schedule import Plan

SECONDS_BETWEEN_REPORTS = 0.5
POINTS = 200
"""Points of the training curves of a whole round, at most about."""
UNREAD_STEPS = {"cuda": 50}
"""Steps whose numbers may stay on a device, at most; on a CPU reading costs nothing, so every step is read."""


@dataclass(frozen=True)
class _Step:
    """One step whose numbers are still on the device."""

    phase: Phase
    index: int
    names: tuple[str, ...]
    values: torch.Tensor
    learning_rate: float


class Recorder:
    """Takes every step; keeps means for the curves, reports twice a second, and refuses numbers that are not finite."""

    def __init__(self, plan: Plan, on_progress: Callable[[Progress], None]) -> None:
        self._plan, self._on_progress = plan, on_progress
        self._every = max(1, plan.total // POINTS)
        self._done, self._images, self._seconds = 0, 0, 0.0
        self._images_since, self._steps_since = 0, 0
        self._history: list[HistoryPoint] = []
        self._sums: dict[str, float] = defaultdict(float)
        self._counts: Counter[str] = Counter()
        self._summed = 0
        self._unread: list[_Step] = []
        self._recent: deque[float] = deque(maxlen=5)
        self._last_losses: dict[str, float] = {}
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

    def record(
        self, phase: Phase, step: int, losses: dict[str, torch.Tensor], learning_rate: float, images: int
    ) -> None:
        """Note one finished step, of index `step` in its phase.

        Args:
            phase: the part of the round.
            step: index in that phase.
            losses: scalars on the device, among them `total` and `gradient_norm`.
            learning_rate: of the step.
            images: drawn for it.

        Raises:
            NonFiniteLoss: a step since the last reading had a loss or gradient that is not finite.
        """
        values = torch.stack([value.float() for value in losses.values()])
        self._unread.append(_Step(phase, step, tuple(losses), values, learning_rate))
        self._done += 1
        self._images += images
        self._images_since += images
        self._steps_since += 1
        ends = step + 1 == self._plan.steps[phase]
        elapsed = time.monotonic() - self._reported
        is_due = elapsed >= SECONDS_BETWEEN_REPORTS or self._done in (1, self._plan.total)
        if ends or is_due or len(self._unread) >= UNREAD_STEPS.get(values.device.type, 1):
            self._read()
        now = time.monotonic()
        self._seconds += now - self._last
        self._last = now
        if is_due:
            self._report(phase, step, now)

    def state(self) -> dict[str, Any]:
        """What has to be kept to carry on, ready for JSON; reads what was not read yet, so it waits for the device."""
        self._read()
        return {
            "done": self._done,
            "images": self._images,
            "seconds": self._seconds,
            "history": [asdict(point) for point in self._history],
            "sums": dict(self._sums),
            "counts": dict(self._counts),
            "summed": self._summed,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Carry on from `state()`."""
        self._done, self._images, self._seconds = state["done"], state["images"], state["seconds"]
        self._history = [HistoryPoint(**{**point, "phase": Phase(point["phase"])}) for point in state["history"]]
        self._sums.update(state["sums"])
        self._counts.update(state["counts"])
        self._summed = state["summed"]
        self._reported = self._last = time.monotonic()

    def _read(self) -> None:
        """Fetch what is still on the device, in one transfer."""
        if not self._unread:
            return
        widest = max(len(step.names) for step in self._unread)
        padded = [torch.nn.functional.pad(step.values, (0, widest - len(step.names))) for step in self._unread]
        rows = torch.stack(padded).tolist()
        steps, self._unread = self._unread, []
        for at, (step, row) in enumerate(zip(steps, rows, strict=True)):
            losses = dict(zip(step.names, row, strict=False))
            if not all(math.isfinite(value) for value in losses.values()):
                raise NonFiniteLoss(step.phase.value, step.index, losses, list(self._recent))
            self._note(step, losses, done=self._done - len(steps) + at + 1)

    def _note(self, step: _Step, losses: dict[str, float], done: int) -> None:
        norm = losses.pop("gradient_norm")
        self._recent.append(losses["total"])
        self._last_losses = losses
        for name, value in (losses | {"gradient_norm": norm}).items():
            self._sums[name] += value
            self._counts[name] += 1  # a loss may end before the others
        self._summed += 1
        if self._summed >= self._every or step.index + 1 == self._plan.steps[step.phase]:
            means = {name: total / self._counts[name] for name, total in self._sums.items()}
            self._history.append(HistoryPoint(step.phase, done, means, step.learning_rate))
            self._sums.clear()
            self._counts.clear()
            self._summed = 0

    def _report(self, phase: Phase, step: int, now: float) -> None:
        elapsed = now - self._reported
        seconds_a_step = elapsed / self._steps_since
        seconds_left = seconds_a_step * self._plan.steps_left(phase, step + 1)
        speed = self._images_since / elapsed if elapsed else 0.0
        self._on_progress(Progress(phase, self._done, self._plan.total, self._last_losses, speed, seconds_left))
        self._reported, self._images_since, self._steps_since = now, 0, 0
