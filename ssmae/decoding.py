"""Files become pixels of one size: upright, undistorted, three channels of 8 bits, or a refusal.

Needs neither torch nor anything else of ours but the errors, so that a process that only decodes starts quickly.

Dimensions: C channels (3), H and W side in pixels.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from ssmae.errors import UnreadableImage

_HONEST_MODES = {"1", "L", "LA", "P", "PA", "RGB", "RGBA"}
_DEEP = re.compile(r";16[BLN]")  # not ";16", a BMP's 5, 6 and 5 bits
_LARGEST_VALUE = 255
_LARGEST_PIXELS = 89_478_485  # Pillow's own bound for a decompression bomb


def decode_image(source: Path | bytes, image_size: int) -> NDArray[np.uint8]:
    """Turn a file into pixels of one size: upright, undistorted, three channels.

    EXIF orientation is applied; the longer side is brought to `image_size` with an antialiased Lanczos filter; the rest
    is filled with the image's own mean colour. Transparent pixels are laid over white. An image of the right size
    comes back byte for byte.

    Args:
        source: a path, or the bytes of a file.
        image_size: side S of the result in pixels.

    Returns:
        uint8 array of shape (3, S, S).

    Raises:
        UnreadableImage: not an image, truncated, too large, or with colours (CMYK, 16 bit) that have no honest
            conversion to 8-bit RGB.
    """
    name = _name(source)
    with _open(source) as opened:
        if opened.width * opened.height > _LARGEST_PIXELS:
            raise UnreadableImage(f"{name}: at most {_LARGEST_PIXELS} pixels. Got {opened.width}x{opened.height}.")
        if opened.mode not in _HONEST_MODES:
            raise UnreadableImage(f"{name}: colours must be one of {sorted(_HONEST_MODES)}. Got {opened.mode}.")
        if _is_deep(opened):
            raise UnreadableImage(f"{name}: colours must have 8 bits a channel. Got more.")
        # Lets the JPEG decoder skip detail that is thrown away below; no effect on other formats.
        opened.draft("RGB", (2 * image_size, 2 * image_size))
        ImageOps.exif_transpose(opened, in_place=True)  # in place: a copy of a small image costs as much as it
        upright = _to_rgb(opened)
    return _fit(upright, image_size)


def longer_side(source: Path | bytes) -> int:
    """The longer side of a file's image in pixels, read from its header.

    Raises:
        UnreadableImage: not an image.
    """
    with _open(source) as opened:
        return max(opened.size)


def _name(source: Path | bytes) -> str:
    return str(source) if isinstance(source, Path) else f"{len(source)} bytes"


@contextmanager
def _open(source: Path | bytes) -> Iterator[Image.Image]:
    """A block with an opened image, in which whatever Pillow raises on a broken file becomes a refusal."""
    name = _name(source)
    try:
        with Image.open(source if isinstance(source, Path) else io.BytesIO(source)) as opened:
            yield opened
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise UnreadableImage(f"{name}: {error}") from error
    except (OSError, SyntaxError, ValueError, EOFError) as error:  # what Pillow's decoders raise on broken files
        raise UnreadableImage(f"{name}: not a readable image ({error}).") from error


def _is_deep(opened: Image.Image) -> bool:
    """Whether Pillow would cut 16-bit colours to 8 bits; it opens such files as RGB, and only the raw mode tells."""
    for tile in getattr(opened, "tile", ()):
        form, *rest = tile.args if isinstance(tile.args, tuple) else (tile.args,)
        if _DEEP.search(str(form)) or (tile.codec_name in {"ppm", "ppm_plain"} and rest and rest[-1] > _LARGEST_VALUE):
            return True
    return False


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode in {"LA", "PA", "RGBA"} or "transparency" in image.info:
        layers = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", layers.size, (255, 255, 255, 255)), layers)
    return image if image.mode == "RGB" else image.convert("RGB")


def _fit(image: Image.Image, image_size: int) -> NDArray[np.uint8]:
    scale = image_size / max(image.size)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    if size != image.size:
        shrinks = size[0] < image.width
        image = image.resize(size, Image.Resampling.LANCZOS if shrinks else Image.Resampling.BICUBIC)
    pixels_HWC = np.asarray(image, dtype=np.uint8)
    if size != (image_size, image_size):
        mean_C = pixels_HWC.mean(axis=(0, 1)).round().astype(np.uint8)
        canvas_HWC = np.broadcast_to(mean_C, (image_size, image_size, 3)).copy()
        top, left = (image_size - size[1]) // 2, (image_size - size[0]) // 2
        canvas_HWC[top : top + size[1], left : left + size[0]] = pixels_HWC
        pixels_HWC = canvas_HWC
    return np.ascontiguousarray(pixels_HWC.transpose(2, 0, 1))
