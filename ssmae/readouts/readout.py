"""What a readout gives, and what every readout refuses.

Dimensions: N images of the training part, H held-out images, D width of the embedding, C classes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ssmae.errors import InvalidData
from ssmae.metrics import accuracy_interval


@dataclass(frozen=True)
class Readout:
    """Answers for the held-out images.

    Attributes:
        predicted_H: int64, the class of each.
        correct: how many are right.
    """

    predicted_H: NDArray[np.int64]
    correct: int

    @property
    def accuracy(self) -> float:
        """Share of right answers."""
        return self.correct / len(self.predicted_H)

    @property
    def interval(self) -> tuple[float, float]:
        """Exact 95 % interval of the accuracy; it covers the choice of held-out images, not that of the labels.

        Source: Clopper and Pearson, Biometrika 26 (1934).
        """
        return accuracy_interval(self.correct, len(self.predicted_H))

    @classmethod
    def of(cls, predicted_H: NDArray[np.integer], held_out_labels_H: NDArray[np.integer]) -> Readout:
        """Count the right ones.

        Raises:
            InvalidData: no image, or lengths differ.
        """
        check_labels("held_out_labels_H", held_out_labels_H, len(predicted_H))
        return cls(predicted_H.astype(np.int64), int((predicted_H == held_out_labels_H).sum()))


def check_embeddings(embeddings_ND: NDArray[np.floating], held_out_HD: NDArray[np.floating]) -> None:
    """Refuse parts that are empty, of different widths or not finite."""
    shapes = embeddings_ND.shape, held_out_HD.shape
    if embeddings_ND.ndim != 2 or held_out_HD.ndim != 2 or embeddings_ND.shape[1] != held_out_HD.shape[1]:
        raise InvalidData(f"Both parts must have two dimensions and embeddings of one width. Got shapes {shapes}.")
    if not len(embeddings_ND) or not len(held_out_HD):
        raise InvalidData(f"Both parts must have at least one image. Got shapes {shapes}.")
    if not (np.isfinite(embeddings_ND).all() and np.isfinite(held_out_HD).all()):
        raise InvalidData("Embeddings must be finite.")


def check_labels(name: str, labels_N: NDArray[np.integer], images: int) -> None:
    """Refuse what is not one class index for each of at least one image."""
    if labels_N.shape != (images,) or not images or not np.issubdtype(labels_N.dtype, np.integer):
        got = f"{labels_N.dtype} of shape {labels_N.shape}"
        raise InvalidData(f"{name} must be whole numbers, one for each of at least one image: {images}. Got {got}.")


def check_classes(labels_N: NDArray[np.integer], images: int) -> NDArray[np.int64]:
    """How many labels each class has that has any; shape (C,)."""
    check_labels("labels_N", labels_N, images)
    counts: NDArray[np.int64] = np.unique(labels_N, return_counts=True)[1]
    if len(counts) < 2:
        raise InvalidData(f"A readout needs labels of at least two classes. Got {len(counts)}.")
    return counts
