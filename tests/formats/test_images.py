from __future__ import annotations

import io
import struct
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from app.formats.entries import InvalidEntry
from app.formats.images import inspect
from tests.pictures import picture


@pytest.mark.parametrize(
    ("kind", "suffix"),
    [
        ("PNG", ".png"), ("JPEG", ".jpg"), ("GIF", ".gif"), ("BMP", ".bmp"), ("WEBP", ".webp"), ("TIFF", ".tif"),
        ("PPM", ".ppm"), ("AVIF", ".avif"), ("JPEG2000", ".jp2"),
    ],
)  # fmt: skip
def test_inspect__says_format_and_size_of_every_supported_kind(kind, suffix):
    facts = inspect(picture(kind=kind, size=(40, 30)))
    assert (facts.suffix, facts.width, facts.height) == (suffix, 40, 30)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "RGB", "RGBA", "P"])
def test_inspect__takes_every_eight_bit_mode_and_the_learner_reads_it(mode):
    from ssmae.data import decode_image

    buffer = io.BytesIO()
    Image.new("RGBA", (9, 5), (200, 30, 30, 128)).convert(mode).save(buffer, "PNG")
    assert inspect(buffer.getvalue()).width == 9
    assert decode_image(buffer.getvalue(), 16).shape == (3, 16, 16)


def test_inspect__a_photograph_lying_on_its_side_has_its_upright_size():
    exif = Image.Exif()
    exif[0x0112] = 6
    facts = inspect(picture(kind="JPEG", size=(40, 30), exif=exif))
    assert (facts.width, facts.height) == (30, 40)


def test_inspect__the_suffix_follows_the_bytes():
    assert inspect(picture(kind="MPO", save_all=True, append_images=[Image.new("RGB", (6, 4))])).suffix == ".jpg"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "zero bytes"),
        (b"hello world, this is a text\n", "Not an image"),
        (b"%PDF-1.7 ...", "PDF"),
        (b"\0\0\0\x18ftypheic" + b"\0" * 64, "HEIC"),
        (picture(kind="PNG", size=(200, 200))[:-2000], "truncated"),
        (picture(kind="JPEG", size=(200, 200))[:-2000], "truncated"),
        (picture(kind="BMP", size=(50, 50))[:-900], "truncated"),
        (picture(kind="JPEG", mode="CMYK"), "CMYK"),
        (picture(size=(1, 30)), "each side"),
        (picture(kind="PPM", mode="L", size=(20_001, 2)), "each side"),
        (picture(kind="GIF", mode="P", save_all=True, append_images=[Image.new("P", (6, 4), 9)]), "2 pictures"),
        (picture(kind="TIFF", save_all=True, append_images=[Image.new("RGB", (6, 4))]), "2 pictures"),
        (picture(kind="TIFF", mode="CMYK"), "CMYK"),
        (picture(kind="TIFF", mode="LAB"), "mode LAB"),
    ],
)
def test_inspect__refuses_with_the_reason(content, reason):
    with pytest.raises(InvalidEntry, match=reason):
        inspect(content)


def test_inspect__refuses_sixteen_bit_grey_because_its_range_is_unknown():
    buffer = io.BytesIO()
    Image.new("I;16", (8, 8), 40_000).save(buffer, "PNG")
    with pytest.raises(InvalidEntry, match="8 bits"):
        inspect(buffer.getvalue())


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def deep_png(colour_type: int, channels: int) -> bytes:
    rows = zlib.compress((b"\0" + b"\x12\x34" * 4 * channels) * 4)
    header = struct.pack(">IIBBBBB", 4, 4, 16, colour_type, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def deep_tiff() -> bytes:
    tags = [(256, 4), (257, 4), (258, 122), (259, 1), (262, 2), (273, 128), (277, 3), (278, 4), (279, 96)]
    rows = b"".join(struct.pack("<HHII", tag, 3, 3 if tag == 258 else 1, value) for tag, value in tags)
    return (
        struct.pack("<2sHIH", b"II", 42, 8, len(tags)) + rows + bytes(4) + struct.pack("<HHH", 16, 16, 16) + bytes(96)
    )


@pytest.mark.parametrize(
    "content",
    [deep_png(2, 3), deep_png(4, 2), deep_png(6, 4), deep_tiff(), b"P6\n4 4\n65535\n" + bytes(96)],
    ids=["png rgb", "png grey and alpha", "png rgba", "tiff", "ppm"],
)
def test_inspect__refuses_sixteen_bit_colour_as_the_learner_does(content):
    from ssmae.data import decode_image
    from ssmae.errors import UnreadableImage

    with pytest.raises(InvalidEntry, match="More than 8 bits a channel"):
        inspect(content)
    with pytest.raises(UnreadableImage, match="8 bits a channel"):
        decode_image(content, 16)


def test_inspect__a_bitmap_with_sixteen_bits_a_pixel_is_not_deep():
    header = struct.pack("<IiiHHIIiiII", 40, 4, 4, 1, 16, 0, 32, 0, 0, 0, 0)
    content = b"BM" + struct.pack("<IHHI", 86, 0, 0, 54) + header + bytes(32)
    assert inspect(content).width == 4


@pytest.mark.parametrize("side", [12_000, 19_000])
def test_inspect__refuses_a_decompression_bomb_unpacked(side):
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    parts = (chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(b"\0" * 999)), chunk(b"IEND", b""))
    bomb = b"\x89PNG\r\n\x1a\n" + b"".join(parts)
    with pytest.raises(InvalidEntry, match="decompression bomb"):
        inspect(bomb)


@settings(max_examples=150, deadline=None)
@given(
    kind=st.sampled_from(["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM"]),
    at=st.integers(0, 400),
    junk=st.binary(max_size=6),
    cut=st.integers(0, 40),
)
def test_inspect__damaged_bytes_are_refused_or_readable_for_the_learner_too(kind, at, junk, cut):
    from ssmae.data import decode_image

    whole = picture(kind=kind, size=(12, 9))
    content = whole[:at] + junk + whole[at + len(junk) : len(whole) - cut]
    try:
        inspect(content)
    except InvalidEntry:
        return
    assert decode_image(content, 16).shape == (3, 16, 16)
