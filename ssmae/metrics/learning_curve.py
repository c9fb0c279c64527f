"""How many more labels until a given accuracy: a power law through the rounds so far, with an honest interval.

Dimensions: R rounds, K refits of the bootstrap, B exponents tried, S shapes of a fit (falling or flat).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, log

import numpy as np
from numpy.typing import NDArray

from ssmae.errors import InvalidConfig, InvalidData
from ssmae.metrics.checks import checked_confidence

LEAST_ROUNDS, LEAST_SPAN = 5, 8.0
"""Three numbers are fitted: fewer points, or points closer together, leave the exponent to chance."""
HORIZON = 10.0
"""How far beyond the labels at hand a forecast may reach, as a factor (2207.01725: further ones mislead)."""
REFITS = 500
_EXPONENTS = np.geomspace(0.02, 3.0, 200)


@dataclass(frozen=True)
class PowerLaw:
    """error(n) = floor + scale * n ** -exponent, for n labels."""

    floor: float
    scale: float
    exponent: float

    def error(self, labels_R: NDArray[np.number]) -> NDArray[np.float64]:
        """Error rate expected at those numbers of labels; shape (R,).

        Source: power law of the error, 1712.00409.
        """
        return self.floor + self.scale * np.asarray(labels_R, np.float64) ** -self.exponent


@dataclass(frozen=True)
class Forecast:
    """How many labels a target accuracy needs.

    Attributes:
        curve: the fit to the rounds as measured.
        labels: labels at which that curve reaches the target; None if not within ten times those at hand.
        low: lower end of the interval for it; None if not within ten times.
        high: upper end, the number to plan with; None if not within ten times.
        reached: share of the refits that reach the target within ten times.
        reason: the answer as a sentence.
    """

    curve: PowerLaw
    labels: int | None
    low: int | None
    high: int | None
    reached: float
    reason: str


def forecast_labels(
    labels_R: NDArray[np.integer],
    correct_R: NDArray[np.integer],
    tested_R: NDArray[np.integer],
    target: float,
    *,
    seed: int,
    confidence: float = 0.95,
) -> Forecast:
    """Fit error(n) = c + a n^-b, a, b >= 0 and 0 <= c <= the last error, and read off where it meets the target.

    Weighted least squares, weights from the binomial variance of each round. The interval is a parametric bootstrap:
    each refit sees counts drawn around the fitted curve. Where the rounds scatter more than counting alone explains
    (each was trained with its own luck), the draws scatter as much more. Rounds count as independent, although they
    share a test split.

    Args:
        labels_R: human labels that each round had, rising.
        correct_R: right predictions on the test split, then.
        tested_R: images of the test split, then.
        target: the accuracy wanted, as a share.
        seed: of the bootstrap.
        confidence: of the interval.

    Raises:
        InvalidData: fewer than five rounds, labels that span less than a factor of eight, arrays that do not fit.
        InvalidConfig: target or confidence is not strictly between 0 and 1.

    Source: power law of the error 1712.00409; bootstrap, and planning with its upper end, 2207.01725.
    """
    if not 0 < target < 1:
        raise InvalidConfig("target", "strictly between 0 and 1", target)
    tail = (1 - checked_confidence(confidence)) / 2
    n_R, wrong_R, tests_R = _checked_rounds(labels_R, correct_R, tested_R)
    measured = _fit(n_R, (wrong_R / tests_R)[None], _variance(wrong_R, tests_R)[None])
    floor, rise, exponent = (float(values_K[0]) for values_K in measured)
    curve = PowerLaw(floor, rise * n_R[-1] ** exponent, exponent)

    expected_R = np.clip(curve.error(n_R), 0, 1)
    scatter = ((wrong_R / tests_R - expected_R) ** 2 / _variance(expected_R * tests_R, tests_R)).sum()
    overdispersion = max(1.0, float(scatter) / (len(n_R) - 3))
    counted_R = np.maximum(1, np.round(tests_R / overdispersion))
    draws = np.random.default_rng(seed).binomial(counted_R.astype(np.int64), expected_R, (REFITS, len(n_R)))
    drawn_KR = draws.astype(np.float64)
    refits = _fit(n_R, drawn_KR / counted_R, _variance(drawn_KR, counted_R))

    point_1, needed_K = (_labels_needed(*fit, 1 - target, n_R) for fit in (measured, refits))
    # Quantiles that are themselves refits: between a number and "never" there is nothing to interpolate.
    low = _whole(np.quantile(needed_K, tail, method="lower"))
    high = _whole(np.quantile(needed_K, 1 - tail, method="higher"))
    labels, reached = _whole(point_1[0]), float(np.isfinite(needed_K).mean())
    reason = _sentence(target, confidence, labels, low, high, reached, int(n_R[-1]))
    return Forecast(curve, labels, low, high, reached, reason)


def label_span(labels_R: NDArray[np.number]) -> float:
    """How many times the labels of the first round the last one had; 1 without a round.

    Source: own; rounds that are close together leave the exponent to chance.
    """
    return float(labels_R[-1] / labels_R[0]) if len(labels_R) else 1.0


def can_forecast(labels_R: NDArray[np.number]) -> bool:
    """Whether rounds with so many labels are many enough, and far enough apart.

    Source: own; three numbers are fitted, and fewer rounds leave them to chance.
    """
    return len(labels_R) >= LEAST_ROUNDS and label_span(labels_R) >= LEAST_SPAN


def _checked_rounds(
    labels_R: NDArray[np.integer], correct_R: NDArray[np.integer], tested_R: NDArray[np.integer]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Labels, wrong answers and tested images of each round."""
    labels, correct, tested = (np.asarray(values, np.float64) for values in (labels_R, correct_R, tested_R))
    if labels.ndim != 1 or not labels.shape == correct.shape == tested.shape:
        raise InvalidData(
            "labels_R, correct_R and tested_R must be flat and equally long. "
            f"Got shapes {labels.shape}, {correct.shape} and {tested.shape}."
        )
    if not ((tested > 0) & (correct >= 0) & (correct <= tested)).all():
        raise InvalidData("Each round must have tested images, and no more right ones than tested ones.")
    if len(labels) and not (labels[0] > 0 and (np.diff(labels) > 0).all()):
        raise InvalidData(f"labels_R must be positive and rise from round to round. Got {labels.tolist()}.")
    if not can_forecast(labels):
        raise InvalidData(
            f"A forecast needs at least {LEAST_ROUNDS} rounds whose labels span a factor of {LEAST_SPAN:g}. "
            f"Got {len(labels)} rounds and a factor of {label_span(labels):.3g}."
        )
    return labels, tested - correct, tested


def _variance(wrong: NDArray[np.float64], tested: NDArray[np.float64]) -> NDArray[np.float64]:
    """Binomial variance of an error rate; one wrong and one right answer are added, or no error would mean no doubt."""
    share = (wrong + 1) / (tested + 2)
    return share * (1 - share) / tested


def _fit(
    n_R: NDArray[np.float64], errors_KR: NDArray[np.float64], variances_KR: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Floor c, rise a above it at the last round, and exponent b, each (K,).

    For a given b the model is linear in c and a, so the best allowed pair is found in closed form. What is left is a
    search over b alone, which cannot end in a local minimum.
    """
    weight_KR = 1 / variances_KR
    shape_BR = (n_R / n_R[-1]) ** -_EXPONENTS[:, None]
    highest_K1 = errors_KR[:, -1:]
    total_K1 = weight_KR.sum(axis=1, keepdims=True)
    mean_K1 = (weight_KR * errors_KR).sum(axis=1, keepdims=True) / total_K1
    shape_KB = weight_KR @ shape_BR.T / total_K1
    square_KB = weight_KR @ (shape_BR**2).T / total_K1
    product_KB = (weight_KR * errors_KR) @ shape_BR.T / total_K1

    slope_KB = (product_KB - mean_K1 * shape_KB) / (square_KB - shape_KB**2)
    # Either the curve falls, with the best floor clipped to what is allowed, or it is flat at the mean.
    floor_SKB = np.stack([mean_K1 - slope_KB * shape_KB, np.broadcast_to(mean_K1, shape_KB.shape)])
    floor_SKB = np.clip(floor_SKB, 0, highest_K1)
    rise_SKB = np.maximum(0, (product_KB - floor_SKB * shape_KB) / square_KB)
    # Weighted squares, less those of the errors alone, which are the same for every candidate.
    loss_SKB = floor_SKB**2 + rise_SKB**2 * square_KB + 2 * floor_SKB * rise_SKB * shape_KB
    loss_SKB -= 2 * floor_SKB * mean_K1 + 2 * rise_SKB * product_KB
    every_K = np.arange(len(errors_KR))
    best_K = loss_SKB.transpose(1, 0, 2).reshape(len(errors_KR), -1).argmin(axis=1)
    side_K, exponent_K = np.divmod(best_K, len(_EXPONENTS))
    return floor_SKB[side_K, every_K, exponent_K], rise_SKB[side_K, every_K, exponent_K], _EXPONENTS[exponent_K]


def _labels_needed(
    floor_K: NDArray[np.float64],
    rise_K: NDArray[np.float64],
    exponent_K: NDArray[np.float64],
    error: float,
    n_R: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Where each curve falls to an error rate: infinite beyond the horizon, at least what the first round had."""
    with np.errstate(divide="ignore", invalid="ignore"):
        log_factor_K = np.log(rise_K / (error - floor_K)) / exponent_K
    is_never_K = (floor_K >= error) | (log_factor_K > log(HORIZON))
    needed_K = n_R[-1] * np.exp(np.where(is_never_K, 0.0, log_factor_K))
    return np.where(is_never_K, inf, np.maximum(needed_K, n_R[0]))


def _whole(labels: float) -> int | None:
    return None if labels == inf else round(labels)


def _sentence(
    target: float, confidence: float, labels: int | None, low: int | None, high: int | None, reached: float, most: int
) -> str:
    wanted, beyond = f"{100 * target:g} %", f"{HORIZON:g} times the {most:,} labels at hand"
    if labels is None and low is None:
        return f"{wanted} is not within {beyond}."
    least = "" if low is None else f", at least {low:,}"
    arrive = f"{100 * reached:.0f} % of the redrawn curves reach it by then"
    if labels is None:
        return f"{wanted} may not be within {beyond}{least}: {arrive}."
    if high is None:
        return f"{wanted} takes about {labels:,} labels{least}, perhaps more than {beyond}: {arrive}."
    interval = f"{100 * confidence:g} % interval {low:,} to {high:,}"
    return f"{wanted} takes about {labels:,} labels ({interval}); {most:,} are at hand."
