"""Accuracy with exact intervals, of all images and of each class.

Dimensions: N images, C classes.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv, ndtri

from ssmae.errors import InvalidConfig, InvalidData
from ssmae.metrics.checks import check_same_length, checked_classes, checked_confidence


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


def confusion_matrix(
    true_N: NDArray[np.integer], predicted_N: NDArray[np.integer], n_classes: int
) -> NDArray[np.int64]:
    """Counts of images by true class (row) and predicted class (column), (C, C).

    Raises:
        InvalidData: shapes differ, not whole numbers, or a class outside 0 to C - 1.
    """
    true_N = checked_classes("true_N", true_N, n_classes)
    predicted_N = checked_classes("predicted_N", predicted_N, n_classes)
    check_same_length("predicted_N", predicted_N, "true_N", true_N)
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
