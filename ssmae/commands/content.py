"""What is in a file: an image is its bytes, whatever it is called and wherever it lies.

Dimensions: N images.
"""

from __future__ import annotations

import filecmp
import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ssmae.errors import InvalidData


def content_numbers(paths: Sequence[Path]) -> NDArray[np.float64]:
    """A number in [0, 1) of each image, uniform and for ever the same, from the SHA-256 of its bytes; shape (N,)."""
    digests = [hashlib.sha256(path.read_bytes()).digest() for path in paths]
    return np.array([int.from_bytes(digest[:6], "big") / 2**48 for digest in digests])


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
