"""Probabilities and embeddings for many images, without gradients. Must never import trainer.

Dimensions: N images, B images of a batch, C classes, D width of the embedding, W views.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from ssmae.augment import strong_view, to_float
from ssmae.config import AugmentConfig, Precision, RoundConfig
from ssmae.data import DeviceImages, ImageStore
from ssmae.device import choose_device, device_of, mixed_precision
from ssmae.errors import Stopped
from ssmae.model import SSMAE

USUAL_WIDTH = 192
TOKENS_AT_ONCE = {"cpu": 8192, "cuda": 262_144}
"""Patches of one batch of inference, for a network of the usual width: bounds memory (on a GPU at about 1 GiB), and
keeps a batch under about a second on one CPU core."""


@dataclass(frozen=True)
class Predictions:
    """What the model says about each image of a store, in its order.

    Attributes:
        probabilities_NC: float32, rows sum to one.
        embeddings_ND: float32, what the head reads.
    """

    probabilities_NC: NDArray[np.float32]
    embeddings_ND: NDArray[np.float32]


def never() -> bool:
    """The `should_stop` of a caller who does not want to stop."""
    return False


def predict(
    model: SSMAE,
    images: ImageStore,
    batch: int | None = None,
    should_stop: Callable[[], bool] = never,
    precision: Precision = Precision.AUTO,
    device: torch.device | None = None,
) -> Predictions:
    """Classify and embed every image, unaugmented.

    Args:
        model: on any device.
        images: of the model's image size.
        batch: images at a time; None chooses by the size of the images.
        should_stop: asked before every batch.
        precision: as the model was trained.
        device: where to do it; the model is brought there and back. None: where the model is.

    Raises:
        InvalidData: the images have another size than the model takes.
        Stopped: `should_stop` said so.

    Source: own; the head reads the embeddings, so that one pass gives both.
    """
    images.check_size(model.config.image_size)
    device = device or device_of(model)
    on_device = images.on(device)
    probabilities_NC = _on_host(device, len(images), len(model.class_names))
    embeddings_ND = _on_host(device, len(images), model.encoder.embed_dim)
    with placed(model, device), evaluating(model):
        for indices_B in batches(len(images), batch or batch_for(model), should_stop):
            views_BCHW = to_float(on_device.take(indices_B))
            with mixed_precision(device, precision):
                embeddings_BD = model.embed(views_BCHW)
            _keep(_probabilities(model, embeddings_BD), probabilities_NC, indices_B)
            _keep(embeddings_BD.float(), embeddings_ND, indices_B)
    return Predictions(*_arrived(device, probabilities_NC, embeddings_ND))


def predict_as_trained(
    model: SSMAE, images: ImageStore, config: RoundConfig, should_stop: Callable[[], bool] = never
) -> Predictions:
    """`predict` on the device and in the precision of a round, whose result waits on the CPU.

    Source: own; a result is judged as it was trained.
    """
    device = choose_device(config.device)
    return predict(model, images, should_stop=should_stop, precision=config.precision, device=device)


def predict_views(
    model: SSMAE,
    images: DeviceImages,
    augment: AugmentConfig,
    views: int,
    generator: torch.Generator,
    should_stop: Callable[[], bool] = never,
    batch: int | None = None,
    precision: Precision = Precision.AUTO,
) -> NDArray[np.float32]:
    """Probabilities of one weak and several strong views of every image, as the gate's score needs them.

    The weak view is the image itself: the centre of what `weak_view` draws, without its randomness.

    Returns:
        probabilities_WNC, the weak view first, W = 1 + views.

    Raises:
        Stopped: `should_stop` said so.

    Source: SSMAE, 2601.20072 (a weak and a strong view); several strong ones are own, and a weak one without chance.
    """
    probabilities_WNC = _on_host(images.device, 1 + views, len(images), len(model.class_names))
    with evaluating(model):
        for indices_B in batches(len(images), batch or batch_for(model), should_stop):
            raw_BCHW = images.take(indices_B)
            for view in range(1 + views):
                if should_stop():
                    raise Stopped(f"Stopped while scoring views, after {int(indices_B[0])} of {len(images)} images.")
                view_BCHW = to_float(raw_BCHW) if view == 0 else strong_view(raw_BCHW, augment, generator)
                with mixed_precision(images.device, precision):
                    embeddings_BD = model.embed(view_BCHW)
                _keep(_probabilities(model, embeddings_BD), probabilities_WNC[view], indices_B)
    (probabilities,) = _arrived(images.device, probabilities_WNC)
    return probabilities


def batch_for(model: SSMAE) -> int:
    """How many images to predict at once: fewer of a wider network, whose tokens take more memory."""
    wider = max(1.0, model.encoder.embed_dim / USUAL_WIDTH)
    return max(1, int(TOKENS_AT_ONCE[device_of(model).type] / wider) // model.side**2)


@contextmanager
def placed(model: SSMAE, device: torch.device) -> Iterator[None]:
    """A block in which the model is on a device; afterwards it is where it was."""
    before = device_of(model)
    model.to(device)
    try:
        yield
    finally:
        model.to(before)


class evaluating:  # noqa: N801 - reads as a statement: `with evaluating(model):`
    """Evaluation mode without gradients; gives the model its mode back."""

    def __init__(self, model: SSMAE) -> None:
        self._model, self._was_training, self._inference = model, model.training, torch.inference_mode()

    def __enter__(self) -> None:
        self._model.eval()
        self._inference.__enter__()

    def __exit__(self, *exception: object) -> None:
        self._inference.__exit__(*exception)
        self._model.train(self._was_training)


def batches(
    count: int, batch: int, should_stop: Callable[[], bool] = never, doing: str = "predicting"
) -> Iterator[torch.Tensor]:
    """Indices of `count` images in their order, a batch of shape (B,) at a time; the last may be smaller.

    Raises:
        Stopped: `should_stop`, asked before every batch, said so.
    """
    for start in range(0, count, batch):
        if should_stop():
            raise Stopped(f"Stopped while {doing}, after {start} of {count} images.")
        yield torch.arange(start, min(start + batch, count))


def _probabilities(model: SSMAE, embeddings_BD: torch.Tensor) -> torch.Tensor:
    """In full precision whatever the encoder ran in: eight bits of a logit are too few to tell close classes apart."""
    return model.head(embeddings_BD.float()).softmax(dim=1)


def _on_host(device: torch.device, *shape: int) -> torch.Tensor:
    """Room for results, in memory that a GPU can write to while the host goes on."""
    return torch.empty(shape, pin_memory=device.type == "cuda")


def _keep(results_BX: torch.Tensor, host_NX: torch.Tensor, indices_B: torch.Tensor) -> None:
    """Send a batch's results to the host without waiting for them."""
    host_NX[int(indices_B[0]) : int(indices_B[-1]) + 1].copy_(results_BX, non_blocking=True)


def _arrived(device: torch.device, *hosts_NX: torch.Tensor) -> list[NDArray[np.float32]]:
    """Wait, once, for everything that was sent; copied, so that results do not hold page-locked memory."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return [host_NX.numpy().copy() if host_NX.is_pinned() else host_NX.numpy() for host_NX in hosts_NX]
