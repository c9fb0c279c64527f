"""How good is it, and how sure may we be: accuracy with exact intervals, confusion, calibration, paired comparison.

The web server imports this module, so it must stay light: NumPy and scipy.special only, never torch, scikit-learn or
scipy.stats. Every figure here is computed from people's answers; choosing what to compare with them is the caller's
duty (the test split for accuracy shown, never for a decision of the learner).

Dimensions: N images, C classes.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, betaincinv, ndtri

from ssmae.errors import InvalidConfig, InvalidData

CALIBRATION_BINS = 15
"""As in 1706.04599."""


@dataclass(frozen=True)
class ClassAccuracy:
    """Accuracy among the images whose true class is this one.

    Attributes:
        class_index: the class.
        correct: images of it that were predicted right.
        n: images of it.
        accuracy: correct / n; None without any image.
        low: lower end of the exact interval.
        high: upper end of the exact interval.
    """

    class_index: int
    correct: int
    n: int
    accuracy: float | None
    low: float
    high: float


def accuracy_interval(correct: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Exact (Clopper-Pearson) two-sided interval of an accuracy; (0, 1) when nothing was seen.

    Raises:
        InvalidData: correct is not within 0 to n.
        InvalidConfig: confidence is not strictly between 0 and 1.

    Source: Clopper and Pearson, Biometrika 26 (1934).
    """
    if not 0 <= correct <= n:
        raise InvalidData(f"correct must lie within 0 to n={n}. Got {correct}.")
    tail = (1 - _checked_confidence(confidence)) / 2
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
    z = float(ndtri((1 + _checked_confidence(confidence)) / 2))
    if n == 0:
        return 0.5
    return z / (1 + z * z / n) * sqrt(accuracy * (1 - accuracy) / n + z * z / (4 * n * n))


def confusion_matrix(
    true_N: NDArray[np.integer], predicted_N: NDArray[np.integer], n_classes: int
) -> NDArray[np.int64]:
    """Counts of images by true class (row) and predicted class (column), (C, C).

    Raises:
        InvalidData: shapes differ, not whole numbers, or a class outside 0 to C - 1.
    """
    true_N = _checked_classes("true_N", true_N, n_classes)
    predicted_N = _checked_classes("predicted_N", predicted_N, n_classes)
    _check_same_length("predicted_N", predicted_N, "true_N", true_N)
    counts = np.bincount(true_N * n_classes + predicted_N, minlength=n_classes * n_classes)
    return counts.reshape(n_classes, n_classes).astype(np.int64)


def per_class_accuracy(confusion_CC: NDArray[np.integer], confidence: float = 0.95) -> list[ClassAccuracy]:
    """Accuracy of each true class with its exact interval, in the order of the classes.

    Raises:
        InvalidData: the matrix is not square.
    """
    if confusion_CC.ndim != 2 or confusion_CC.shape[0] != confusion_CC.shape[1]:
        raise InvalidData(f"confusion_CC must be square. Got shape {confusion_CC.shape}.")
    rows = []
    for class_index, counts_C in enumerate(confusion_CC):
        correct, n = int(counts_C[class_index]), int(counts_C.sum())
        low, high = accuracy_interval(correct, n, confidence)
        rows.append(ClassAccuracy(class_index, correct, n, correct / n if n else None, low, high))
    return rows


def expected_calibration_error(
    confidence_N: NDArray[np.floating], is_correct_N: NDArray[np.bool_], bins: int = CALIBRATION_BINS
) -> float | None:
    """Mean gap between confidence and accuracy over equal-width bins, weighed by their images; None without images.

    Raises:
        InvalidData: lengths differ, or a confidence is not within 0 to 1.
        InvalidConfig: no bin.

    Source: 1706.04599, equation 3.
    """
    if bins < 1:
        raise InvalidConfig("bins", "at least 1", bins)
    confidence_N, is_correct_N = (
        np.asarray(confidence_N, dtype=np.float64),
        _checked_answers("is_correct_N", is_correct_N),
    )
    _check_same_length("is_correct_N", is_correct_N, "confidence_N", confidence_N)
    if not confidence_N.size:
        return None
    # The slack is for the rounding of single-precision softmax.
    if not ((confidence_N >= 0) & (confidence_N <= 1 + 1e-6)).all():
        raise InvalidData("confidence_N must lie within [0, 1].")
    # Bins are open on the left and closed on the right, as in the source; 0 belongs to the first.
    bin_N = np.clip(np.ceil(confidence_N * bins).astype(np.int64) - 1, 0, bins - 1)
    gaps = np.bincount(bin_N, weights=confidence_N - is_correct_N, minlength=bins)
    return float(np.abs(gaps).sum() / confidence_N.size)


def mcnemar(correct_a_N: NDArray[np.bool_], correct_b_N: NDArray[np.bool_]) -> float:
    """Exact two-sided p-value that two models judged on the same images are equally accurate; 1 if they never differ.

    Raises:
        InvalidData: lengths differ, or not booleans.

    Source: McNemar, Psychometrika 12 (1947), in its exact binomial form.
    """
    correct_a_N, correct_b_N = (
        _checked_answers("correct_a_N", correct_a_N),
        _checked_answers("correct_b_N", correct_b_N),
    )
    _check_same_length("correct_b_N", correct_b_N, "correct_a_N", correct_a_N)
    only_a, only_b = int((correct_a_N & ~correct_b_N).sum()), int((~correct_a_N & correct_b_N).sum())
    fewer, differing = min(only_a, only_b), only_a + only_b
    if 2 * fewer >= differing:
        return 1.0
    # The binomial tail at one half, by the incomplete beta function; below the middle twice it stays below 1.
    return min(1.0, 2 * float(betainc(differing - fewer, fewer + 1, 0.5)))


def negative_flips(correct_before_N: NDArray[np.bool_], correct_after_N: NDArray[np.bool_]) -> float:
    """Share of images that the earlier model got right and the later one gets wrong; 0 without images.

    Raises:
        InvalidData: lengths differ, or not booleans.

    Source: 2011.09161, negative flip rate.
    """
    before_N = _checked_answers("correct_before_N", correct_before_N)
    after_N = _checked_answers("correct_after_N", correct_after_N)
    _check_same_length("correct_after_N", after_N, "correct_before_N", before_N)
    return float((before_N & ~after_N).mean()) if before_N.size else 0.0


def _checked_confidence(confidence: float) -> float:
    if not 0 < confidence < 1:
        raise InvalidConfig("confidence", "strictly between 0 and 1", confidence)
    return confidence


def _checked_classes(name: str, classes_N: NDArray[np.integer], n_classes: int) -> NDArray[np.int64]:
    checked = np.asarray(classes_N)
    if checked.ndim != 1:
        raise InvalidData(f"{name} must have one dimension. Got shape {checked.shape}.")
    if checked.size and not np.issubdtype(checked.dtype, np.integer):
        raise InvalidData(f"{name} must hold whole numbers. Got {checked.dtype}.")
    if checked.size and not 0 <= checked.min() <= checked.max() < n_classes:
        raise InvalidData(f"{name} must lie within 0 to {n_classes - 1}. Got {checked.min()} to {checked.max()}.")
    return checked.astype(np.int64)


def _checked_answers(name: str, answers_N: NDArray[np.bool_]) -> NDArray[np.bool_]:
    checked = np.asarray(answers_N)
    if checked.ndim != 1 or (checked.size and checked.dtype != np.bool_):
        raise InvalidData(f"{name} must be one-dimensional booleans. Got {checked.dtype} of shape {checked.shape}.")
    return checked.astype(np.bool_)


def _check_same_length(name: str, values_N: NDArray[np.generic], other: str, others_N: NDArray[np.generic]) -> None:
    if values_N.shape != others_N.shape:
        raise InvalidData(f"{name} must have shape {others_N.shape} like {other}. Got {values_N.shape}.")
