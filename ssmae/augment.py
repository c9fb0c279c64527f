"""Weak and strong views of a whole batch, on its device, drawn per image.

Input is `uint8`, output float in [0, 1]: nothing is normalised here (the model does that), so no value can wrap or be
clipped twice. One affine map and one `grid_sample` do all geometry; colour changes are computed for the whole batch and
weighed per image. Must never import model or trainer.

Dimensions: B images, C channels, H and W side in pixels.
"""

from __future__ import annotations

import math

import torch
from torch.nn import functional

from ssmae.config import AugmentConfig


def to_float(images_BCHW: torch.Tensor) -> torch.Tensor:
    """Bytes to [0, 1]; floats pass unchanged."""
    return images_BCHW.float() / 255 if images_BCHW.dtype == torch.uint8 else images_BCHW


def weak_view(images_BCHW: torch.Tensor, config: AugmentConfig, generator: torch.Generator) -> torch.Tensor:
    """Mirrored (if `flip`) and shifted by whole pixels; edges are reflected.

    Args:
        images_BCHW: uint8 images, or floats in [0, 1].
        config: how far.
        generator: source of randomness, on the images' device.

    Returns:
        float32 in [0, 1], same shape. With flip off and shift 0 exactly the input.

    Source: FixMatch, 2001.07685, section 2.3 (flip and shift of 12.5 %).
    """
    images_BCHW = to_float(images_BCHW)
    if not config.flip and not config.shift:
        return images_BCHW
    return _warp(images_BCHW, _weak_matrix(images_BCHW, config, generator))


def strong_view(images_BCHW: torch.Tensor, config: AugmentConfig, generator: torch.Generator) -> torch.Tensor:
    """The weak view further turned, zoomed, sheared, recoloured, and with a square erased.

    Args, Returns: as `weak_view`. With every strength 0 exactly the input.

    Source: in the manner of RandAugment 1909.13719 and cutout 1708.04552 as used by FixMatch, 2001.07685, section 2.3;
    we draw all strengths afresh for every image instead of two operations from a list.
    """
    images_BCHW = to_float(images_BCHW)
    if config.flip or config.shift or config.rotate or config.zoom:
        matrix_B23 = _weak_matrix(images_BCHW, config, generator)
        images_BCHW = _warp(images_BCHW, _compose(matrix_B23, _strong_matrix(images_BCHW, config, generator)))
    if config.colour:
        images_BCHW = _recolour(images_BCHW, config.colour, generator)
    if config.cutout:
        images_BCHW = _cut_out(images_BCHW, config.cutout, generator)
    return images_BCHW


def _uniform(count: int, low: float, high: float, like: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    return torch.rand(count, generator=generator, device=like.device) * (high - low) + low


def _weak_matrix(images_BCHW: torch.Tensor, config: AugmentConfig, generator: torch.Generator) -> torch.Tensor:
    """Output-to-input map in grid_sample's units, in which the side has length 2; shape (B, 2, 3)."""
    batch, side = len(images_BCHW), images_BCHW.shape[-1]
    matrix_B23 = torch.zeros(batch, 2, 3, device=images_BCHW.device)
    mirror_B = torch.ones(batch, device=images_BCHW.device)
    if config.flip:
        mirror_B = torch.where(_uniform(batch, 0, 1, images_BCHW, generator) < 0.5, -mirror_B, mirror_B)
    matrix_B23[:, 0, 0], matrix_B23[:, 1, 1] = mirror_B, 1
    if config.shift:
        # Whole pixels: a fraction of a pixel would blur, and the model would learn to tell blurred from crisp.
        largest = config.shift * side
        for axis in (0, 1):
            pixels_B = _uniform(batch, -largest, largest, images_BCHW, generator).round()
            matrix_B23[:, axis, 2] = pixels_B * 2 / side
    return matrix_B23


def _strong_matrix(images_BCHW: torch.Tensor, config: AugmentConfig, generator: torch.Generator) -> torch.Tensor:
    batch = len(images_BCHW)
    angle_B = _uniform(batch, -config.rotate, config.rotate, images_BCHW, generator) * math.pi / 180
    scale_B = torch.exp(_uniform(batch, -config.zoom, config.zoom, images_BCHW, generator))
    shear_B = _uniform(batch, -config.zoom, config.zoom, images_BCHW, generator)
    cosine_B, sine_B = angle_B.cos() * scale_B, angle_B.sin() * scale_B
    matrix_B23 = torch.zeros(batch, 2, 3, device=images_BCHW.device)
    matrix_B23[:, 0, 0], matrix_B23[:, 0, 1] = cosine_B, shear_B * cosine_B - sine_B
    matrix_B23[:, 1, 0], matrix_B23[:, 1, 1] = sine_B, shear_B * sine_B + cosine_B
    return matrix_B23


def _compose(first_B23: torch.Tensor, second_B23: torch.Tensor) -> torch.Tensor:
    """The map that applies `second` and then `first` to output coordinates."""
    linear_B22 = first_B23[:, :, :2] @ second_B23[:, :, :2]
    shift_B21 = first_B23[:, :, :2] @ second_B23[:, :, 2:] + first_B23[:, :, 2:]
    return torch.cat([linear_B22, shift_B21], dim=2)


def _warp(images_BCHW: torch.Tensor, matrix_B23: torch.Tensor) -> torch.Tensor:
    grid_BHW2 = functional.affine_grid(matrix_B23, list(images_BCHW.shape), align_corners=False)
    return functional.grid_sample(
        images_BCHW, grid_BHW2, mode="bilinear", padding_mode="reflection", align_corners=False
    )


def _recolour(images_BCHW: torch.Tensor, strength: float, generator: torch.Generator) -> torch.Tensor:
    """Brightness, contrast and saturation by factors in 1 ± strength, each in half of the images."""
    batch = len(images_BCHW)

    def factor() -> torch.Tensor:
        drawn_B = 1 + strength * _uniform(batch, -1, 1, images_BCHW, generator)
        applies_B = _uniform(batch, 0, 1, images_BCHW, generator) < 0.5
        return torch.where(applies_B, drawn_B, torch.ones_like(drawn_B))[:, None, None, None]

    images_BCHW = images_BCHW * factor()
    mean_B111 = images_BCHW.mean(dim=(1, 2, 3), keepdim=True)
    images_BCHW = mean_B111 + (images_BCHW - mean_B111) * factor()
    grey_B1HW = images_BCHW.mean(dim=1, keepdim=True)
    images_BCHW = grey_B1HW + (images_BCHW - grey_B1HW) * factor()
    return images_BCHW.clamp(0, 1)


def _cut_out(images_BCHW: torch.Tensor, largest: float, generator: torch.Generator) -> torch.Tensor:
    """Erase a square per image, of side uniform in 0..largest and anywhere, with mid-grey (0 for the model)."""
    batch, side = len(images_BCHW), images_BCHW.shape[-1]
    half_B1 = _uniform(batch, 0, largest * side / 2, images_BCHW, generator)[:, None]
    pixels_S = torch.arange(side, device=images_BCHW.device) + 0.5
    rows_BS = (pixels_S - _uniform(batch, 0, side, images_BCHW, generator)[:, None]).abs() < half_B1
    columns_BS = (pixels_S - _uniform(batch, 0, side, images_BCHW, generator)[:, None]).abs() < half_B1
    erased_B1HW = (rows_BS[:, :, None] & columns_BS[:, None, :])[:, None]
    return torch.where(erased_B1HW, images_BCHW.new_tensor(0.5), images_BCHW)
