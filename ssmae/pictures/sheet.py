"""Images side by side, enlarged without smoothing, with captions in words.

Dimensions: C channels (3), H and W side in pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ssmae.errors import InvalidData
from ssmae.pictures.paper import CAPTION, FAINT_INK, INK, LINE, MARGIN, fitted, font, heading_height, page

LEAST_SIDE, WIDEST = 128, 1420
"""Side of a tile in pixels, at least; and width of a sheet, at most where one group fits into it."""
_GAP, _BETWEEN = 6, 30


@dataclass(frozen=True)
class Group:
    """Tiles that belong together, in one row.

    Attributes:
        tiles: uint8 images of shape (3, H, W), all groups alike.
        caption: what is written below them.
    """

    tiles: tuple[NDArray[np.uint8], ...]
    caption: str


def sheet(title: str, note: str, headings: Sequence[str], groups: Sequence[Group]) -> Image.Image:
    """Draw groups in rows, as many a row as fit.

    Small images are enlarged by a whole factor, pixel for pixel, to at least 128 pixels.

    Args:
        title: what is shown.
        note: how to read it.
        headings: one for each tile of a group, above every column; empty strings for none.
        groups: at least one.

    Raises:
        InvalidData: no group, or groups that differ in size or number of tiles.
    """
    shapes = {tuple(tile.shape for tile in group.tiles) for group in groups}
    if len(shapes) != 1 or len(next(iter(shapes))) != len(headings) or not headings:
        raise InvalidData(f"A sheet needs groups of {len(headings)} tiles of one size. Got {sorted(shapes)}.")
    side = groups[0].tiles[0].shape[1]
    factor = max(1, -(-LEAST_SIDE // side))
    tile = side * factor
    width = len(headings) * (tile + _GAP) - _GAP
    across = min(len(groups), max(1, (WIDEST - 2 * MARGIN + _BETWEEN) // (width + _BETWEEN)))
    total = max(across * (width + _BETWEEN) - _BETWEEN + 2 * MARGIN, 640)
    has_headings = any(headings)
    top, row_height = heading_height(note, total) + 24 * has_headings, tile + 44
    image, draw = page(total, top + -(-len(groups) // across) * row_height + MARGIN - 14, title, note)
    for index, group in enumerate(groups):
        row, column = divmod(index, across)
        x, y = MARGIN + column * (width + _BETWEEN), top + row * row_height
        for place, (pixels_CHW, heading) in enumerate(zip(group.tiles, headings, strict=True)):
            left = x + place * (tile + _GAP)
            if row == 0:
                draw.text((left, top - 24), fitted(heading, tile, CAPTION), FAINT_INK, font(CAPTION))
            draw.rectangle((left - 1, y - 1, left + tile, y + tile), outline=LINE)
            image.paste(_enlarged(pixels_CHW, factor), (left, y))
        draw.text((x, y + tile + 6), fitted(group.caption, width, CAPTION), INK, font(CAPTION))
    return image


def _enlarged(pixels_CHW: NDArray[np.uint8], factor: int) -> Image.Image:
    return Image.fromarray(np.ascontiguousarray(pixels_CHW.transpose(1, 2, 0).repeat(factor, 0).repeat(factor, 1)))
