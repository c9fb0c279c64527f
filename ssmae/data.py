"""What a round is given: images, and the labels that it may learn from.

There is deliberately no field for a test split: what `RoundData` cannot hold, no training step can see. Everything that
it takes to build one can be imported from here. Must never import trainer, model or anything of the server.

Dimensions: N images, V validation images, L labelled, U unlabelled, F of the sampling frame,
T taken out of the frame.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ssmae.decoding import decode_image
from ssmae.errors import InvalidData
from ssmae.images import DeviceImages, ImageStore
from ssmae.loading import load_images

__all__ = ["DeviceImages", "ImageStore", "RoundData", "decode_image", "load_images"]


@dataclass(frozen=True)
class RoundData:
    """What one round may see.

    Attributes:
        images: the whole stream; every image is reconstructed, whether or not it has a label.
        labels_N: int64, the class index of each image that may teach, -1 elsewhere. Validation labels are not in it.
        validation_index_V: int64, images whose labels only judge the gate.
        validation_labels_V: int64, the human answers for them; -1 where a person was asked and gave none, which counts
            as an error of the model: people skip what is hard, and leaving it out would flatter the model.
        class_names: the classes, in the order of their indices.
        in_frame_N: bool, images that the validation sample was drawn from (the sampling frame): the gate's bound speaks
            of these alone, so no other may be accepted. None: every image without a training label.
    """

    images: ImageStore
    labels_N: NDArray[np.int64]
    validation_index_V: NDArray[np.int64]
    validation_labels_V: NDArray[np.int64]
    class_names: tuple[str, ...]
    in_frame_N: NDArray[np.bool_] | None = None

    def __post_init__(self) -> None:
        """Refuse arrays that do not fit together.

        Raises:
            InvalidData: wrong length or type, a class index without a class, or a validation image that is listed
                twice, lies outside the frame, or has a label that also teaches.
        """
        count, classes = len(self.images), len(self.class_names)
        for name in ("labels_N", "validation_index_V", "validation_labels_V"):
            array = getattr(self, name)
            if array.dtype != np.int64 or array.ndim != 1:
                raise InvalidData(f"{name} must be a flat int64 array. Got {array.dtype} of shape {array.shape}.")
        if not count:
            raise InvalidData("A round needs at least one image. Got none.")
        if len(self.labels_N) != count:
            raise InvalidData(f"labels_N must have one entry per image: {count}. Got {len(self.labels_N)}.")
        if len(self.validation_index_V) != len(self.validation_labels_V):
            raise InvalidData(
                "validation_index_V and validation_labels_V must have the same length. "
                f"Got {len(self.validation_index_V)} and {len(self.validation_labels_V)}."
            )
        if not classes or len(set(self.class_names)) != classes:
            raise InvalidData(f"class_names must be distinct and not empty. Got {list(self.class_names)}.")
        _check_range("labels_N", self.labels_N, -1, classes - 1)
        _check_range("validation_labels_V", self.validation_labels_V, -1, classes - 1)
        _check_range("validation_index_V", self.validation_index_V, 0, count - 1)
        if len(np.unique(self.validation_index_V)) != len(self.validation_index_V):
            raise InvalidData("validation_index_V must not name an image twice.")
        if self.in_frame_N is not None and (self.in_frame_N.dtype != np.bool_ or self.in_frame_N.shape != (count,)):
            got = f"{self.in_frame_N.dtype} of shape {self.in_frame_N.shape}"
            raise InvalidData(f"in_frame_N must be booleans, one per image: {count}. Got {got}.")
        if self.in_frame_N is not None and not self.in_frame_N[self.validation_index_V].all():
            outside = self.validation_index_V[~self.in_frame_N[self.validation_index_V]]
            raise InvalidData(f"Validation images must be of the sampling frame. Got others: {outside[:5].tolist()}.")
        if (self.labels_N[self.validation_index_V] >= 0).any():
            both = self.validation_index_V[self.labels_N[self.validation_index_V] >= 0]
            raise InvalidData(f"A validation label must not also teach. Got both for images {both[:5].tolist()}.")

    @property
    def labelled_index_L(self) -> NDArray[np.int64]:
        """Images with a training label; shape (L,)."""
        return np.flatnonzero(self.labels_N >= 0)

    @property
    def frame_index_F(self) -> NDArray[np.int64]:
        """Unlabelled images of the sampling frame: what the validation sample is a sample of."""
        is_unlabelled_N = self.labels_N < 0
        return np.flatnonzero(is_unlabelled_N if self.in_frame_N is None else is_unlabelled_N & self.in_frame_N)

    @property
    def taken_index_T(self) -> NDArray[np.int64]:
        """Images of the sampling frame that got a training label after the sample was drawn."""
        return np.flatnonzero((self.labels_N >= 0) & (self.in_frame_N if self.in_frame_N is not None else False))


def _check_range(name: str, values: NDArray[np.int64], low: int, high: int) -> None:
    if len(values) and (values.min() < low or values.max() > high):
        raise InvalidData(f"{name} must lie in {low}..{high}. Got {int(values.min())}..{int(values.max())}.")
