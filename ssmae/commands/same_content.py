"""Files with the same bytes: an image is what is in it, whatever it is called and wherever it lies.

Dimensions: N images of the labelled folder, U images without a label.
"""

from __future__ import annotations

import filecmp
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ssmae.errors import InvalidData


def refuse_two_classes(paths: Sequence[Path], number_N: NDArray[np.float64], labels_N: NDArray[np.int64]) -> None:
    """Refuse an image that lies under two classes: one of its labels is wrong.

    Args:
        paths: of the images.
        number_N: of `content_numbers`.
        labels_N: their classes.

    Raises:
        InvalidData: names both files.
    """
    first: dict[float, int] = {}
    for index, number in enumerate(number_N.tolist()):
        other = first.setdefault(number, index)
        # The numbers are short: the bytes decide.
        if labels_N[other] != labels_N[index] and filecmp.cmp(paths[other], paths[index], shallow=False):
            raise InvalidData(
                f"An image must lie under one class. {str(paths[other])!r} and {str(paths[index])!r} have the same "
                "content: remove one of them, or both."
            )


def not_among(number_U: NDArray[np.float64], number_N: NDArray[np.float64]) -> NDArray[np.int64]:
    """Indices of the U images, shape (K,), whose content is none of the N.

    An image that is in both folders counts as one of the labelled folder: else one that is held out, or judges the
    gate, would also come in by the other door.
    """
    return np.flatnonzero(~np.isin(number_U, number_N))
