"""Views are honest pictures: in range, drawn per image, and the image itself when everything is switched off."""

from __future__ import annotations

import pytest
import torch

from ssmae.augment import strong_view, weak_view
from ssmae.config import AugmentConfig

OFF = AugmentConfig(flip=False, shift=0.0, rotate=0.0, zoom=0.0, colour=0.0, cutout=0.0)
VIEWS = pytest.mark.parametrize("view", [weak_view, strong_view])


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def grey_ramp(batch=8):
    """All 256 byte values, as a picture of 16 x 16."""
    return torch.arange(256, dtype=torch.uint8).reshape(1, 1, 16, 16).expand(batch, 3, 16, 16)


@VIEWS
def test_views__are_the_identity_when_everything_is_off(view):
    assert torch.equal(view(grey_ramp(), OFF, generator()), grey_ramp().float() / 255)


@VIEWS
def test_views__stay_in_range_and_differ_within_a_batch(view):
    images = torch.randint(256, (16, 3, 16, 16), dtype=torch.uint8, generator=generator())[:1].repeat(16, 1, 1, 1)
    seen = view(images, AugmentConfig(flip=True), generator(1))
    assert seen.min() >= 0
    assert seen.max() <= 1
    assert len({tuple(image.flatten().tolist()) for image in seen}) > 8


@VIEWS
def test_views__are_the_same_for_the_same_generator(view):
    images = torch.randint(256, (4, 3, 16, 16), dtype=torch.uint8, generator=generator())
    config = AugmentConfig(flip=True)
    assert torch.equal(view(images, config, generator(3)), view(images, config, generator(3)))
    assert not torch.equal(view(images, config, generator(3)), view(images, config, generator(4)))


def test_weak_view__flips_about_half_of_the_images_exactly():
    config = AugmentConfig(flip=True, shift=0.0)
    images = grey_ramp(200)
    seen = weak_view(images, config, generator())
    original, mirrored = images.float() / 255, images.flip(3).float() / 255
    is_same = (seen - original).abs().amax((1, 2, 3)) < 1e-4
    is_mirrored = (seen - mirrored).abs().amax((1, 2, 3)) < 1e-4
    assert (is_same ^ is_mirrored).all()
    assert 70 < is_mirrored.sum() < 130


def test_weak_view__shifts_by_whole_pixels_so_that_nothing_is_blurred():
    images = torch.zeros(64, 3, 16, 16, dtype=torch.uint8)
    images[:, :, 8, 8] = 255
    seen = weak_view(images, AugmentConfig(shift=0.2), generator())
    brightest = seen[:, 0].flatten(1).max(dim=1)
    assert torch.allclose(brightest.values, torch.ones(64), atol=1e-3)
    offsets = torch.stack([brightest.indices // 16 - 8, brightest.indices % 16 - 8])
    assert offsets.abs().max() == 3  # 0.2 * 16 = 3.2
    assert len(offsets.unique(dim=1).T) > 15


def test_strong_view__erases_with_the_colour_that_the_model_sees_as_zero():
    config = AugmentConfig(flip=False, shift=0.0, rotate=0.0, zoom=0.0, colour=0.0, cutout=0.5)
    seen = strong_view(torch.zeros(100, 3, 16, 16, dtype=torch.uint8), config, generator())
    assert set(seen.unique().tolist()) == {0.0, 0.5}
    assert (seen == 0.5).flatten(1).float().mean(dim=1).max() <= 0.25 + 1e-6


def test_strong_view__turns_by_at_most_the_angle():
    images = torch.zeros(200, 3, 33, 33, dtype=torch.uint8)
    images[:, :, 16, 16:] = 255  # a hand that points to the right from the centre
    config = AugmentConfig(flip=False, shift=0.0, rotate=30.0, zoom=0.0, colour=0.0, cutout=0.0)
    seen = strong_view(images, config, generator())[:, 0]
    rows, columns = torch.meshgrid(torch.arange(33.0) - 16, torch.arange(33.0) - 16, indexing="ij")
    angles = torch.rad2deg(torch.atan2((seen * rows).sum((1, 2)), (seen * columns).sum((1, 2))))
    assert 25 < angles.abs().max() < 31
    assert angles.min() < 0 < angles.max()
