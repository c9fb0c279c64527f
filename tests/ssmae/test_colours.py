"""Each change of colour does what its name says, against values worked out by hand, and can be switched off."""

from __future__ import annotations

import pytest
import torch

from ssmae.colours import autocontrast, posterise, recolour, retone, sharpen, solarise

GREYS = torch.arange(256).reshape(1, 1, 16, 16).expand(1, 3, 16, 16) / 255


def of_each(*values):
    """One number for each image."""
    return torch.tensor(values)[:, None, None, None]


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def in_bytes(images):
    return (images * 255).round().long()


def test_posterise__keeps_the_high_bits_of_each_image_as_told():
    images = (torch.tensor([0, 7, 8, 103.4, 103.6, 255]) / 255).expand(3, 3, 1, 6)
    seen = in_bytes(posterise(images, of_each(0, 3, 4).to(torch.uint8)))
    assert seen[:, 0, 0].tolist() == [[0, 7, 8, 103, 104, 255], [0, 0, 8, 96, 104, 248], [0, 0, 0, 96, 96, 240]]


def test_posterise__never_takes_a_byte_for_its_lower_neighbour():
    for removed in range(8):
        seen = in_bytes(posterise(GREYS, of_each(removed).to(torch.uint8)))
        assert torch.equal(seen, torch.arange(256).reshape(16, 16).expand(1, 3, 16, 16) >> removed << removed)


def test_solarise__inverts_what_is_brighter_than_each_image_s_threshold():
    images = torch.tensor([0.0, 0.25, 0.75, 1.0]).expand(3, 3, 1, 4)
    seen = solarise(images, of_each(1.0, 0.5, 0.1))
    assert seen[:, 0, 0].tolist() == [[0, 0.25, 0.75, 1], [0, 0.25, 0.25, 0], [0, 0.75, 0.25, 0]]


def test_autocontrast__stretches_each_channel_by_a_share():
    image = torch.tensor([[0.25, 0.5, 0.75], [0.5, 0.75, 1.0], [0.5, 0.5, 0.5]])[:, None]
    seen = autocontrast(image.expand(3, 3, 1, 3), of_each(0.0, 0.5, 1.0))
    assert torch.equal(seen[0], image)
    assert seen[1, 0, 0].tolist() == [0.125, 0.5, 0.875]
    assert seen[2, :, 0].tolist() == [[0, 0.5, 1], [0, 0.5, 1], [0.5, 0.5, 0.5]]  # a flat channel stays


def test_sharpen__scales_the_difference_from_the_surroundings():
    dot = torch.zeros(3, 3, 5, 5)
    dot[:, :, 2, 2] = 0.5
    seen = sharpen(dot, of_each(0.0, 1.0, 2.0))
    blurred = torch.tensor([[1, 1, 1], [1, 5, 1], [1, 1, 1]]) / 13 * 0.5
    assert torch.allclose(seen[0, 0, 1:4, 1:4], blurred)
    assert torch.equal(seen[1], dot[1])
    assert torch.allclose(seen[2, 0, 2, 2], torch.tensor(0.5 + 0.5 * 8 / 13))
    assert (seen[2, 0, 1, 1:4] == 0).all()  # -0.5 / 13, which is no colour
    assert torch.allclose(sharpen(torch.full((1, 3, 5, 5), 0.3), of_each(0.0)), torch.tensor(0.3))


def test_recolour__is_brightness_then_contrast_then_saturation():
    images = torch.rand(200, 3, 6, 6, generator=generator()) * 0.4 + 0.3
    seen = recolour(images, 0.2, generator(1))
    drawn = torch.rand(6, 200, generator=generator(1))
    brightness, contrast, saturation = (
        torch.where(drawn[row] < 0.5, 0.8 + 0.4 * drawn[row + 3], 1.0)[:, None, None, None] for row in range(3)
    )
    expected = images * brightness
    expected = expected.mean((1, 2, 3), keepdim=True).lerp(expected, contrast)
    expected = expected.mean(1, keepdim=True).lerp(expected, saturation).clamp(0, 1)
    assert torch.allclose(seen, expected, atol=1e-6)


def test_recolour__leaves_about_an_eighth_of_the_images_exactly_alone():
    images = torch.rand(400, 3, 6, 6, generator=generator())
    is_same = (recolour(images, 1.0, generator(1)) == images).flatten(1).all(dim=1)
    assert 25 < is_same.sum() < 80


@pytest.mark.parametrize("change", [recolour, retone])
def test_changes__of_strength_0_are_the_identity(change):
    images = torch.cat([GREYS, torch.rand(31, 3, 16, 16, generator=generator())])
    assert torch.equal(change(images, 0.0, generator(1)), images)


def test_recolour__keeps_the_order_of_greys_so_that_nothing_wraps():
    seen = recolour(GREYS.expand(100, 3, 16, 16), 1.0, generator())
    assert seen[:, 0].flatten(1).diff(dim=1).min() >= 0
    assert (seen.amax((1, 2, 3)) > seen.amin((1, 2, 3))).float().mean() > 0.9


def test_retone__changes_some_images_in_each_way_and_leaves_others_exactly_alone():
    images = (GREYS * 0.5 + 0.25).expand(400, 3, 16, 16)
    seen = retone(images, 1.0, generator())
    is_same = (seen == images).flatten(1).all(dim=1)
    assert 90 < is_same.sum() < 165  # 0.75 ** 4 of 400 are 127
    assert seen.min() >= 0
    assert seen.max() <= 1
    greys = seen[:, 0].flatten(1)
    assert ((greys.amax(dim=1) - greys.amin(dim=1)) > 0.55).sum() > 30  # stretched
    assert (greys.diff(dim=1).amin(dim=1) < -0.02).sum() > 30  # inverted in part
    levels = torch.tensor([len(one.unique()) for one in greys])
    assert {8, 16} & set(levels[~is_same].tolist())  # 4 bits, of half the greys or of all
    assert levels.max() == 256


def test_retone__goes_no_further_than_its_strength():
    images = (GREYS * 0.5 + 0.25).expand(400, 3, 16, 16)
    seen = retone(images, 0.1, generator())
    assert not torch.equal(seen, images)
    assert (seen - images).abs().max() < 0.05
