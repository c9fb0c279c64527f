"""How far one arm is ahead of another, seed by seed, and whether that can be told from chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import sqrt
from statistics import mean, stdev

from scipy.special import stdtrit

CONFIDENCE = 0.95

_NO_SPREAD = 1e-9
"""Differences in points that are closer than this are the same: what is left is rounding."""


class Verdict(StrEnum):
    """What an interval says, as words before the other arm's name."""

    AHEAD = "ahead of"
    BEHIND = "behind"
    NOT_TOLD_APART = "not told apart from"


@dataclass(frozen=True)
class Lead:
    """A paired difference in points.

    Attributes:
        mean: of the differences.
        interval: where their true mean lies, with `CONFIDENCE`; None if that cannot be said.
    """

    mean: float
    interval: tuple[float, float] | None

    @property
    def verdict(self) -> Verdict | None:
        """What may be claimed; None without an interval."""
        if self.interval is None:
            return None
        low, high = self.interval
        if low <= 0 <= high:
            return Verdict.NOT_TOLD_APART
        return Verdict.AHEAD if low > 0 else Verdict.BEHIND

    @property
    def text(self) -> str:
        """As in a table."""
        if self.interval is None:
            return f"{self.mean:+.1f}"
        return f"{self.mean:+.1f} ({self.interval[0]:+.1f} to {self.interval[1]:+.1f})"


def lead(ours: Mapping[int, float], theirs: Mapping[int, float]) -> Lead | None:
    """The lead of one arm over another.

    Args:
        ours: accuracy by seed.
        theirs: that of the other arm.

    Returns:
        It, over the seeds that both have; None if there are none.
    """
    differences = [100 * (ours[seed] - theirs[seed]) for seed in sorted(ours.keys() & theirs.keys())]
    return Lead(mean(differences), t_interval(differences)) if differences else None


def t_interval(values: Sequence[float]) -> tuple[float, float] | None:
    """Two-sided interval of a mean, taking the values for independent draws from one normal distribution.

    Returns:
        Its ends; None for fewer than two values, or values all the same, whose spread tells nothing.

    Source: Student, Biometrika 6 (1908).
    """
    if len(values) < 2 or (spread := stdev(values)) < _NO_SPREAD:
        return None
    half = float(stdtrit(len(values) - 1, (1 + CONFIDENCE) / 2)) * spread / sqrt(len(values))
    return mean(values) - half, mean(values) + half
