"""What is measured: the learner's two steps and its inference, and the plain loop.

Dimensions: N images.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch

from ssmae.bench.plain import PlainLoop
from ssmae.bench.timing import Workload
from ssmae.config import LossConfig, Precision, RoundConfig, ScheduleConfig, Size, size_config
from ssmae.data import ImageStore, RoundData
from ssmae.errors import InvalidConfig
from ssmae.inference import predict
from ssmae.learner import Learner, Losses
from ssmae.model import SSMAE, build

CLASS_NAMES = tuple("0123456789")
BYTES_OF_IMAGES = 50_000 * 3 * 32 * 32
"""As many as CIFAR's training split, whatever their size: too many for a processor's cache, few enough for a GPU."""
LEARNING_RATE = 1e-5
"""Noise teaches nothing: small, so that many thousand steps stay finite."""
WEIGHTS = dict.fromkeys(("reconstruction", "supervised", "pseudo_label", "consistency"), 1.0)
PREDICTED = {"cpu": 1, "cuda": 8}
"""Images of one call of `predict`, for each image of a training step; the batch is then its own choice."""

_BATCHES = {
    "cpu": {Size.QUICK28: 64, Size.TINY32: 64, Size.SMALL32: 32, Size.BASE224: 4},
    "cuda": {Size.QUICK28: 4096, Size.TINY32: 2048, Size.SMALL32: 2048, Size.BASE224: 256},
}


@dataclass(frozen=True)
class Choice:
    """What one measurement is of.

    Attributes:
        size: the network.
        device: that it runs on.
        batch: images a step from the stream; 0 chooses by size and device.
        labelled_batch: labelled images of a joint step; 0 takes a seventh (FixMatch, 2001.07685: mu = 7).
        precision: of matrix products.
        compile: whether networks go through `torch.compile`, the plain loop's too.
    """

    size: Size
    device: torch.device
    batch: int = 0
    labelled_batch: int = 0
    precision: Precision = Precision.AUTO
    compile: bool = False

    @property
    def config(self) -> RoundConfig:
        """The settings of such a round: MAE's mask ratio, AdamW's usual weight decay, our views.

        Raises:
            InvalidConfig: a batch that is out of range.
        """
        batch = self.batch or _BATCHES[self.device.type][self.size]
        return RoundConfig(
            model=size_config(self.size),
            loss=LossConfig(mask_ratio=0.75),
            schedule=ScheduleConfig(
                reconstruct_batch=batch,
                unlabelled_batch=batch,
                labelled_batch=self.labelled_batch or max(1, batch // 7),
            ),
            precision=self.precision,
            compile=self.compile,
        )


class Bench:
    """Makes the workloads of one choice, all on the same images of noise and from the same initial weights."""

    def __init__(self, choice: Choice) -> None:
        self._choice, self._config, self._device = choice, choice.config, choice.device
        side = self._config.model.image_size
        count = BYTES_OF_IMAGES // (3 * side**2)
        pixels_NCHW = np.random.default_rng(0).integers(256, size=(count, 3, side, side), dtype=np.uint8)
        self._images = ImageStore(pixels_NCHW)

    def model(self) -> SSMAE:
        """A fresh network."""
        return build(self._config.model, CLASS_NAMES, seed=0).to(self._device)

    def pretraining(self) -> Workload:
        """Reconstruction, as in the first phase of a round."""
        learner, images = self._learner(), self._config.schedule.reconstruct_batch
        return self._training("pre-training step", learner, learner.reconstruct, images)

    def plain(self) -> Workload:
        """The same by the plain loop."""
        schedule = self._config.schedule
        loop = PlainLoop(
            self.model(),
            torch.from_numpy(self._images.images_NCHW).to(self._device),
            mask_ratio=self._config.loss.mask_ratio,
            batch=schedule.reconstruct_batch,
            learning_rate=LEARNING_RATE,
            precision=self._config.precision,
            compiled=self._config.compile,
        )
        return Workload("plain loop", schedule.reconstruct_batch, loop.step)

    def joint(self) -> Workload:
        """Labels, reconstruction, pseudo-labels and consistency, as in the last phase of a round."""
        learner = self._learner()
        images = self._config.schedule.unlabelled_batch + self._config.schedule.labelled_batch
        return self._training("joint step", learner, lambda: learner.joint(WEIGHTS), images)

    def inference(self) -> Workload:
        """`predict` with the batch that it chooses by itself, bytes in, arrays out."""
        model = self.model()
        count = min(len(self._images), self._config.schedule.unlabelled_batch * PREDICTED[self._device.type])
        images = ImageStore(self._images.images_NCHW[:count])

        def step() -> torch.Tensor:
            predictions = predict(model, images, precision=self._config.precision)
            return torch.from_numpy(predictions.probabilities_NC).sum()

        return Workload("inference", count, step)

    def _learner(self) -> Learner:
        count, classes = len(self._images), len(CLASS_NAMES)
        labels_N = np.full(count, -1, np.int64)
        labels_N[: count // 10] = np.arange(count // 10) % classes
        nothing = np.empty(0, np.int64)
        data = RoundData(self._images, labels_N, nothing, nothing, CLASS_NAMES)
        return Learner(data, self._config, self.model(), self._device, seed=0)

    def _training(self, name: str, learner: Learner, draw: Callable[[], Losses], images: int) -> Workload:
        def step() -> torch.Tensor:
            return learner.update(draw(), WEIGHTS, LEARNING_RATE)["total"]

        return Workload(name, images, step)


@contextmanager
def refusing_too_large(batch: int, device: torch.device) -> Iterator[None]:
    """Turn a lack of memory into a refusal that says what to change.

    Raises:
        InvalidConfig: the device or the host had not as much memory as was asked for.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        # What torch raises on a CPU has no class of its own.
        if not isinstance(error, MemoryError | torch.OutOfMemoryError) and "can't allocate memory" not in str(error):
            raise
        raise InvalidConfig("--batch", f"smaller: the memory of the {device.type} is not enough", batch) from error
