"""Image bytes for the browser: small copies, kept once made, and formats that browsers cannot show as PNG.

A copy is the upright picture, never larger than the original: a small image is handed out as it is and scaled by the
browser, without blur if the person wants that. Files appear whole or not at all, so two requests may race.
"""

from __future__ import annotations

import io
from pathlib import PurePosixPath

from PIL import Image, ImageOps

from app.errors import NotFound, Refused
from app.storage import Storage, image_key

SIDES = (96, 256, 1024)
"""Longest sides that are kept; anything else is refused, so that nobody can fill the disk with sizes."""
MEDIA_TYPES = {
    ".jpg": "image/jpeg",
    ".png": "image/png",
    ".gif": "image/gif",
    ".bmp": "image/bmp",
    ".webp": "image/webp",
    ".tif": "image/tiff",
    ".ppm": "image/x-portable-anymap",
    ".avif": "image/avif",
    ".jp2": "image/jp2",
}
_SHOWN = frozenset({".jpg", ".png", ".gif", ".webp", ".avif"})
"""What every current browser shows."""


def get(storage: Storage, sha256: str, suffix: str, side: int) -> tuple[bytes, str]:
    """An image for a grid or a card.

    Args:
        storage: where images are.
        sha256: the image.
        suffix: of its original file.
        side: the longest side, one of `SIDES`.

    Returns:
        Bytes and media type.

    Raises:
        Refused: a side that is not offered.
        NotFound: there is no such image.
    """
    if side not in SIDES:
        raise Refused(f"A thumbnail's side must be one of {list(SIDES)}. Got {side}.")
    key = f"thumbnails/{side}/{sha256[:2]}/{sha256}.webp"
    if (kept := _kept(storage, key)) is not None:
        return kept, MEDIA_TYPES[".webp"]
    original = storage.existing(image_key(sha256, _known(suffix))).read_bytes()
    with Image.open(io.BytesIO(original)) as opened:
        if max(opened.size) <= side:
            return _shown(storage, sha256, suffix, original)
        # The decoder may skip detail down to twice what is needed.
        opened.draft(None, (2 * side, 2 * side))
        upright = _eight_bit(ImageOps.exif_transpose(opened))
    upright.thumbnail((side, side), Image.Resampling.LANCZOS)
    return _keep(storage, key, upright, "WEBP", quality=82, method=2), MEDIA_TYPES[".webp"]


def display_bytes(storage: Storage, sha256: str, suffix: str) -> tuple[bytes, str]:
    """An image in full size, in a format that browsers show: the original, or a lossless PNG of it.

    Raises:
        NotFound: there is no such image.
    """
    return _shown(storage, sha256, suffix, None)


def _shown(storage: Storage, sha256: str, suffix: str, original: bytes | None) -> tuple[bytes, str]:
    place = storage.existing(image_key(sha256, _known(suffix)))
    if suffix in _SHOWN:
        return (original if original is not None else place.read_bytes()), MEDIA_TYPES[suffix]
    key = f"display/{sha256[:2]}/{sha256}.png"
    if (kept := _kept(storage, key)) is not None:
        return kept, MEDIA_TYPES[".png"]
    with Image.open(place) as opened:
        upright = _eight_bit(ImageOps.exif_transpose(opened))
    return _keep(storage, key, upright, "PNG"), MEDIA_TYPES[".png"]


def _known(suffix: str) -> str:
    if suffix not in MEDIA_TYPES:
        raise NotFound(f"There are no images that end in {suffix!r}.")
    return suffix


def _kept(storage: Storage, key: str) -> bytes | None:
    try:
        return storage.path(key).read_bytes()
    except FileNotFoundError:
        return None


def _keep(storage: Storage, key: str, image: Image.Image, kind: str, **options: int) -> bytes:
    assert PurePosixPath(key).suffix in MEDIA_TYPES
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    storage.write(key, buffer.getvalue())
    return buffer.getvalue()


def _eight_bit(image: Image.Image) -> Image.Image:
    """Grey, RGB or RGBA, the modes that both WebP and PNG keep; drops metadata, places included."""
    has_alpha = image.mode in {"LA", "PA", "RGBA"} or "transparency" in image.info
    converted = image.convert("RGBA" if has_alpha else "RGB")
    converted.info.clear()
    return converted
