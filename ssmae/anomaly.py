"""How unusual an image is within its pool: how badly it is reconstructed, and how far from its neighbours it lies.

A high score means "look at this one", never "this one is wrong": a rare but right image has one too. Must never import
trainer.

Dimensions: N images, B images of a batch, L patches, D width of the embedding.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from math import ceil

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import rankdata

from ssmae.augment import to_float
from ssmae.clustering import typicality
from ssmae.config import LossConfig, Masking, Precision
from ssmae.data import ImageStore
from ssmae.device import device_of, mixed_precision
from ssmae.errors import InvalidData, Stopped
from ssmae.inference import batch_for, batches, evaluating, never
from ssmae.losses import patchify
from ssmae.masking import Mask, draw_order
from ssmae.model import SSMAE
from ssmae.reconstruction import predicted_pixels

LEAST_MASKS = 4
"""Each image is reconstructed from at least this many masks: which patches are hidden matters less then."""


def reconstruction_errors(
    model: SSMAE,
    images: ImageStore,
    loss: LossConfig,
    *,
    seed: int,
    precision: Precision = Precision.AUTO,
    batch: int | None = None,
    should_stop: Callable[[], bool] = never,
) -> NDArray[np.float32]:
    """Mean squared error of the hidden patches, over masks that hide each patch equally often; shape (N,).

    In squared units of pixels from 0 to 1, also where the model was trained on normalised patches: an almost even patch
    would otherwise count as much as a busy one. With such a model the true mean of each patch is given away, so a
    patch that is merely too bright goes unnoticed here; the distance of the embeddings is there for that. Texture is
    hard to guess and raises the error of a usual image, too.

    Args:
        model: on any device.
        images: of the model's image size, unaugmented.
        loss: the settings that the model was trained with: masking, mask ratio, normalised target or not.
        seed: of the masks.
        precision: as the model was trained.
        batch: images at a time, which bounds the memory; None chooses by the size of the images.
        should_stop: asked before every reconstruction of a batch.

    Raises:
        InvalidData: the images have another size than the model takes.
        Stopped: `should_stop` said so.

    Source: mean error over several masks, MAEDAY, 2211.14307 (32 random ones there; here fewer, that cover evenly).
    """
    images.check_size(model.config.image_size)
    device, patch_size = device_of(model), model.config.patch_size
    on_device, generator = images.on(device), torch.Generator(device).manual_seed(seed)
    errors = [torch.zeros(0)]
    with evaluating(model):
        for indices_B in batches(len(images), batch or batch_for(model)):
            images_BCHW = to_float(on_device.take(indices_B))
            truth_BLP = patchify(images_BCHW, patch_size)
            total_B = torch.zeros(len(indices_B), device=device)
            hidden_B = torch.zeros(len(indices_B), device=device)
            for mask in complementary_masks(loss.masking, len(indices_B), model.side, loss.mask_ratio, generator):
                if should_stop():
                    raise Stopped(f"Stopped while reconstructing, after {int(indices_B[0])} of {len(images)} images.")
                with mixed_precision(device, precision):
                    predicted_BLP = model.reconstruct(images_BCHW, mask)
                pixels_BLP = predicted_pixels(predicted_BLP, images_BCHW, patch_size, normalised=loss.normalise_target)
                total_B += ((pixels_BLP - truth_BLP).square().mean(dim=-1) * mask.is_masked).sum(dim=1)
                hidden_B += mask.is_masked.sum(dim=1)
            errors.append((total_B / hidden_B).cpu())
    error_N: NDArray[np.float32] = torch.cat(errors).numpy()
    return error_N


def complementary_masks(
    masking: Masking, batch: int, side: int, mask_ratio: float, generator: torch.Generator
) -> list[Mask]:
    """At least four masks an image that together hide each of its patches equally often.

    The order that the strategy draws is cut into equal parts. At a ratio of 1/2 or more each mask shows one part, so
    a patch is visible once; below, each mask hides one. The ratio is the nearest that allows this: 1/3, 1/2, 2/3, ...

    Args:
        masking: the strategy.
        batch: images B.
        side: patches per side of the grid; L = side * side.
        mask_ratio: share of patches to hide, in (0, 1).
        generator: source of randomness.

    Raises:
        InvalidConfig: a grid of one patch cannot be divided.

    Source: own; random masks, as in MAEDAY, 2211.14307, hide some patches more often than others.
    """
    patches, shows_one = side * side, mask_ratio >= 0.5
    share = 1 - mask_ratio if shows_one else mask_ratio
    parts = min(range(2, patches + 1), key=lambda count: abs(1 / count - share))
    masks = []
    for _ in range(ceil(LEAST_MASKS / parts)):
        order_BL = draw_order(masking, batch, side, generator)
        for start, end in pairwise(patches * part // parts for part in range(parts + 1)):
            inside, outside = order_BL[:, start:end], torch.cat([order_BL[:, :start], order_BL[:, end:]], dim=1)
            visible, hidden = (inside, outside) if shows_one else (outside, inside)
            masks.append(Mask.of(torch.cat([visible, hidden], dim=1), visible.shape[1]))
    return masks


def unusualness(error_N: NDArray[np.floating], embeddings_ND: NDArray[np.floating]) -> NDArray[np.float64]:
    """Mean of two ranks within the pool: of the reconstruction error, and of the distance to the nearest 20 embeddings.

    Args:
        error_N: as from `reconstruction_errors`.
        embeddings_ND: of the same images.

    Returns:
        Shape (N,), strictly between 0 and 1, higher is more unusual. It says nothing across pools.

    Raises:
        InvalidData: lengths differ, or a value is not finite.

    Source: distance to neighbours as an anomaly score, 2002.10445; together with reconstruction, 2211.14307.
    """
    if len(embeddings_ND) != len(error_N):
        raise InvalidData(f"embeddings_ND must have one row per error: {len(error_N)}. Got {len(embeddings_ND)}.")
    if not np.isfinite(embeddings_ND).all():
        raise InvalidData("embeddings_ND must be finite.")
    return (percentiles(error_N) + percentiles(-typicality(embeddings_ND))) / 2


def percentiles(values_N: NDArray[np.floating]) -> NDArray[np.float64]:
    """Share of the pool below each value, ties and the value itself counted half; strictly between 0 and 1; shape (N,).

    Raises:
        InvalidData: a value is not finite.

    Source: Hazen, Transactions of the American Society of Civil Engineers 77 (1914), whose plotting position it is.
    """
    if not np.isfinite(values_N).all():
        raise InvalidData("Only finite values can be ranked.")
    shares_N: NDArray[np.float64] = (rankdata(values_N) - 0.5) / max(1, len(values_N))
    return shares_N
