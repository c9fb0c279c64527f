"""A test split: a type of its own, which nothing that trains or chooses can take.

Dimensions: T test images, C channels (3), H and W side in pixels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ssmae.config import RoundConfig
from ssmae.data import ImageStore
from ssmae.inference import never, predict_as_trained
from ssmae.model import SSMAE


@dataclass(frozen=True)
class HeldOut:
    """Images that are only counted. Source: own; what no training can take, no training can be chosen by.

    Attributes:
        images_TCHW: uint8, shape (T, 3, S, S).
        classes_T: int64, their true classes.
    """

    images_TCHW: NDArray[np.uint8]
    classes_T: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.classes_T)

    def predicted(self, model: SSMAE, config: RoundConfig, should_stop: Callable[[], bool] = never) -> NDArray[np.intp]:
        """What a round's result takes each image for, shape (T,).

        Args:
            model: of the images' size.
            config: of the round: device and precision.
            should_stop: asked before every batch.

        Raises:
            Stopped: `should_stop` said so.
        """
        predictions = predict_as_trained(model, ImageStore(self.images_TCHW), config, should_stop)
        said_T: NDArray[np.intp] = predictions.probabilities_NC.argmax(axis=1)
        return said_T

    def correct(self, model: SSMAE, config: RoundConfig) -> int:
        """How many of the images a round's result classifies right.

        Args:
            model: of the images' size.
            config: of the round: device and precision.
        """
        return int((self.predicted(model, config) == self.classes_T).sum())

    def accuracy(self, model: SSMAE, config: RoundConfig) -> float:
        """The same as a share."""
        return self.correct(model, config) / len(self)

    def every(self, step: int) -> HeldOut:
        """Each `step`-th image, from the first."""
        return HeldOut(self.images_TCHW[::step], self.classes_T[::step])
