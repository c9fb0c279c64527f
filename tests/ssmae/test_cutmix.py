"""CutMix: every pixel has one owner, the shares are counted, and only eligible images give or get."""

from __future__ import annotations

import pytest
import torch

from ssmae.augment import cutmix

SIDE = 8


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def owners(batch):
    """Images whose every pixel says which image it belongs to."""
    return torch.arange(batch, dtype=torch.float32)[:, None, None, None].expand(batch, 3, SIDE, SIDE).clone()


@pytest.mark.parametrize("seed", range(5))
def test_cutmix__gives_each_pixel_to_one_of_two_images_and_counts_them(seed):
    mixed, partner, share = cutmix(owners(64), torch.ones(64, dtype=torch.bool), 1.0, generator(seed))
    own = torch.arange(64)
    is_own = mixed == own[:, None, None, None]
    is_partner = mixed == partner[:, None, None, None]
    assert (is_own | is_partner).all()
    assert torch.equal((share * SIDE**2 * 3).round().long(), is_own.sum((1, 2, 3)))
    assert torch.equal(share < 1, partner != own)
    assert (share < 1).sum() > 50


def test_cutmix__pastes_one_rectangle_at_its_own_place():
    images = torch.rand(32, 3, SIDE, SIDE, generator=generator())
    mixed, partner, _ = cutmix(images, torch.ones(32, dtype=torch.bool), 1.0, generator(1))
    is_other = (mixed != images).any(dim=1)
    assert torch.equal(is_other, is_other.any(dim=2)[:, :, None] & is_other.any(dim=1)[:, None, :])
    assert torch.equal(mixed, torch.where(is_other[:, None], images[partner], images))


def test_cutmix__leaves_images_that_are_not_eligible_alone_and_takes_nothing_from_them():
    eligible = torch.arange(64) % 3 == 0
    mixed, partner, share = cutmix(owners(64), eligible, 1.0, generator())
    assert torch.equal(mixed[~eligible], owners(64)[~eligible])
    assert torch.equal(partner[~eligible], torch.arange(64)[~eligible])
    assert (share[~eligible] == 1).all()
    assert eligible[partner[eligible]].all()
    assert (share[eligible] < 1).any()


@pytest.mark.parametrize("count", [0, 1])
def test_cutmix__does_nothing_where_fewer_than_two_are_eligible(count):
    mixed, partner, share = cutmix(owners(8), torch.arange(8) < count, 1.0, generator())
    assert torch.equal(mixed, owners(8))
    assert torch.equal(partner, torch.arange(8))
    assert torch.equal(share, torch.ones(8))


def test_cutmix__mixes_as_often_as_it_is_told():
    eligible = torch.ones(2000, dtype=torch.bool)
    assert (cutmix(owners(2000), eligible, 0.0, generator())[2] == 1).all()
    always, seldom = (cutmix(owners(2000), eligible, p, generator())[2] < 1 for p in (1.0, 0.3))
    assert abs(seldom.sum() / always.sum() - 0.3) < 0.04


def test_cutmix__draws_every_other_eligible_image_alike():
    eligible = torch.tensor([True, False, True, True, True])
    partners = torch.cat([cutmix(owners(5), eligible, 1.0, generator(seed))[1][:1] for seed in range(400)])
    counts = torch.bincount(partners[partners != 0], minlength=5)
    assert counts[1] == 0
    assert counts[2:].min() > 0.8 * counts.sum() / 3


def test_cutmix__is_the_same_for_the_same_generator():
    eligible = torch.arange(16) % 2 == 0
    first, again = (cutmix(owners(16), eligible, 0.5, generator(3)) for _ in range(2))
    assert all(torch.equal(one, other) for one, other in zip(first, again, strict=True))


def test_cutmix__lets_two_images_swap():
    eligible = torch.tensor([False, True, False, True])
    partners = torch.stack([cutmix(owners(4), eligible, 1.0, generator(seed))[1] for seed in range(60)])
    assert ((partners[:, 1] == 3).sum() > 50) & ((partners[:, 3] == 1).sum() > 50)  # a box may be too small for a pixel
