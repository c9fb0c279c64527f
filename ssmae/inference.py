"""Probabilities and embeddings for many images, without gradients. Must never import trainer.

Dimensions: N images, B images of a batch, C classes, D width of the embedding, W views.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from ssmae.augment import strong_view, to_float
from ssmae.config import AugmentConfig, Precision
from ssmae.data import DeviceImages, ImageStore
from ssmae.errors import InvalidData, Stopped
from ssmae.model import SSMAE

TOKENS_AT_ONCE = {"cpu": 8192, "cuda": 262_144}
"""Patches of one batch of inference: bounds memory, and keeps a batch under about a second on one CPU core."""


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
    model: SSMAE, images: ImageStore, batch: int | None = None, should_stop: Callable[[], bool] = never
) -> Predictions:
    """Classify and embed every image, unaugmented.

    Args:
        model: on any device.
        images: of the model's image size.
        batch: images at a time; None chooses by the size of the images.
        should_stop: asked before every batch.

    Raises:
        InvalidData: the images have another size than the model takes.
        Stopped: `should_stop` said so.
    """
    _check_size(model, images)
    device = device_of(model)
    on_device = images.on(device)
    probabilities, embeddings = [], []
    with evaluating(model):
        for indices_B in _batches(len(images), batch or batch_for(model), should_stop):
            views_BCHW = to_float(on_device.take(indices_B))
            with mixed_precision(device):
                embeddings_BD = model.embed(views_BCHW)
                logits_BC = model.head(embeddings_BD)
            probabilities.append(logits_BC.float().softmax(dim=1).cpu())
            embeddings.append(embeddings_BD.float().cpu())
    if not probabilities:
        width = model.encoder.embed_dim
        return Predictions(np.zeros((0, len(model.class_names)), np.float32), np.zeros((0, width), np.float32))
    return Predictions(torch.cat(probabilities).numpy(), torch.cat(embeddings).numpy())


def predict_views(
    model: SSMAE,
    images: DeviceImages,
    augment: AugmentConfig,
    views: int,
    generator: torch.Generator,
    should_stop: Callable[[], bool] = never,
    batch: int | None = None,
) -> NDArray[np.float32]:
    """Probabilities of one weak and several strong views of every image, as the gate's score needs them.

    The weak view is the image itself: the centre of what `weak_view` draws, without its randomness.

    Returns:
        probabilities_WNC, the weak view first, W = 1 + views.

    Raises:
        Stopped: `should_stop` said so.
    """
    collected: list[list[torch.Tensor]] = [[] for _ in range(1 + views)]
    with evaluating(model):
        for indices_B in _batches(len(images), batch or batch_for(model), should_stop):
            raw_BCHW = images.take(indices_B)
            for view in range(1 + views):
                if should_stop():
                    raise Stopped(f"Stopped while scoring views, after {int(indices_B[0])} of {len(images)} images.")
                view_BCHW = to_float(raw_BCHW) if view == 0 else strong_view(raw_BCHW, augment, generator)
                with mixed_precision(images.device):
                    logits_BC = model.classify(view_BCHW)
                collected[view].append(logits_BC.float().softmax(dim=1).cpu())
    probabilities_WNC: NDArray[np.float32] = torch.stack([torch.cat(parts) for parts in collected]).numpy()
    return probabilities_WNC


def batch_for(model: SSMAE) -> int:
    """How many images to predict at once."""
    return max(1, TOKENS_AT_ONCE[device_of(model).type] // model.side**2)


def device_of(model: torch.nn.Module) -> torch.device:
    """Where the weights are."""
    return next(model.parameters()).device


def mixed_precision(device: torch.device, precision: Precision = Precision.AUTO) -> torch.autocast:
    """Where matrix products are taken in bfloat16: on a GPU, not on a CPU, unless told otherwise."""
    is_mixed = precision is Precision.MIXED or (precision is Precision.AUTO and device.type == "cuda")
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=is_mixed)


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


def _batches(count: int, batch: int, should_stop: Callable[[], bool]) -> Iterator[torch.Tensor]:
    for start in range(0, count, batch):
        if should_stop():
            raise Stopped(f"Stopped while predicting, after {start} of {count} images.")
        yield torch.arange(start, min(start + batch, count))


def _check_size(model: SSMAE, images: ImageStore) -> None:
    if images.image_size != model.config.image_size:
        raise InvalidData(f"Images must be {model.config.image_size} pixels wide. Got {images.image_size}.")
