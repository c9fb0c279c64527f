"""From the probabilities of several views to one number an image, so that a gate has one knob: its threshold.

Dimensions: W views, N images, C classes.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ssmae.errors import InvalidData
from ssmae.gate.bounds import FloatArray


def consistency_scores(probabilities_WNC: NDArray[np.floating]) -> tuple[FloatArray, NDArray[np.intp]]:
    """Score of the gate that proves its bound, and the class it judges.

    Args:
        probabilities_WNC: class probabilities of every view, the weak view first.

    Returns:
        (scores_N, predicted_N): mean over views of the probability of the weak view's class, 0 where any view's
        likeliest class differs.

    Raises:
        InvalidData: wrong number of dimensions, or no view, or no class.

    Source: own; one number an image leaves the gate one knob. That the views must agree is from SSMAE, 2601.20072.
    """
    of_predicted_WN, is_consistent_N, predicted_N = _of_weak_views_class(probabilities_WNC)
    return np.where(is_consistent_N, of_predicted_WN.mean(axis=0), 0.0), predicted_N


def smallest_scores(probabilities_WNC: NDArray[np.floating]) -> tuple[FloatArray, NDArray[np.intp]]:
    """Score of the SSMAE paper's rule: it asks for confidence on the weak *and* on every strong view.

    Args:
        probabilities_WNC: class probabilities of every view, the weak view first.

    Returns:
        (scores_N, predicted_N): smallest probability over views of the weak view's class, 0 where any view's likeliest
        class differs.

    Raises:
        InvalidData: wrong number of dimensions, or no view, or no class.

    Source: 2601.20072.
    """
    of_predicted_WN, is_consistent_N, predicted_N = _of_weak_views_class(probabilities_WNC)
    return np.where(is_consistent_N, of_predicted_WN.min(axis=0), 0.0), predicted_N


def _of_weak_views_class(
    probabilities_WNC: NDArray[np.floating],
) -> tuple[FloatArray, NDArray[np.bool_], NDArray[np.intp]]:
    if probabilities_WNC.ndim != 3 or not probabilities_WNC.shape[0] or not probabilities_WNC.shape[2]:
        raise InvalidData(f"probabilities_WNC must have shape (views, images, classes). Got {probabilities_WNC.shape}.")
    classes_WN = probabilities_WNC.argmax(axis=2)
    predicted_N = classes_WN[0]
    of_predicted_WN = np.take_along_axis(probabilities_WNC, predicted_N[None, :, None], axis=2)[:, :, 0]
    return of_predicted_WN.astype(np.float64), (classes_WN == predicted_N).all(axis=0), predicted_N
