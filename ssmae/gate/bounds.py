"""Exact binomial tails, bounds and sample sizes, and Holm's procedure for several tests at once.

Dimensions: H hypotheses.
"""

from __future__ import annotations

from math import isfinite

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, betaincinv

from ssmae.errors import InvalidConfig, InvalidData

FloatArray = NDArray[np.float64]


def binomial_tail(errors: int, n: int, rate: float) -> float:
    """P(at most `errors` errors among n independent images whose error rate is `rate`).

    For a sample without replacement, tails this small (a half or less) are slightly too large, which errs on the safe
    side.

    Source: the binomial tail as incomplete beta function, Abramowitz and Stegun, Handbook of Mathematical Functions
    (1964), section 26.5.
    """
    return 1.0 if errors >= n else float(betainc(n - errors, errors + 1, 1.0 - rate))


def excess_tail(errors: int, n: int, rate: float) -> float:
    """P(at least `errors` errors among n independent images whose error rate is `rate`).

    Source: the binomial tail as incomplete beta function, Abramowitz and Stegun, Handbook of Mathematical Functions
    (1964), section 26.5.
    """
    return 1.0 if errors <= 0 else float(betainc(errors, n - errors + 1, rate))


def error_upper_bound(errors: int, n: int, delta: float) -> float:
    """Clopper-Pearson: the error rate is below this with probability 1 - delta; 1 when nothing was seen.

    Source: Clopper and Pearson, Biometrika 26 (1934).
    """
    return 1.0 if errors >= n else float(betaincinv(errors + 1, n - errors, 1.0 - delta))


def smallest_sample(errors: int, alpha: float, delta: float) -> int:
    """Smallest n for which `errors` errors among n still prove an error rate of at most alpha.

    Raises:
        InvalidConfig: alpha or delta is not strictly between 0 and 1.

    Source: the bound of Clopper and Pearson, Biometrika 26 (1934), solved for n.
    """
    check_open_unit("alpha", alpha)
    check_open_unit("delta", delta)
    low, high = errors, errors + 1
    while binomial_tail(errors, high, alpha) > delta:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if binomial_tail(errors, middle, alpha) > delta else (low, middle)
    return high


def holm(p_values_H: FloatArray, smallest_H: FloatArray, delta: float) -> NDArray[np.bool_]:
    """Which hypotheses are refuted, (H,), such that any true one is among them with probability at most delta.

    Each test that is made makes the others harder, so those that could not succeed whatever the answers are left out.
    Which these are must follow from the number of answers alone, never from their content.

    Args:
        p_values_H: of each hypothesis.
        smallest_H: the p-value that each would have with the best possible answers.
        delta: for the whole family.

    Raises:
        InvalidData: the two differ in length.

    Source: Holm, Scandinavian Journal of Statistics 6 (1979).
    """
    if p_values_H.shape != smallest_H.shape or p_values_H.ndim != 1:
        raise InvalidData(
            f"p_values_H and smallest_H must be of one length. Got shapes {p_values_H.shape} and {smallest_H.shape}."
        )
    promising = np.argsort(smallest_H, kind="stable")
    sizes = np.arange(1, len(promising) + 1)
    fits = smallest_H[promising] <= delta / sizes
    promising = promising[: sizes[fits].max(initial=0)]
    is_refuted_H = np.zeros(len(p_values_H), np.bool_)
    for left, index in zip(sizes[: len(promising)][::-1], promising[np.argsort(p_values_H[promising])], strict=True):
        if p_values_H[index] > delta / left:
            break
        is_refuted_H[index] = True
    return is_refuted_H


def check_open_unit(name: str, value: float) -> None:
    """Refuse what is not strictly between 0 and 1.

    Raises:
        InvalidConfig: it is not.
    """
    if not (isfinite(value) and 0 < value < 1):
        raise InvalidConfig(name, "strictly between 0 and 1", value)
