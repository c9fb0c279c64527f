"""How a command divides a folder of images: which teach, which judge the gate, and which are held out.

An image is held out by what is in it, not by its place in a folder: a number from its bytes is below the test share.
So it is held out in every round, whatever came to the folder since, and under any name; and a smaller share holds out
a part of what a larger one does. A checkpoint keeps its share, so that no image that taught it judges it later.

Images without a label (`train --unlabelled`) all teach, also those with a number below the share: the checkpoint keeps
their numbers, so that they are not held out either when somebody has labelled them. And a label that a round knew, to
teach or to judge, stays known in the rounds that begin from it: who has learnt from an answer cannot be judged by it.

Dimensions: N images, M images that are not held out, V that judge the gate, T held-out images.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ssmae.commands.options import ALL_LABELS
from ssmae.commands.sample_size import sample_size
from ssmae.config import GateConfig
from ssmae.errors import InvalidData


def hold_out(
    number_N: NDArray[np.float64],
    test_share: float,
    generator: np.random.Generator,
    taught: frozenset[float] = frozenset(),
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(stream_M, test_T): indices of images that may teach, and of those held out, both in random order.

    Args:
        number_N: of `content_numbers`.
        test_share: images whose number is below this are held out,
        generator: of both orders.
        taught: unless their number is one of these.

    Raises:
        InvalidData: that holds out none.
    """
    order = generator.permutation(len(number_N))
    is_held_out = (number_N[order] < test_share) & ~np.isin(number_N[order], list(taught))
    if not is_held_out.any():
        joined = int((number_N < test_share).sum())
        why = f": {joined} below it taught an earlier round without a label" if joined else ""
        raise InvalidData(f"A share of {test_share:g} holds out none of {len(number_N)} images{why}.")
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
        in_frame_M: whether the sample was drawn from this image, too: its sampling frame.
        validation_V: of the stream, those that judge the gate.
        test_T: of the folder's images, those held out.
    """

    stream_M: NDArray[np.int64]
    labels_M: NDArray[np.int64]
    in_frame_M: NDArray[np.bool_]
    validation_V: NDArray[np.int64]
    test_T: NDArray[np.int64]

    @property
    def is_answered_M(self) -> NDArray[np.bool_]:
        """Whose label teaches or judges, shape (M,)."""
        is_answered_M = self.labels_M >= 0
        is_answered_M[self.validation_V] = True
        return is_answered_M


def divide(
    number_N: NDArray[np.float64],
    labels_N: NDArray[np.int64],
    class_names: tuple[str, ...],
    *,
    labels_per_class: int,
    validation: int | None,
    test_share: float,
    seed: int,
    gate: GateConfig,
    taught: frozenset[float] = frozenset(),
    answered: frozenset[float] = frozenset(),
) -> Division:
    """Hide most labels: a test split, labels for a few per class, a uniform validation sample of the rest.

    Where every label teaches, the sample is drawn first, from all that are not held out; unless a size is asked for, it
    is empty then: of what it speaks of, nothing but itself would be left for pseudo-labels.

    Args:
        number_N: of `content_numbers`.
        labels_N: the class of each image.
        class_names: of the classes.
        labels_per_class: that teach, or `ALL_LABELS`.
        validation: images that judge the gate; None for what `sample_size` says.
        test_share: images whose number is below this are held out.
        seed: of the labels, the validation sample and all orders.
        gate: of the round.
        taught: of `Past`: what is not held out.
        answered: of `Past`: what keeps its label, besides.

    Raises:
        InvalidData: too few images for that.
    """
    generator = np.random.default_rng(seed)
    stream_M, test_T = hold_out(number_N, test_share, generator, taught)
    classes_M, keeps_all = labels_N[stream_M], labels_per_class == ALL_LABELS
    few_M = keep_few_labels(classes_M, class_names, 0 if keeps_all else labels_per_class)
    few_M = np.where(np.isin(number_N[stream_M], list(answered)), classes_M, few_M)
    frame_F = np.flatnonzero(few_M < 0)
    size = sample_size(0 if keeps_all and validation is None else validation, len(frame_F), gate)
    validation_V = generator.choice(frame_F, size, replace=False).astype(np.int64)
    labels_M = _without(classes_M, validation_V, class_names) if keeps_all else few_M
    return Division(stream_M, labels_M, few_M < 0, validation_V, test_T)


def _without(
    classes_M: NDArray[np.int64], validation_V: NDArray[np.int64], class_names: tuple[str, ...]
) -> NDArray[np.int64]:
    """All labels but those of the sample."""
    labels_M = classes_M.copy()
    labels_M[validation_V] = -1
    if missing := [name for index, name in enumerate(class_names) if index not in labels_M]:
        raise InvalidData(f"Every class must have an image outside the test split and the sample. {missing} have none.")
    return labels_M
