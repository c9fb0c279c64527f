"""Where the pixels of a view come from: mirrored, shifted, turned, zoomed and sheared, drawn per image.

Whole pixels are moved by one gather, anything else by one `grid_sample`. Edges are reflected. Must never import model.

Dimensions: B images, C channels, S side in pixels (H and W where they differ in meaning), P = S * S pixels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch.nn import functional

from ssmae.config import AugmentConfig


@dataclass(frozen=True)
class Motion:
    """Mirroring and a shift by whole pixels, for each image.

    Attributes:
        is_mirrored_B: bool, left and right change places first.
        down_B, right_B: int64, how many pixels further down and right the content is looked up.
    """

    is_mirrored_B: torch.Tensor
    down_B: torch.Tensor
    right_B: torch.Tensor


def draw_motion(images_BCHW: torch.Tensor, config: AugmentConfig, generator: torch.Generator) -> Motion:
    """Mirror half of the images (if `flip`); shift by each number of pixels up to `shift` of the side alike.

    Source: FixMatch, 2001.07685, section 2.3 (flip and shift of 12.5 %).
    """
    farthest = math.floor(config.shift * images_BCHW.shape[-1] + 1e-6)
    mirror_B, down_B, right_B = torch.rand(3, len(images_BCHW), generator=generator, device=images_BCHW.device)
    return Motion(
        mirror_B < (0.5 if config.flip else 0.0),
        (down_B * (2 * farthest + 1)).long() - farthest,
        (right_B * (2 * farthest + 1)).long() - farthest,
    )


def move(images_BCHW: torch.Tensor, motion: Motion) -> torch.Tensor:
    """The images, moved; of any type, no value changes; shape (B, C, H, W).

    Source: FixMatch, 2001.07685, section 2.3 (flip and shift).
    """
    batch, channels, side, _ = images_BCHW.shape
    pixels_S = torch.arange(side, device=images_BCHW.device)
    rows_BS = _reflected(pixels_S + motion.down_B[:, None], side)
    columns_BS = torch.where(motion.is_mirrored_B[:, None], side - 1 - pixels_S, pixels_S)
    columns_BS = _reflected(columns_BS + motion.right_B[:, None], side)
    source_B1P = (rows_BS[:, :, None] * side + columns_BS[:, None, :]).view(batch, 1, -1)
    return images_BCHW.flatten(2).gather(2, source_B1P.expand(-1, channels, -1)).view_as(images_BCHW)


def warp(images_BCHW: torch.Tensor, motion: Motion, config: AugmentConfig, generator: torch.Generator) -> torch.Tensor:
    """The images, moved and also turned by up to `rotate` degrees, zoomed and sheared by up to `zoom`.

    One bilinear look-up does it all, so that nothing is blurred twice. Coordinates are those of `grid_sample`: the side
    has length 2 and the centre is 0. Shape (B, C, H, W).

    Source: RandAugment, 1909.13719, section 3 (rotate, shear); the zoom is own: objects come in any size. Look-up:
    spatial transformers, 1506.02025.
    """
    side = images_BCHW.shape[-1]
    drawn_3B = torch.rand(3, len(images_BCHW), generator=generator, device=images_BCHW.device) * 2 - 1
    angle_B, zoom_B, shear_B = drawn_3B[:, :, None, None]
    angle_B, scale_B, shear_B = (
        angle_B * math.radians(config.rotate),
        (zoom_B * config.zoom).exp(),
        shear_B * config.zoom,
    )
    cosine_B, sine_B = angle_B.cos() * scale_B, angle_B.sin() * scale_B
    x_W = (torch.arange(side, device=images_BCHW.device) * 2 + 1) / side - 1
    y_H1 = x_W[:, None]
    mirror_B = 1 - 2 * motion.is_mirrored_B[:, None, None].float()
    right_B, down_B = motion.right_B[:, None, None] * (2 / side), motion.down_B[:, None, None] * (2 / side)
    from_x_BHW = mirror_B * cosine_B * x_W + (mirror_B * (shear_B * cosine_B - sine_B) * y_H1 + right_B)
    from_y_BHW = sine_B * x_W + ((shear_B * sine_B + cosine_B) * y_H1 + down_B)
    # Stacked in front and only then seen the other way round: copying whole planes is four times as fast on a CPU.
    grid_BHW2 = torch.stack([from_x_BHW, from_y_BHW]).permute(1, 2, 3, 0)
    return functional.grid_sample(
        images_BCHW, grid_BHW2, mode="bilinear", padding_mode="reflection", align_corners=False
    )


def _reflected(positions: torch.Tensor, side: int) -> torch.Tensor:
    """Positions beyond an edge, at most one side away, as seen in a mirror on that edge."""
    positions = torch.where(positions < 0, -1 - positions, positions)
    return torch.where(positions >= side, 2 * side - 1 - positions, positions)
