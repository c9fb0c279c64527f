"""Which patches the encoder may see: strategies that return indices.

A strategy knows the grid and the ratio and nothing of the model; the model takes the indices and knows no strategy.
`is_masked` True means hidden (1 in the MAE paper's code). Must never import model or trainer.

Dimensions: B images, L patches of the grid (side * side), S patches per side, V visible patches.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

from ssmae.config import Masking
from ssmae.errors import InvalidConfig


@dataclass(frozen=True)
class Mask:
    """A partition of each image's patches into visible and masked ones.

    Attributes:
        ids_keep: int64 (B, V), the visible patches.
        ids_restore: int64 (B, L), for each patch its place in the sequence (visible ones first, then masked ones).
        is_masked: bool (B, L), True where hidden.
    """

    ids_keep: torch.Tensor
    ids_restore: torch.Tensor
    is_masked: torch.Tensor

    @classmethod
    def of(cls, order_BL: torch.Tensor, visible: int) -> Mask:
        """Show the first patches of an order, hide the others.

        Args:
            order_BL: int64, each image's patches in any order.
            visible: how many of them the encoder sees.

        Source: MAE, 2111.06377, section 3 "Simple implementation".
        """
        ids_restore_BL = order_BL.argsort(dim=1)
        return cls(ids_keep=order_BL[:, :visible], ids_restore=ids_restore_BL, is_masked=ids_restore_BL >= visible)


def visible_count(patches: int, mask_ratio: float) -> int:
    """How many patches stay visible: the nearest whole number, at least one visible and one masked.

    Source: MAE, 2111.06377, section 3 (masking ratio); the rounding is own: neither part may be empty.
    """
    return min(max(1, round(patches * (1 - mask_ratio))), patches - 1)


def draw_mask(masking: Masking, batch: int, side: int, mask_ratio: float, generator: torch.Generator) -> Mask:
    """Draw a mask for each image of a batch, on the generator's device.

    Args:
        masking: the strategy.
        batch: images B.
        side: patches per side of the grid; L = side * side.
        mask_ratio: share of patches to hide, in (0, 1).
        generator: source of randomness.

    Raises:
        InvalidConfig: a grid of one patch cannot be divided.

    Source: MAE, 2111.06377, section 3; each strategy names its own.
    """
    return Mask.of(draw_order(masking, batch, side, generator), visible_count(side * side, mask_ratio))


def draw_order(masking: Masking, batch: int, side: int, generator: torch.Generator) -> torch.Tensor:
    """The order in which a strategy shows the patches of each image, int64 (B, L); arguments as of `draw_mask`.

    Raises:
        InvalidConfig: a grid of one patch cannot be divided.

    Source: sorting noise, as in the code of MAE, 2111.06377.
    """
    if side < 2:
        raise InvalidConfig("image_size / patch_size", "at least 2 patches per side", side)
    return _RANKS[masking](batch, side, generator).argsort(dim=1)


def _random_rank(batch: int, side: int, generator: torch.Generator) -> torch.Tensor:
    """Independent uniform order. Source: MAE, 2111.06377, section 3, "random sampling"."""
    return torch.rand(batch, side * side, generator=generator, device=generator.device)


def _grid_rank(batch: int, side: int, generator: torch.Generator) -> torch.Tensor:
    """A regular lattice, shifted at random in each image.

    Source: MAE, 2111.06377, figure 6, "grid-wise sampling" (one of every 2x2 patches at ratio 0.75). The ordered-dither
    matrix generalises it: its first quarter is that lattice, and every other ratio is spread as evenly as can be.
    """
    device = generator.device
    rank = torch.zeros(1, 1, dtype=torch.long, device=device)
    while rank.shape[0] < side:
        four = rank * 4
        rank = torch.cat([torch.cat([four, four + 2], dim=1), torch.cat([four + 3, four + 1], dim=1)], dim=0)
    rank_SS = rank[:side, :side]
    shift_B2 = torch.randint(side, (batch, 2), generator=generator, device=device)
    places = torch.arange(side, device=device)
    rows_BS = (places + shift_B2[:, :1]) % side
    columns_BS = (places + shift_B2[:, 1:]) % side
    return rank_SS[rows_BS[:, :, None], columns_BS[:, None, :]].flatten(1)


_RANKS: dict[Masking, Callable[[int, int, torch.Generator], torch.Tensor]] = {
    Masking.RANDOM: _random_rank,
    Masking.GRID: _grid_rank,
}
