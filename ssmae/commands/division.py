"""How a command divides a folder of images: which teach, which judge the gate, and which are held out.

An image is held out by what is in it, not by its place in a folder: a number from its bytes is below the test share.
So it is held out in every round, whatever came to the folder since, and under any name; and a smaller share holds out
a part of what a larger one does. A checkpoint keeps its share, so that no image that taught it judges it later.

Dimensions: N images, M images that are not held out, V that judge the gate, T held-out images.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ssmae.errors import InvalidData

SEED, TEST_SHARE = 0, 0.25
"""Unless told otherwise."""

_SHARE, _KNOWN = "held_out_below", "start_known"

UNKNOWN_PAST = "Note: it is not known which images taught these weights before; some of them may be held out here."


@dataclass(frozen=True)
class Past:
    """What a checkpoint says of the images that taught it, and the rounds that it began with.

    Attributes:
        test_share: none whose content has a number below this; None if it says nothing.
        is_known: whether that holds for what it began with, too.
    """

    test_share: float | None
    is_known: bool

    @classmethod
    def of(cls, remarks: dict[str, Any]) -> Past:
        """As `remarks` wrote it."""
        return cls(remarks.get(_SHARE), bool(remarks.get(_KNOWN, False)))

    def remarks(self) -> dict[str, Any]:
        """For a checkpoint."""
        return {_SHARE: self.test_share, _KNOWN: self.is_known}

    def share(self, asked: float | None) -> float:
        """The test share to divide a folder by.

        Args:
            asked: None for that of the past, or `TEST_SHARE`.

        Raises:
            InvalidData: that would hold out images that taught.
        """
        usual = TEST_SHARE if self.test_share is None else self.test_share
        share = usual if asked is None else asked
        if self.test_share is not None and share > self.test_share:
            raise InvalidData(
                f"The test share must be at most {self.test_share:g}, that of the checkpoint's training: else images "
                f"that taught it judge it. Got {share:g}."
            )
        return share


NO_PAST = Past(None, is_known=True)
"""Of a round that starts from scratch."""


def content_numbers(paths: Sequence[Path]) -> NDArray[np.float64]:
    """A number in [0, 1) of each image, uniform and for ever the same, from the SHA-256 of its bytes; shape (N,)."""
    digests = [hashlib.sha256(path.read_bytes()).digest() for path in paths]
    return np.array([int.from_bytes(digest[:6], "big") / 2**48 for digest in digests])


def hold_out(
    number_N: NDArray[np.float64], test_share: float, generator: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(stream_M, test_T): indices of images that may teach, and of those held out, both in random order."""
    order = generator.permutation(len(number_N))
    is_held_out = number_N[order] < test_share
    return order[~is_held_out], order[is_held_out]


def keep_few_labels(
    classes_M: NDArray[np.int64], class_names: tuple[str, ...], labels_per_class: int
) -> NDArray[np.int64]:
    """The first labels of each class, -1 for the other images; shape (M,).

    Raises:
        InvalidData: a class has fewer images than that.
    """
    labels_M = np.full(len(classes_M), -1, dtype=np.int64)
    for index, name in enumerate(class_names):
        chosen = np.flatnonzero(classes_M == index)[:labels_per_class]
        if len(chosen) < labels_per_class:
            raise InvalidData(
                f"Class {name!r} must have {labels_per_class} images outside the test split. Got {len(chosen)}."
            )
        labels_M[chosen] = index
    return labels_M


@dataclass(frozen=True)
class Division:
    """Which images of a labelled folder do what.

    Attributes:
        stream_M: of the folder's images, those that the encoder sees.
        labels_M: the classes that teach, -1 where the class is hidden.
        validation_V: of the stream, those that judge the gate.
        test_T: of the folder's images, those held out.
    """

    stream_M: NDArray[np.int64]
    labels_M: NDArray[np.int64]
    validation_V: NDArray[np.int64]
    test_T: NDArray[np.int64]


def divide(
    number_N: NDArray[np.float64],
    labels_N: NDArray[np.int64],
    class_names: tuple[str, ...],
    *,
    labels_per_class: int,
    validation: int,
    test_share: float,
    seed: int,
) -> Division:
    """Hide most labels: a test split, labels for a few per class, a uniform validation sample of the rest.

    Args:
        number_N: of `content_numbers`.
        labels_N: the class of each image.
        class_names: of the classes.
        labels_per_class: that teach.
        validation: images that judge the gate.
        test_share: images whose number is below this are held out.
        seed: of the labels, the validation sample and all orders.

    Raises:
        InvalidData: too few images for that.
    """
    generator = np.random.default_rng(seed)
    stream_M, test_T = hold_out(number_N, test_share, generator)
    labels_M = keep_few_labels(labels_N[stream_M], class_names, labels_per_class)
    rest = np.flatnonzero(labels_M < 0)
    if not len(test_T):
        raise InvalidData(f"A share of {test_share:g} must hold out at least one image. Got {len(labels_N)} in all.")
    if len(rest) < validation:
        raise InvalidData(f"{validation} images must be left to judge the gate. Got {len(rest)} without a label.")
    return Division(stream_M, labels_M, generator.choice(rest, validation, replace=False).astype(np.int64), test_T)
