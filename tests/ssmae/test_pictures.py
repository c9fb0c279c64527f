"""Pictures show the very pixels they are given, and bars as high as the figures say."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import ImageColor

from ssmae.errors import InvalidData
from ssmae.metrics import reliability
from ssmae.pictures import Group, Panel, reliability_diagram, sheet
from ssmae.pictures.paper import ACCENT, PAPER, fitted, width_of


def groups(count: int, side: int, tiles: int = 1) -> list[Group]:
    generator = np.random.default_rng(0)
    pixels = generator.integers(0, 200, (count, tiles, 3, side, side), dtype=np.uint8)
    return [Group(tuple(stack), f"image {index}") for index, stack in enumerate(pixels)]


def shows(page: np.ndarray, tile_CHW: np.ndarray, factor: int) -> bool:
    """Whether the tile stands somewhere on the page, each of its pixels a square of `factor` pixels."""
    wanted = tile_CHW.transpose(1, 2, 0).repeat(factor, 0).repeat(factor, 1)
    height, width = wanted.shape[:2]
    corners = np.argwhere((page[: 1 - height, : 1 - width] == wanted[0, 0]).all(axis=2))
    return any((page[y : y + height, x : x + width] == wanted).all() for y, x in corners)


@pytest.mark.parametrize(("side", "factor"), [(8, 16), (28, 5), (200, 1)])
def test_sheet__enlarges_small_images_pixel_for_pixel(side, factor):
    shown = groups(7, side, tiles=2)
    page = np.asarray(sheet("Title", "How to read it.", ["left", "right"], shown))
    assert all(shows(page, tile, factor) for group in shown for tile in group.tiles)


def test_sheet__stays_on_a_light_page_of_bounded_width():
    page = sheet("Title", "How to read it. " * 20, [""], groups(30, 28))
    assert page.getpixel((2, 2)) == ImageColor.getrgb(PAPER)
    assert page.width <= 1420


def test_sheet__refuses_tiles_that_do_not_match():
    with pytest.raises(InvalidData, match="groups of 2 tiles"):
        sheet("Title", "", ["left", "right"], groups(2, 8))
    with pytest.raises(InvalidData, match="of one size"):
        sheet("Title", "", [""], [*groups(1, 8), *groups(1, 16)])
    with pytest.raises(InvalidData, match="groups of 1 tiles"):
        sheet("Title", "", [""], [])


def test_fitted__cuts_what_is_too_long():
    cut = fitted("a_very_long_name_of_a_class/0001", 100, 16)
    assert cut.endswith("…")
    assert width_of(cut, 16) <= 100
    assert fitted("short", 100, 16) == "short"


def test_reliability_diagram__draws_each_bar_as_high_as_its_accuracy():
    # One bin, 0.8 to 1, of 100 images of which 60 are right.
    bins = reliability(np.full(100, 0.9), np.arange(100) < 60, bins=5)
    page = np.asarray(reliability_diagram("Title", "How to read it.", [Panel("as trained", bins)]))
    rows = np.flatnonzero((page == ImageColor.getrgb(ACCENT)).all(axis=2).any(axis=1))
    assert np.ptp(rows) == pytest.approx(0.6 * 440, abs=2)
