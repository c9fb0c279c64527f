"""What the pixels of a strong view look like: colours and tones, drawn per image and computed for the whole batch.

Every operation is computed for all images, and where it is not meant its size is one that changes nothing: fixed
shapes, no loop, and nothing that the host would have to wait for. Must never import model.

Dimensions: B images, C channels, H and W side in pixels; K numbers drawn for each image.
"""

from __future__ import annotations

import torch
from torch.nn import functional

_RECOLOURED = 0.5
"""Share of the images that each of brightness, contrast and saturation is changed in."""

_RETONED = 0.25
"""Share of the images that each of the four operations on tones is applied to: one for each image on average."""


def recolour(images_BCHW: torch.Tensor, strength: float, generator: torch.Generator) -> torch.Tensor:
    """Brightness, contrast and saturation, by factors uniform in 1 ± strength, each in half of the images.

    Args:
        images_BCHW: floats in [0, 1].
        strength: in [0, 1]; at 0 every factor is 1.
        generator: source of randomness, on the images' device.

    Returns:
        The images in [0, 1], of the same shape.

    Source: the colour operations of RandAugment, 1909.13719, section 3; any of the three at once.
    """
    drawn_KB = _draw(6, images_BCHW, generator)
    factors_KB = torch.where(drawn_KB[:3] < _RECOLOURED, 1 - strength + 2 * strength * drawn_KB[3:], 1.0)
    brightness_B111, contrast_B111, saturation_B111 = factors_KB[:, :, None, None, None]
    # The three in turn are one map of a pixel, its grey and the mean of its image, for a third of the work.
    gain_B111 = brightness_B111 * contrast_B111
    grey_B1HW = images_BCHW.mean(dim=1, keepdim=True)
    mean_B111 = grey_B1HW.mean(dim=(2, 3), keepdim=True)
    added_B1HW = gain_B111 * (1 - saturation_B111) * grey_B1HW + brightness_B111 * (1 - contrast_B111) * mean_B111
    return torch.addcmul(added_B1HW, images_BCHW, gain_B111 * saturation_B111).clamp_(0, 1)


def retone(images_BCHW: torch.Tensor, strength: float, generator: torch.Generator) -> torch.Tensor:
    """Automatic contrast, sharpness, solarising and posterising, each in a quarter of the images.

    Args:
        images_BCHW: floats in [0, 1].
        strength: in [0, 1]. How far they go at 1: contrast stretched all the way, sharpness from a blur to twice the
            edges, any brightness solarised, 4 to 8 bits left.
        generator: source of randomness, on the images' device.

    Returns:
        The images in [0, 1], of the same shape.

    Source: FixMatch, 2001.07685, appendix (the transformations of its RandAugment); RandAugment, 1909.13719.
    Equalize of that list is left out.
    """
    drawn_KB = _draw(8, images_BCHW, generator)
    size_KB = torch.where(drawn_KB[:4] < _RETONED, strength * drawn_KB[4:], 0.0)
    contrast_B111, _, solarised_B111, removed_B111 = size_KB[:, :, None, None, None]
    sharpness_B = torch.where(drawn_KB[1] < _RETONED, 1 - strength + 2 * strength * drawn_KB[5], 1.0)
    images_BCHW = autocontrast(images_BCHW, contrast_B111)
    images_BCHW = sharpen(images_BCHW, sharpness_B[:, None, None, None])
    images_BCHW = solarise(images_BCHW, 1 - solarised_B111)
    return posterise(images_BCHW, (5 * removed_B111).to(torch.uint8))


def autocontrast(images_BCHW: torch.Tensor, share_B111: torch.Tensor) -> torch.Tensor:
    """Each channel stretched to 0..1, mixed with the image: share 0 leaves it, share 1 is all stretched.

    Shape (B, C, H, W).

    Source: RandAugment, 1909.13719, section 3 (AutoContrast); the share is own: it gives the operation a strength.
    """
    lowest_BC11, highest_BC11 = images_BCHW.amin(dim=(2, 3), keepdim=True), images_BCHW.amax(dim=(2, 3), keepdim=True)
    has_spread_BC11 = highest_BC11 > lowest_BC11  # a channel of one value cannot be stretched
    stretch_BC11 = 1 / torch.where(has_spread_BC11, highest_BC11 - lowest_BC11, 1.0)
    shift_BC11 = torch.where(has_spread_BC11, lowest_BC11, 0.0) * stretch_BC11
    gain_BC11 = 1 + share_B111 * (stretch_BC11 - 1)
    return torch.addcmul(-share_B111 * shift_BC11, images_BCHW, gain_BC11).clamp_(0, 1)


def sharpen(images_BCHW: torch.Tensor, factor_B111: torch.Tensor) -> torch.Tensor:
    """Differences from the surroundings times a factor: 0 blurs, 1 leaves the image, 2 doubles its edges.

    The blur is Pillow's (weights 1, and 5 in the middle, over 13); pixels at the border are repeated beyond it.
    Shape (B, C, H, W).

    Source: RandAugment, 1909.13719, section 3 (Sharpness).
    """
    # Sums of slices: fifteen times as fast on a CPU as `avg_pool2d` with its small windows.
    padded_BCHW = functional.pad(images_BCHW, (1, 1, 1, 1), mode="replicate")
    rows_BCHW = (padded_BCHW[..., :-2, :] + padded_BCHW[..., 1:-1, :]).add_(padded_BCHW[..., 2:, :])
    sum_BCHW = (rows_BCHW[..., :-2] + rows_BCHW[..., 1:-1]).add_(rows_BCHW[..., 2:])
    difference_BCHW = sum_BCHW.sub_(images_BCHW, alpha=9)
    return torch.addcmul(images_BCHW, difference_BCHW, (1 - factor_B111) / 13).clamp_(0, 1)


def solarise(images_BCHW: torch.Tensor, threshold_B111: torch.Tensor) -> torch.Tensor:
    """What is brighter than the threshold is inverted; a threshold of 1 leaves the image. Shape (B, C, H, W).

    Source: RandAugment, 1909.13719, section 3 (Solarize).
    """
    return torch.where(images_BCHW > threshold_B111, 1 - images_BCHW, images_BCHW)


def posterise(images_BCHW: torch.Tensor, removed_B111: torch.Tensor) -> torch.Tensor:
    """Each value's lowest bits, as many as said (uint8, 0 to 7), set to zero; 0 leaves the image.

    Shape (B, C, H, W).

    Source: RandAugment, 1909.13719, section 3 (Posterize).
    """
    step_B111 = (1 << removed_B111).float()
    kept_BCHW = (images_BCHW * 255).round_().div_(step_B111).floor_().mul_(step_B111).div_(255)
    return torch.where(removed_B111 > 0, kept_BCHW, images_BCHW)


def _draw(count: int, images_BCHW: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Numbers uniform in [0, 1), `count` for each image."""
    return torch.rand(count, len(images_BCHW), generator=generator, device=images_BCHW.device)
