"""How many more labels a wanted accuracy takes, going by the rounds so far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from app.services.reports.accuracy import CurvePoint
from ssmae.metrics import LEAST_ROUNDS, LEAST_SPAN, Forecast, can_forecast, forecast_labels, label_span


@dataclass(frozen=True, kw_only=True)
class LabelForecast:
    """An answer, or why there is none yet.

    Attributes:
        reason: either of them as a sentence.
        found: the answer in numbers; None where the rounds so far do not allow one.
    """

    reason: str
    found: Forecast | None


def label_forecast(curve: Sequence[CurvePoint], target: float) -> LabelForecast:
    """Read off a power law through the rounds where they reach `target`; see `forecast_labels`.

    Rounds that had no more labels than one before them are left out, but for the newest of those with equally many:
    the law is one of labels, and what a second training with the same ones adds is another matter.

    Args:
        curve: of the project, oldest round first.
        target: accuracy wanted, strictly between 0 and 1.

    Dimensions: R rounds.
    """
    rounds = _rising(curve)
    labels_R = np.array([point.labels for point in rounds])
    if not can_forecast(labels_R):
        so_far = f"{len(rounds)} and a factor of {label_span(labels_R):.1f}" if len(rounds) > 1 else f"{len(rounds)}"
        reason = (
            f"A forecast needs {LEAST_ROUNDS} rounds with ever more labels, from first to last {LEAST_SPAN:g} times as "
            f"many. So far: {so_far}."
        )
        return LabelForecast(reason=reason, found=None)
    found = forecast_labels(
        labels_R,
        np.array([point.test.correct for point in rounds]),
        np.array([point.test.n for point in rounds]),
        target,
        seed=0,  # the same rounds, the same answer
    )
    return LabelForecast(reason=found.reason, found=found)


def _rising(curve: Sequence[CurvePoint]) -> list[CurvePoint]:
    """The rounds that had more labels than every one before, the newest of those with equally many."""
    kept: list[CurvePoint] = []
    for point in curve:
        if not point.labels or not point.test.n or (kept and point.labels < kept[-1].labels):
            continue
        if kept and point.labels == kept[-1].labels:
            kept.pop()
        kept.append(point)
    return kept
