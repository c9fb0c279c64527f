"""How sure one may be of an accuracy."""

from __future__ import annotations

from math import sqrt

from scipy.special import betaincinv, ndtri

from ssmae.errors import InvalidConfig, InvalidData
from ssmae.metrics.checks import checked_confidence


def accuracy_interval(correct: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Exact (Clopper-Pearson) two-sided interval of an accuracy; (0, 1) when nothing was seen.

    Raises:
        InvalidData: correct is not within 0 to n.
        InvalidConfig: confidence is not strictly between 0 and 1.

    Source: Clopper and Pearson, Biometrika 26 (1934).
    """
    if not 0 <= correct <= n:
        raise InvalidData(f"correct must lie within 0 to n={n}. Got {correct}.")
    tail = (1 - checked_confidence(confidence)) / 2
    low = 0.0 if correct == 0 else float(betaincinv(correct, n - correct + 1, tail))
    high = 1.0 if correct == n else float(betaincinv(correct + 1, n - correct, 1 - tail))
    return low, high


def interval_half_width(n: int, accuracy: float = 0.9, confidence: float = 0.95) -> float:
    """About how far an accuracy measured on n images may be from the truth; for advice on the size of a test split.

    Half the width of the Wilson interval, which needs no whole number of correct images and, at 100 or more of them,
    is within a few tenths of a point of the exact interval that is shown later.

    Raises:
        InvalidData: n is negative.
        InvalidConfig: accuracy or confidence is no probability.

    Source: Wilson, JASA 22 (1927).
    """
    if n < 0:
        raise InvalidData(f"n must be at least 0. Got {n}.")
    if not 0 <= accuracy <= 1:
        raise InvalidConfig("accuracy", "within 0 to 1", accuracy)
    z = float(ndtri((1 + checked_confidence(confidence)) / 2))
    if n == 0:
        return 0.5
    return z / (1 + z * z / n) * sqrt(accuracy * (1 - accuracy) / n + z * z / (4 * n * n))
