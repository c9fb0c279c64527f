"""Every masking strategy is a partition of the patches, of the size asked for; the battery runs over the enum."""

from __future__ import annotations

import pytest
import torch

from ssmae.config import Masking
from ssmae.errors import InvalidConfig
from ssmae.masking import _RANKS, draw_mask, visible_count

EVERY = pytest.mark.parametrize("masking", list(Masking))


def draw(masking, side=4, ratio=0.75, seed=0, batch=16):
    return draw_mask(masking, batch, side, ratio, torch.Generator().manual_seed(seed))


def test_masking__table_and_enum_agree():
    assert set(_RANKS) == set(Masking)


@EVERY
@pytest.mark.parametrize("side", [2, 3, 4, 7, 8])
@pytest.mark.parametrize("ratio", [0.05, 0.5, 0.75, 0.95])
def test_draw_mask__divides_the_patches_in_two(masking, side, ratio):
    mask = draw(masking, side, ratio)
    keep = visible_count(side * side, ratio)
    assert mask.ids_keep.shape == (16, keep)
    assert (mask.is_masked.sum(dim=1) == side * side - keep).all()
    assert 0 < keep < side * side
    for image in range(16):
        visible = set(mask.ids_keep[image].tolist())
        hidden = set(mask.is_masked[image].nonzero().flatten().tolist())
        assert visible | hidden == set(range(side * side))
        assert not visible & hidden


@EVERY
def test_draw_mask__restores_the_order_of_the_patches(masking):
    mask = draw(masking)
    places = torch.cat([mask.ids_keep, torch.full((16, 12), -1)], dim=1).gather(1, mask.ids_restore)
    everywhere = torch.arange(16).expand(16, 16)
    assert torch.equal(torch.where(mask.is_masked, -1, everywhere), places)


@EVERY
def test_draw_mask__is_fixed_by_its_generator(masking):
    assert torch.equal(draw(masking, seed=1).ids_keep, draw(masking, seed=1).ids_keep)
    assert not torch.equal(draw(masking, seed=1).ids_keep, draw(masking, seed=2).ids_keep)


@EVERY
def test_draw_mask__hides_every_patch_equally_often(masking):
    share = draw(masking, batch=4000).is_masked.float().mean(dim=0)
    assert (share - 0.75).abs().max() < 0.05


def test_draw_mask__grid_keeps_a_regular_lattice_at_three_quarters():
    mask = draw(Masking.GRID, side=8, ratio=0.75)
    for kept in mask.ids_keep:
        assert len({(index // 8 % 2, index % 2) for index in kept.tolist()}) == 1


@EVERY
def test_draw_mask__refuses_a_single_patch(masking):
    with pytest.raises(InvalidConfig):
        draw(masking, side=1)
