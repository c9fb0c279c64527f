"""Files become pixels honestly, or are refused."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from ssmae.decoding import decode_image, longer_side
from ssmae.errors import UnreadableImage


def as_bytes(image, kind="PNG", **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def test_decode_image__returns_an_image_of_the_right_size_byte_for_byte(digits):
    pixels = digits[0][0]
    decoded = decode_image(as_bytes(Image.fromarray(pixels[0])), 8)
    assert np.array_equal(decoded, pixels)


def test_decode_image__honours_the_exif_orientation():
    pixels = np.zeros((8, 8, 3), np.uint8)
    pixels[0] = 255  # a white top row
    exif = Image.Exif()
    exif[0x0112] = 6  # "turn by 90 degrees clockwise to see it upright"
    decoded = decode_image(as_bytes(Image.fromarray(pixels), exif=exif), 8)
    assert (decoded[:, :, 7] == 255).all()
    assert (decoded[:, :, :7] == 0).all()


def test_decode_image__keeps_the_aspect_and_pads_with_the_mean_colour():
    pixels = np.zeros((4, 8, 3), np.uint8)
    pixels[:, :4], pixels[:, 4:] = (200, 0, 0), (100, 0, 50)
    decoded = decode_image(as_bytes(Image.fromarray(pixels)), 8)
    assert np.array_equal(decoded[:, 2:6], pixels.transpose(2, 0, 1))
    assert decoded[:, 0, 0].tolist() == [150, 0, 25]


def test_decode_image__averages_when_shrinking_instead_of_picking_pixels():
    checkerboard = (np.indices((64, 64)).sum(0) % 2 * 255).astype(np.uint8)
    decoded = decode_image(as_bytes(Image.fromarray(checkerboard)), 8)
    assert np.abs(decoded.astype(int) - 127).max() <= 3


def test_decode_image__lays_transparent_pixels_over_white():
    clear = Image.new("RGBA", (8, 8), (255, 0, 0, 0))
    assert (decode_image(as_bytes(clear), 8) == 255).all()


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"not an image at all", id="text"),
        pytest.param(as_bytes(Image.effect_noise((64, 64), 50))[:600], id="truncated"),
        pytest.param(as_bytes(Image.new("CMYK", (8, 8)), "JPEG"), id="cmyk"),
        pytest.param(as_bytes(Image.new("I;16", (8, 8))), id="sixteen bit"),
    ],
)
def test_decode_image__refuses_what_it_cannot_convert_honestly(broken):
    with pytest.raises(UnreadableImage):
        decode_image(broken, 8)


def test_longer_side__reads_the_header_and_refuses_what_is_no_image():
    file = io.BytesIO()
    Image.new("RGB", (20, 30)).save(file, "PNG")
    assert longer_side(file.getvalue()) == 30
    with pytest.raises(UnreadableImage, match="10 bytes: not a readable image"):
        longer_side(b"ten bytes!")
