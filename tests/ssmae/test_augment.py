"""Views are honest pictures: in range, drawn per image, and the image itself when everything is switched off."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from ssmae.augment import strong_view, weak_view
from ssmae.config import AugmentConfig

OFF = AugmentConfig(flip=False, shift=0.0, rotate=0.0, zoom=0.0, colour=0.0, tone=0.0, cutout=0.0)
EVERYTHING = AugmentConfig(flip=True, shift=0.2, rotate=30.0, zoom=0.2, colour=1.0, tone=1.0, cutout=0.5)
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
    seen = view(images, EVERYTHING, generator(1))
    assert seen.shape == images.shape
    assert seen.dtype == torch.float32
    assert seen.min() >= 0
    assert seen.max() <= 1
    assert len({tuple(image.flatten().tolist()) for image in seen}) > 8


@VIEWS
def test_views__are_the_same_for_the_same_generator(view):
    images = torch.randint(256, (4, 3, 16, 16), dtype=torch.uint8, generator=generator())
    assert torch.equal(view(images, EVERYTHING, generator(3)), view(images, EVERYTHING, generator(3)))
    assert not torch.equal(view(images, EVERYTHING, generator(3)), view(images, EVERYTHING, generator(4)))


@VIEWS
def test_views__of_a_smooth_ramp_have_no_jumps(view):
    # A value that wraps round 255, as negative ones do on their way through a byte, jumps by nearly 1.
    step = 4 / 255
    ramp = (torch.arange(64) * 4).to(torch.uint8).expand(64, 3, 64, 64)
    seen = view(ramp, AugmentConfig(flip=True, shift=0.2, colour=0.3, cutout=0.0), generator())
    steepest = 1.3 * 1.3 * 1.3  # brightness, contrast, and zoom with shear
    assert seen.diff(dim=3).abs().max() < steepest * step
    assert seen.diff(dim=2).abs().max() < steepest * step


def test_views__of_bytes_and_of_floats_are_the_same():
    for view in (weak_view, strong_view):
        seen, expected = (
            view(grey_ramp().float() / 255, EVERYTHING, generator()),
            view(grey_ramp(), EVERYTHING, generator()),
        )
        assert torch.equal(seen, expected)


def test_weak_view__flips_about_half_of_the_images_exactly():
    images = grey_ramp(200)
    seen = weak_view(images, replace(OFF, flip=True), generator())
    original, mirrored = images.float() / 255, images.flip(3).float() / 255
    is_same, is_mirrored = ((seen == whole).flatten(1).all(dim=1) for whole in (original, mirrored))
    assert (is_same ^ is_mirrored).all()
    assert 70 < is_mirrored.sum() < 130


def test_weak_view__shifts_by_every_number_of_whole_pixels_alike():
    images = torch.zeros(4900, 3, 16, 16, dtype=torch.uint8)
    images[:, :, 8, 8] = 255
    seen = weak_view(images, replace(OFF, shift=0.2), generator())[:, 0].flatten(1)
    assert ((seen == 1).sum(dim=1) == 1).all()
    position = seen.argmax(dim=1)
    offsets, counts = torch.stack([position // 16 - 8, position % 16 - 8]).unique(dim=1, return_counts=True)
    assert offsets.abs().max() == 3  # 0.2 * 16 = 3.2
    assert len(counts) == 49
    assert counts.min() > 65  # of 100; four standard deviations are 40


def test_weak_view__shows_the_edge_mirrored_where_the_image_ends():
    row = torch.arange(8, dtype=torch.uint8)
    seen = (weak_view(row.expand(100, 3, 8, 8), replace(OFF, shift=0.25), generator()) * 255).round().long()
    allowed = {-2: [1, 0, 0, 1, 2, 3, 4, 5], -1: [0, 0, 1, 2, 3, 4, 5, 6], 0: list(range(8))}
    allowed |= {1: [1, 2, 3, 4, 5, 6, 7, 7], 2: [2, 3, 4, 5, 6, 7, 7, 6]}
    assert {tuple(one) for one in seen[:, 0, 0].tolist()} == {tuple(one) for one in allowed.values()}


def test_strong_view__without_turning_or_zooming_moves_whole_pixels():
    images = torch.randint(256, (16, 3, 16, 16), dtype=torch.uint8, generator=generator())
    config = replace(OFF, flip=True, shift=0.2)
    assert torch.equal(strong_view(images, config, generator(1)), weak_view(images, config, generator(1)))


def test_strong_view__moves_as_the_weak_view_does_before_it_turns():
    images = torch.randint(256, (16, 3, 16, 16), dtype=torch.uint8, generator=generator())
    config = replace(OFF, flip=True, shift=0.2)
    hardly_turned = strong_view(images, replace(config, rotate=1e-4), generator(1))
    assert torch.allclose(hardly_turned, weak_view(images, config, generator(1)), atol=1e-3)


def test_strong_view__erases_with_the_colour_that_the_model_sees_as_zero():
    images = torch.zeros(100, 3, 16, 16, dtype=torch.uint8)
    seen = strong_view(images, replace(OFF, cutout=0.5), generator())
    assert set(seen.unique().tolist()) == {0.0, 0.5}
    assert (seen == 0.5).flatten(1).float().mean(dim=1).max() <= 0.25 + 1e-6


def test_strong_view__turns_by_at_most_the_angle():
    images = torch.zeros(200, 3, 33, 33, dtype=torch.uint8)
    images[:, :, 16, 16:] = 255  # a hand that points to the right from the centre
    seen = strong_view(images, replace(OFF, rotate=30.0), generator())[:, 0]
    rows, columns = torch.meshgrid(torch.arange(33.0) - 16, torch.arange(33.0) - 16, indexing="ij")
    angles = torch.rad2deg(torch.atan2((seen * rows).sum((1, 2)), (seen * columns).sum((1, 2))))
    assert 25 < angles.abs().max() < 31
    assert angles.min() < 0 < angles.max()
