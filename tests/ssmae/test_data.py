"""Images become pixels honestly, and what does not fit together is refused."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from ssmae.data import ImageStore, RoundData, decode_image, load_images
from ssmae.errors import InvalidData, UnreadableImage


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


def test_load_images__keeps_the_order_and_reports_progress(tmp_path, digits):
    paths = []
    for index in range(150):
        paths.append(tmp_path / f"{index}.png")
        Image.fromarray(digits[0][index, 0]).save(paths[-1])
    seen = []
    store = load_images(paths, 8, lambda done, total: seen.append((done, total)))
    assert np.array_equal(store.images_NCHW, digits[0][:150])
    assert seen[-1] == (150, 150)


def test_load_images__names_the_file_that_is_broken(tmp_path):
    path = tmp_path / "broken.png"
    path.write_bytes(b"nothing")
    with pytest.raises(UnreadableImage, match=r"broken\.png"):
        load_images([path], 8)


def test_image_store__is_the_same_from_memory_and_from_a_memory_map(tmp_path, digits):
    store = ImageStore(digits[0][:20])
    store.save(tmp_path / "images.npy")
    mapped = ImageStore.open(tmp_path / "images.npy")
    wanted = torch.tensor([3, 19, 3])
    device = torch.device("cpu")
    assert torch.equal(store.on(device).take(wanted), mapped.on(device).take(wanted))


def test_image_store__refuses_floats():
    with pytest.raises(InvalidData, match="uint8"):
        ImageStore(np.zeros((2, 3, 8, 8), np.float32))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"labels_N": np.zeros(3, np.int64)}, "one entry per image: 4"),
        ({"labels_N": np.array([0, 1, 2, -1])}, "labels_N must lie in -1..1"),
        ({"labels_N": np.array([0, 1, -1, 0])}, "must not also teach"),
        ({"validation_index_V": np.array([3, 3]), "validation_labels_V": np.array([0, 0])}, "twice"),
        ({"validation_index_V": np.array([4])}, r"validation_index_V must lie in 0\.\.3"),
        ({"validation_labels_V": np.array([-1])}, "validation_labels_V must lie"),
        ({"validation_labels_V": np.array([0, 1])}, "same length"),
        ({"class_names": ("a", "a")}, "distinct"),
        ({"labels_N": np.array([0.0, 1, -1, -1])}, "int64"),
    ],
)
def test_round_data__refuses_arrays_that_do_not_fit(changes, words):
    fields: dict[str, Any] = {
        "images": ImageStore(np.zeros((4, 3, 8, 8), np.uint8)),
        "labels_N": np.array([0, 1, -1, -1]),
        "validation_index_V": np.array([3]),
        "validation_labels_V": np.array([0]),
        "class_names": ("a", "b"),
    }
    RoundData(**fields)
    with pytest.raises(InvalidData, match=words):
        RoundData(**fields | changes)
