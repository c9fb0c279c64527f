"""Two models judged on the same images: are they different?

Dimensions: N images.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc

from ssmae.metrics.checks import check_same_length, checked_answers


def mcnemar(correct_a_N: NDArray[np.bool_], correct_b_N: NDArray[np.bool_]) -> float:
    """Exact two-sided p-value that two models judged on the same images are equally accurate; 1 if they never differ.

    Raises:
        InvalidData: lengths differ, or not booleans.

    Source: McNemar, Psychometrika 12 (1947), in its exact binomial form.
    """
    correct_a_N, correct_b_N = (
        checked_answers("correct_a_N", correct_a_N),
        checked_answers("correct_b_N", correct_b_N),
    )
    check_same_length("correct_b_N", correct_b_N, "correct_a_N", correct_a_N)
    only_a, only_b = int((correct_a_N & ~correct_b_N).sum()), int((~correct_a_N & correct_b_N).sum())
    fewer, differing = min(only_a, only_b), only_a + only_b
    if 2 * fewer >= differing:
        return 1.0
    # The binomial tail at one half, by the incomplete beta function; below the middle twice it stays below 1.
    return min(1.0, 2 * float(betainc(differing - fewer, fewer + 1, 0.5)))
