"""What the statistics refuse before they count: nothing is repaired, the message says what was expected and got.

Dimensions: N images.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ssmae.errors import InvalidConfig, InvalidData


def checked_confidence(confidence: float) -> float:
    """A confidence level, strictly between 0 and 1."""
    if not 0 < confidence < 1:
        raise InvalidConfig("confidence", "strictly between 0 and 1", confidence)
    return confidence


def checked_classes(name: str, classes_N: NDArray[np.integer], n_classes: int) -> NDArray[np.int64]:
    """Class indices, int64, shape (N,), each within 0 to n_classes - 1."""
    checked = np.asarray(classes_N)
    if checked.ndim != 1:
        raise InvalidData(f"{name} must have one dimension. Got shape {checked.shape}.")
    if checked.size and not np.issubdtype(checked.dtype, np.integer):
        raise InvalidData(f"{name} must hold whole numbers. Got {checked.dtype}.")
    if checked.size and not 0 <= checked.min() <= checked.max() < n_classes:
        raise InvalidData(f"{name} must lie within 0 to {n_classes - 1}. Got {checked.min()} to {checked.max()}.")
    return checked.astype(np.int64)


def checked_answers(name: str, answers_N: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Right or wrong, one an image; shape (N,)."""
    checked = np.asarray(answers_N)
    if checked.ndim != 1 or (checked.size and checked.dtype != np.bool_):
        raise InvalidData(f"{name} must be one-dimensional booleans. Got {checked.dtype} of shape {checked.shape}.")
    return checked.astype(np.bool_)


def check_same_length(name: str, values_N: NDArray[np.generic], other: str, others_N: NDArray[np.generic]) -> None:
    """Refuse two arrays that should speak of the same images and do not."""
    if values_N.shape != others_N.shape:
        raise InvalidData(f"{name} must have shape {others_N.shape} like {other}. Got {values_N.shape}.")
