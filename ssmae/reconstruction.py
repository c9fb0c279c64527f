"""What the decoder makes of patches that the encoder never saw, in pixels: for pictures, and for measuring errors.

Must never import trainer.

Dimensions: N images, B images of a batch, L patches, P pixel values of a patch, C channels (3), H and W side in pixels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from ssmae.augment import to_float
from ssmae.config import LossConfig, Precision
from ssmae.data import ImageStore
from ssmae.device import device_of, mixed_precision
from ssmae.inference import batch_for, batches, evaluating, never
from ssmae.losses import EVEN_PATCH, patchify, unpatchify
from ssmae.masking import draw_mask
from ssmae.model import SSMAE

HIDDEN_GREY = 127
"""What stands where the encoder saw nothing."""


@dataclass(frozen=True)
class Reconstructions:
    """Three pictures of each image, in the order of the store.

    Attributes:
        originals_NCHW: uint8, the images.
        masked_NCHW: uint8, the same with the hidden patches grey: what the encoder saw.
        filled_NCHW: uint8, the same with the hidden patches filled by the decoder; visible pixels are the original's.
        is_masked_NL: bool, which patches were hidden.
    """

    originals_NCHW: NDArray[np.uint8]
    masked_NCHW: NDArray[np.uint8]
    filled_NCHW: NDArray[np.uint8]
    is_masked_NL: NDArray[np.bool_]


def reconstructions(
    model: SSMAE,
    images: ImageStore,
    loss: LossConfig,
    *,
    seed: int,
    precision: Precision = Precision.AUTO,
    batch: int | None = None,
    should_stop: Callable[[], bool] = never,
) -> Reconstructions:
    """Hide patches of each image as in training, and fill them in.

    Only hidden patches are filled. Where the model was trained on normalised patches, its guess is brought to pixels
    with the *true* mean and spread of each patch: a picture shows the structure it guessed, not the brightness.

    Args:
        model: on any device.
        images: of the model's image size, unaugmented; a few, as all three pictures are kept in memory.
        loss: the settings that the model was trained with: masking, mask ratio, normalised target or not.
        seed: of the masks.
        precision: as the model was trained.
        batch: images at a time; None chooses by the size of the images.
        should_stop: asked before every batch.

    Raises:
        InvalidData: the images have another size than the model takes.
        Stopped: `should_stop` said so.

    Source: MAE, 2111.06377, figures 2 to 4 and section 3 "Reconstruction target".
    """
    images.check_size(model.config.image_size)
    device, patch_size = device_of(model), model.config.patch_size
    on_device, generator = images.on(device), torch.Generator(device).manual_seed(seed)
    masked_NCHW, filled_NCHW = np.empty_like(images.images_NCHW), np.empty_like(images.images_NCHW)
    is_masked_NL = np.empty((len(images), model.side**2), np.bool_)
    with evaluating(model):
        for indices_B in batches(len(images), batch or batch_for(model), should_stop, "reconstructing"):
            part = indices_B.numpy()
            raw_BCHW = on_device.take(indices_B)
            mask = draw_mask(loss.masking, len(raw_BCHW), model.side, loss.mask_ratio, generator)
            images_BCHW = to_float(raw_BCHW)
            with mixed_precision(device, precision):
                predicted_BLP = model.reconstruct(images_BCHW, mask)
            pixels_BLP = predicted_pixels(predicted_BLP, images_BCHW, patch_size, normalised=loss.normalise_target)
            guess_BCHW = unpatchify((pixels_BLP.clamp(0, 1) * 255).round().to(torch.uint8), patch_size)
            hidden_BCHW = unpatchify(mask.is_masked[:, :, None].expand_as(pixels_BLP), patch_size)
            masked_NCHW[part] = raw_BCHW.masked_fill(hidden_BCHW, HIDDEN_GREY).cpu().numpy()
            filled_NCHW[part] = torch.where(hidden_BCHW, guess_BCHW, raw_BCHW).cpu().numpy()
            is_masked_NL[part] = mask.is_masked.cpu().numpy()
    return Reconstructions(np.asarray(images.images_NCHW), masked_NCHW, filled_NCHW, is_masked_NL)


def predicted_pixels(
    predicted_BLP: torch.Tensor, images_BCHW: torch.Tensor, patch_size: int, *, normalised: bool
) -> torch.Tensor:
    """The decoder's patches as pixels, (B, L, P), 0 to 1 where it does not overshoot; undoes the loss's target.

    Args:
        predicted_BLP: the decoder's patches, in the units of the loss's target.
        images_BCHW: the images it saw in part, values in [0, 1].
        patch_size: side of a patch in pixels.
        normalised: whether that target is relative to each patch's own mean and spread, which then are the true ones.

    Source: MAE, 2111.06377, section 3 "Reconstruction target"; the target itself is in `losses.reconstruction_loss`.
    """
    predicted_BLP = predicted_BLP.float()
    if not normalised:
        return predicted_BLP
    variance, mean = torch.var_mean(patchify(images_BCHW, patch_size), dim=-1, keepdim=True, correction=0)
    return predicted_BLP * (variance + EVEN_PATCH).sqrt() + mean
