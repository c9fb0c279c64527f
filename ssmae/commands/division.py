"""How a command divides a folder of images: which teach, which judge the gate, and which are held out.

The commands share this, so that the same seed holds the same images out.

Dimensions: N images, M images that are not held out, V that judge the gate, T held-out images.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ssmae.errors import InvalidData

SEED, TEST_SHARE = 0, 0.25
"""Unless told otherwise."""


@dataclass(frozen=True)
class Split:
    """Which images of a folder were held out: kept in the checkpoint, so that none that taught it judges it later.

    Attributes:
        seed: of the draw.
        test_share: what `hold_out` was given.
        files: `digest` of the folder.
    """

    seed: int
    test_share: float
    files: str


def digest(names: Sequence[str]) -> str:
    """Stands for a folder: the names of its images, in the order of `read_folder`."""
    return hashlib.sha256("\n".join(names).encode()).hexdigest()


def split_for(remarks: dict[str, Any], names: Sequence[str], seed: int | None, test_share: float | None) -> Split:
    """How to divide a folder to judge a checkpoint: as it was divided to train it, if it is that folder.

    Args:
        remarks: of the checkpoint.
        names: of the images in the folder that it is to be judged on.
        seed: asked for; None for that of the training, or `SEED`.
        test_share: asked for; None for that of the training, or `TEST_SHARE`.

    Raises:
        InvalidData: that would hold out other images of the folder than the training did.
    """
    files = digest(names)
    trained = Split(**remarks) if remarks.get("files") == files else None
    usual = trained or Split(SEED, TEST_SHARE, files)
    asked = Split(usual.seed if seed is None else seed, usual.test_share if test_share is None else test_share, files)
    if trained is not None and asked != trained:
        raise InvalidData(
            f"The folder must be divided as for training, with seed {trained.seed} and a test share of "
            f"{trained.test_share:g}: else images that taught the model judge it. Got {asked.seed} and "
            f"{asked.test_share:g}."
        )
    return asked


def hold_out(
    images: int, test_share: float, generator: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(stream_M, test_T): indices of images that may teach, and of a uniform test split, both in random order."""
    order, test = generator.permutation(images), round(test_share * images)
    return order[test:], order[:test]


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
    labels_N: NDArray[np.int64],
    class_names: tuple[str, ...],
    *,
    labels_per_class: int,
    validation: int,
    test_share: float,
    seed: int,
) -> Division:
    """Hide most labels: a uniform test split, labels for a few per class, a uniform validation sample of the rest.

    Raises:
        InvalidData: too few images for that.
    """
    generator = np.random.default_rng(seed)
    stream_M, test_T = hold_out(len(labels_N), test_share, generator)
    labels_M = keep_few_labels(labels_N[stream_M], class_names, labels_per_class)
    rest = np.flatnonzero(labels_M < 0)
    if not len(test_T):
        raise InvalidData(f"A share of {test_share:g} must hold out at least one image. Got {len(labels_N)} in all.")
    if len(rest) < validation:
        raise InvalidData(f"{validation} images must be left to judge the gate. Got {len(rest)} without a label.")
    return Division(stream_M, labels_M, generator.choice(rest, validation, replace=False).astype(np.int64), test_T)
