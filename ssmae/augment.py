"""Weak and strong views of a whole batch, on its device, drawn per image; and pairs of images mixed.

Input is `uint8`, output float in [0, 1]: nothing is normalised here (the model does that), so no value can wrap or be
clipped twice. Where pixels come from is in `warping`, what becomes of their colours in `colours`; boxes are drawn here.
All shapes are fixed and the host never waits for the device. Must never import model or trainer.

Dimensions: B images, C channels, H and W side in pixels, S either of them.
"""

from __future__ import annotations

import torch

from ssmae.colours import recolour, retone
from ssmae.config import AugmentConfig
from ssmae.warping import draw_motion, move, warp


def to_float(images_BCHW: torch.Tensor) -> torch.Tensor:
    """Bytes to [0, 1], of the same shape; floats pass unchanged."""
    return images_BCHW.float().div_(255) if images_BCHW.dtype == torch.uint8 else images_BCHW


def weak_view(images_BCHW: torch.Tensor, config: AugmentConfig, generator: torch.Generator) -> torch.Tensor:
    """Mirrored (if `flip`) and shifted by whole pixels; edges are reflected.

    A fraction of a pixel would blur, and the model would learn to tell blurred from crisp.

    Args:
        images_BCHW: uint8 images, or floats in [0, 1].
        config: how far.
        generator: source of randomness, on the images' device.

    Returns:
        float32 in [0, 1], same shape. With flip off and shift 0 exactly the input.

    Source: FixMatch, 2001.07685, section 2.3 (flip and shift of 12.5 %).
    """
    if config.flip or config.shift:
        images_BCHW = move(images_BCHW, draw_motion(images_BCHW, config, generator))
    return to_float(images_BCHW)


def strong_view(images_BCHW: torch.Tensor, config: AugmentConfig, generator: torch.Generator) -> torch.Tensor:
    """The weak view further turned, zoomed, sheared, recoloured, changed in tone, and with a square erased.

    Args, Returns: see `weak_view`. With every strength 0 exactly the input.

    Source: in the manner of RandAugment 1909.13719 and cutout 1708.04552 as used by FixMatch, 2001.07685, section 2.3;
    we draw all strengths afresh for every image instead of two operations from a list.
    """
    if config.rotate or config.zoom:
        motion = draw_motion(images_BCHW, config, generator)
        images_BCHW = warp(to_float(images_BCHW), motion, config, generator)
    else:
        images_BCHW = weak_view(images_BCHW, config, generator)
    if config.colour:
        images_BCHW = recolour(images_BCHW, config.colour, generator)
    if config.tone:
        images_BCHW = retone(images_BCHW, config.tone, generator)
    if config.cutout:
        images_BCHW = _cut_out(images_BCHW, config.cutout, generator)
    return images_BCHW


def cutmix(
    images_BCHW: torch.Tensor, eligible_B: torch.Tensor, probability: float, generator: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """A box of another image's pixels, between images that are eligible: those whose targets can be mixed as well.

    The area of the box is uniform in 0..1 of the image's, its centre anywhere; what lies outside the image is cut off.

    Args:
        images_BCHW: views, floats in [0, 1].
        eligible_B: bool, which images may take part, on the images' device. Where fewer than two do, none is mixed.
        probability: that an eligible image gets a box.
        generator: source of randomness, on the images' device.

    Returns:
        mixed_BCHW: the images with their boxes.
        partner_B: int64, whose pixels are in the box; the image itself where there is none.
        share_B: float32, share of the pixels that are the image's own, counted; 1 where there is no box. The target
            is share * label + (1 - share) * label[partner].

    Source: CutMix, 1905.04899, equations 1 and 2 with alpha = 1; between unlabelled images by their targets as in
    Semi-ViT, 2208.05688 (probabilistic pseudo mixup). A box and a partner per image instead of per batch.
    """
    batch, side = len(images_BCHW), images_BCHW.shape[-1]
    self_B = torch.arange(batch, device=images_BCHW.device)
    if not probability:
        return images_BCHW, self_B, torch.ones_like(self_B, dtype=torch.float32)
    partner_B = _partners(eligible_B, generator)
    meant_B, area_B = torch.rand(2, batch, generator=generator, device=images_BCHW.device)
    is_mixed_B = (meant_B < probability) & (partner_B != self_B)
    half_B = torch.where(is_mixed_B, area_B.sqrt() * (side / 2), 0.0)
    rows_BS, columns_BS = _boxes(half_B, side, generator)
    share_B = 1 - rows_BS.sum(dim=1) * columns_BS.sum(dim=1) / side**2
    mixed_BCHW = _paste(images_BCHW, images_BCHW.index_select(0, partner_B), rows_BS, columns_BS)
    return mixed_BCHW, torch.where(share_B < 1, partner_B, self_B), share_B


def _partners(eligible_B: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """For each eligible image another eligible one, all alike; for the others, and for a single one, itself.

    The eligible images are put in a random ring, in which each one's partner is the next.
    """
    place_B = torch.arange(len(eligible_B), device=eligible_B.device)
    key_B = torch.rand(len(eligible_B), generator=generator, device=eligible_B.device)
    order_B = torch.where(eligible_B, key_B, 2.0).argsort()  # the eligible ones first, in random order
    count = eligible_B.sum()
    next_B = torch.where(place_B < count - 1, place_B + 1, torch.where(place_B == count - 1, 0, place_B))
    return torch.empty_like(order_B).scatter_(0, order_B, order_B.gather(0, next_B))


def _cut_out(images_BCHW: torch.Tensor, largest: float, generator: torch.Generator) -> torch.Tensor:
    """Erase a square per image, of side uniform in 0..largest and anywhere, with mid-grey (0 for the model)."""
    side = images_BCHW.shape[-1]
    half_B = torch.rand(len(images_BCHW), generator=generator, device=images_BCHW.device) * (largest * side / 2)
    return _paste(images_BCHW, images_BCHW.new_full((), 0.5), *_boxes(half_B, side, generator))


def _boxes(half_B: torch.Tensor, side: int, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """A square per image with its centre anywhere in the image: its rows and its columns, 1 inside, shape (B, S)."""
    pixels_S = torch.arange(side, device=half_B.device) + 0.5
    row_B1, column_B1 = torch.rand(2, len(half_B), 1, generator=generator, device=half_B.device) * side
    is_row_BS, is_column_BS = (
        (pixels_S - row_B1).abs() < half_B[:, None],
        (pixels_S - column_B1).abs() < half_B[:, None],
    )
    return is_row_BS.float(), is_column_BS.float()


def _paste(
    images_BCHW: torch.Tensor, others_BCHW: torch.Tensor, rows_BS: torch.Tensor, columns_BS: torch.Tensor
) -> torch.Tensor:
    """The others' pixels inside the boxes. `lerp` by 0 or 1 is exact, and far faster on a CPU than `where`."""
    return torch.lerp(images_BCHW, others_BCHW, (rows_BS[:, :, None] * columns_BS[:, None, :])[:, None])
