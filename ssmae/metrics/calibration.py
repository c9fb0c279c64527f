"""Whether a confidence of 90 % is right nine times in ten: reliability, calibration error, temperature scaling.

Dimensions: N images, C classes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ssmae.errors import InvalidConfig, InvalidData
from ssmae.metrics.accuracy import accuracy_interval
from ssmae.metrics.checks import check_same_length, checked_answers, checked_classes

CALIBRATION_BINS = 15
"""As in 1706.04599."""
TEMPERATURES = (0.05, 20.0)
"""What a fitted temperature may be: answers that are all right, or worse than chance, would drive it out of bounds."""
ROUNDING = 1e-6
"""By how much a single-precision softmax may miss 1."""


@dataclass(frozen=True)
class ReliabilityBin:
    """The images whose confidence lies in (low, high]; 0 belongs to the first bin.

    Attributes:
        low: lower edge.
        high: upper edge.
        count: images in it.
        confidence: their mean confidence; None without images.
        accuracy: their share of right predictions; None without images.
        accuracy_low: lower end of the exact 95 % interval of that accuracy; 0 without images.
        accuracy_high: upper end; 1 without images.
    """

    low: float
    high: float
    count: int
    confidence: float | None
    accuracy: float | None
    accuracy_low: float
    accuracy_high: float


def reliability(
    confidence_N: NDArray[np.floating], is_correct_N: NDArray[np.bool_], bins: int = CALIBRATION_BINS
) -> tuple[ReliabilityBin, ...]:
    """The data of a reliability diagram: accuracy against confidence in bins of equal width, empty ones included.

    Args:
        confidence_N: largest class probability of each image, in [0, 1].
        is_correct_N: whether that class is the right one.
        bins: how many.

    Raises:
        InvalidData: lengths differ, or a confidence is not within 0 to 1.
        InvalidConfig: no bin.

    Source: 1706.04599, section 2 and equation 1.
    """
    if bins < 1:
        raise InvalidConfig("bins", "at least 1", bins)
    confidence_N = np.asarray(confidence_N, dtype=np.float64)
    is_correct_N = checked_answers("is_correct_N", is_correct_N)
    check_same_length("is_correct_N", is_correct_N, "confidence_N", confidence_N)
    if not ((confidence_N >= 0) & (confidence_N <= 1 + ROUNDING)).all():
        raise InvalidData("confidence_N must lie within [0, 1].")
    # Open on the left and closed on the right, as in the source.
    bin_N = np.clip(np.ceil(confidence_N * bins).astype(np.int64) - 1, 0, bins - 1)
    counts = np.bincount(bin_N, minlength=bins)
    confidences = np.bincount(bin_N, weights=confidence_N, minlength=bins)
    corrects = np.bincount(bin_N, weights=is_correct_N, minlength=bins)
    rows = []
    for index, (count, confidence, correct) in enumerate(zip(counts, confidences, corrects, strict=True)):
        low, high = accuracy_interval(round(correct), int(count))
        mean, accuracy = (float(confidence / count), float(correct / count)) if count else (None, None)
        rows.append(ReliabilityBin(index / bins, (index + 1) / bins, int(count), mean, accuracy, low, high))
    return tuple(rows)


def expected_calibration_error(
    confidence_N: NDArray[np.floating], is_correct_N: NDArray[np.bool_], bins: int = CALIBRATION_BINS
) -> float | None:
    """Mean gap between confidence and accuracy over equal-width bins, weighed by their images; None without images.

    Raises:
        InvalidData: lengths differ, or a confidence is not within 0 to 1.
        InvalidConfig: no bin.

    Source: 1706.04599, equation 3.
    """
    filled = [row for row in reliability(confidence_N, is_correct_N, bins) if row.count]
    total = sum(row.count for row in filled)
    gaps = (row.count * abs((row.confidence or 0.0) - (row.accuracy or 0.0)) for row in filled)
    return sum(gaps) / total if total else None


def fit_temperature(probabilities_NC: NDArray[np.floating], labels_N: NDArray[np.integer]) -> float:
    """The one number that logits are divided by so that held-back answers become most likely.

    Minimises the mean negative log-likelihood of softmax(z / T). In b = 1 / T that is convex, with the derivative
    mean_n (sum_c p_nc z_nc - z_ny), so its zero is found by halving, to double precision. Logarithms of probabilities
    serve as logits: they differ from them by a constant of each image, which softmax ignores.

    Args:
        probabilities_NC: predictions for images that taught nothing, rows summing to one.
        labels_N: people's answers for them.

    Returns:
        T within 0.05 to 20: above 1 where the model was too sure, below where it was not sure enough. The order of the
        classes, hence the accuracy, is untouched.

    Raises:
        InvalidData: no image, lengths differ, rows that are no probabilities, a class outside 0 to C - 1.

    Source: temperature scaling, 1706.04599, section 4.2.
    """
    log_NC = _log_probabilities(probabilities_NC)
    labels_N = checked_classes("labels_N", labels_N, log_NC.shape[1])
    check_same_length("labels_N", labels_N, "the rows of probabilities_NC", log_NC[:, 0])
    if not len(log_NC):
        raise InvalidData("A temperature is fitted to at least one answer. Got none.")
    answer_N = log_NC[np.arange(len(log_NC)), labels_N]

    def slope(inverse: float) -> float:
        """Derivative of the mean negative log-likelihood by 1 / T; it only rises."""
        return float(((_softmax(inverse * log_NC) * log_NC).sum(axis=1) - answer_N).mean())

    low, high = 1 / TEMPERATURES[1], 1 / TEMPERATURES[0]
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if slope(middle) < 0 else (low, middle)
    return 2 / (low + high)


def with_temperature(probabilities_NC: NDArray[np.floating], temperature: float) -> NDArray[np.float64]:
    """Probabilities at another temperature: softmax(log p / T), (N, C).

    Raises:
        InvalidData: rows that are no probabilities.
        InvalidConfig: the temperature is not positive.

    Source: 1706.04599, equation 9.
    """
    if not 0 < temperature < np.inf:
        raise InvalidConfig("temperature", "positive and finite", temperature)
    return _softmax(_log_probabilities(probabilities_NC) / temperature)


def _log_probabilities(probabilities_NC: NDArray[np.floating]) -> NDArray[np.float64]:
    checked_NC = np.asarray(probabilities_NC, dtype=np.float64)
    if checked_NC.ndim != 2:
        raise InvalidData(f"probabilities_NC must have two dimensions. Got shape {checked_NC.shape}.")
    # Wider than the rounding of one number: a row is the sum of many.
    if not ((checked_NC >= 0).all() and np.allclose(checked_NC.sum(axis=1), 1, atol=1e-3)):
        raise InvalidData("probabilities_NC must be at least 0 and its rows must sum to one.")
    # A softmax in single precision says 0 where it means less than 1e-38; its logarithm would be infinite.
    log_NC: NDArray[np.float64] = np.log(np.maximum(checked_NC, np.finfo(np.float32).tiny))
    return log_NC


def _softmax(logits_NC: NDArray[np.float64]) -> NDArray[np.float64]:
    powers_NC = np.exp(logits_NC - logits_NC.max(axis=1, keepdims=True))
    shares_NC: NDArray[np.float64] = powers_NC / powers_NC.sum(axis=1, keepdims=True)
    return shares_NC
