"""Whether bytes are an image that people and the learner see alike, and its size the right way up.

Accepted: JPEG, PNG, GIF, BMP, WebP, TIFF, PPM/PGM/PBM, AVIF and JPEG 2000 with one picture, decoded whole, so that a
file cut off at its last byte is found today and not in a round at night. The rule for colours: 8 bits a channel, grey,
palette or RGB, with or without transparency. CMYK is refused, because its RGB colours depend on a printer's profile;
more than 8 bits (of PNG, TIFF and PPM; AVIF and JPEG 2000 define their own way to 8) and floating-point numbers are
refused, grey or coloured, because the learner would silently see the upper 8 bits only. What is accepted here,
`ssmae.data.decode_image` accepts too; a test compares.
"""

from __future__ import annotations

import io
import re
import warnings
from dataclasses import dataclass

from PIL import Image, UnidentifiedImageError

from app.formats.entries import InvalidEntry

LARGEST_PIXELS = 89_478_485
"""Pillow's own bound for a decompression bomb: 256 MiB as RGB."""
SHORTEST_SIDE = 2
LONGEST_SIDE = 20_000
SUFFIXES = {
    "JPEG": ".jpg",
    "MPO": ".jpg",  # a JPEG that carries a second view or a preview, as many cameras write
    "PNG": ".png",
    "GIF": ".gif",
    "BMP": ".bmp",
    "WEBP": ".webp",
    "TIFF": ".tif",
    "PPM": ".ppm",
    "AVIF": ".avif",
    "JPEG2000": ".jp2",
}
"""Format → suffix under which the bytes are kept, whatever the file was called."""

_DEEP = re.compile(r";16[BLN]")  # not ";16", a BMP's 5, 6 and 5 bits
_LARGEST_VALUE = 255
_DECODERS = tuple(name for name in SUFFIXES if name != "MPO")  # Pillow reads MPO through its JPEG decoder
_HONEST_MODES = frozenset({"1", "L", "LA", "P", "PA", "RGB", "RGBA"})
_ORIENTATION, _LYING = 0x0112, frozenset({5, 6, 7, 8})
_KNOWN_STRANGERS = (
    (b"%PDF", "a PDF document"),
    (b"%!PS", "a PostScript document"),
    (b"8BPS", "a Photoshop document"),
    (b"PK\x03\x04", "a zip archive or an office document; archives inside a source are not opened"),
    (b"<svg", "a drawing (SVG), not pixels"),
    (b"<?xml", "an XML document"),
    (b"<!DOCTYPE", "a web page"),
    (b"\x93NUMPY", "a NumPy array"),
)

# A picture above the bound must not be decoded with a remark; this filter is the only way Pillow offers.
warnings.simplefilter("error", Image.DecompressionBombWarning)
# All decoders now: they register themselves one by one, which threads must not watch.
Image.init()


@dataclass(frozen=True)
class ImageFacts:
    """What is kept of a picture besides its bytes: width and height are those of the upright picture."""

    suffix: str
    width: int
    height: int


def inspect(content: bytes) -> ImageFacts:
    """Decode an image once and say what it is.

    Raises:
        InvalidEntry: no image, broken, or one that cannot be shown honestly; the message says which.
    """
    if not content:
        raise InvalidEntry("The file is empty (zero bytes).")
    try:
        with Image.open(io.BytesIO(content), formats=_DECODERS) as opened:
            _check(opened)
            width, height = opened.size
            if opened.format in {"JPEG", "MPO"}:
                # An eighth of the size: the whole stream is still decoded, so a file that is cut off still shows.
                opened.draft("RGB", (1, 1))
            opened.load()
            if opened.getexif().get(_ORIENTATION) in _LYING:
                width, height = height, width
            return ImageFacts(SUFFIXES[opened.format or ""], width, height)
    except InvalidEntry:
        raise
    except UnidentifiedImageError:
        raise InvalidEntry(_stranger(content)) from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise InvalidEntry(f"A decompression bomb: more than {LARGEST_PIXELS:,} pixels.") from None
    except MemoryError:
        raise InvalidEntry("Decoding it needs more memory than there is.") from None
    except Exception as error:  # decoders of untrusted bytes raise nearly anything
        why = str(error) or type(error).__name__
        state = "truncated" if "truncated" in why.lower() or isinstance(error, EOFError) else "damaged"
        raise InvalidEntry(f"The image is {state}: {why}.") from error


def _check(opened: Image.Image) -> None:
    """Refuse by what the header says, before pixels are decoded."""
    width, height = opened.size
    if width * height > LARGEST_PIXELS:
        raise InvalidEntry(
            f"A decompression bomb: {width:,} × {height:,} pixels; at most {LARGEST_PIXELS:,} are taken."
        )
    if min(width, height) < SHORTEST_SIDE or max(width, height) > LONGEST_SIDE:
        raise InvalidEntry(
            f"{width:,} × {height:,} pixels; each side must have {SHORTEST_SIDE} to {LONGEST_SIDE:,} pixels."
        )
    if opened.format != "MPO" and getattr(opened, "n_frames", 1) > 1:
        raise InvalidEntry(
            f"It holds {getattr(opened, 'n_frames', 0)} pictures (animation or pages); save the one that counts."
        )
    if opened.mode == "CMYK":
        raise InvalidEntry("CMYK colours: their look depends on a printer's profile; save it as RGB.")
    if opened.mode.startswith(("I", "F")) or _is_deep(opened):
        raise InvalidEntry(
            f"More than 8 bits a channel (mode {opened.mode}): it would be cut to 8 without a word; "
            "choose the range that counts and convert it to 8 bits."
        )
    if opened.mode not in _HONEST_MODES:
        raise InvalidEntry(f"Colours in mode {opened.mode}; save it as 8-bit grey or RGB.")


def _is_deep(opened: Image.Image) -> bool:
    """Whether a colour picture has more than 8 bits a channel, which Pillow opens as RGB; asked before it is decoded.

    `ssmae.data` asks the same; it must not be imported here, because it needs torch.
    """
    for tile in getattr(opened, "tile", ()):
        form, *rest = tile.args if isinstance(tile.args, tuple) else (tile.args,)
        if _DEEP.search(str(form)) or (tile.codec_name in {"ppm", "ppm_plain"} and rest and rest[-1] > _LARGEST_VALUE):
            return True
    return False


def _stranger(content: bytes) -> str:
    head = content[:64].lstrip()
    for signature, what in _KNOWN_STRANGERS:
        if head.startswith(signature):
            return f"Not an image but {what}."
    if content[4:8] == b"ftyp" and content[8:12] in {b"heic", b"heix", b"hevc", b"mif1", b"msf1"}:
        return "A HEIC photograph, which is not supported: save it as JPEG."
    return "Not an image in a supported format (JPEG, PNG, GIF, BMP, WebP, TIFF, PPM, AVIF, JPEG 2000)."
