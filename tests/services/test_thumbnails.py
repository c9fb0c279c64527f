from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from PIL import Image

from app.errors import NotFound, Refused
from app.services import thumbnails
from app.storage import Storage
from tests.pictures import picture


@pytest.fixture
def storage(tmp_path):
    return Storage(tmp_path)


def opened(content):
    return Image.open(io.BytesIO(content))


def test_get__a_large_image_becomes_a_small_one_that_is_kept(storage):
    sha256 = storage.write_image(picture(kind="JPEG", size=(800, 400)), ".jpg")
    content, media_type = thumbnails.get(storage, sha256, ".jpg", 256)
    assert (opened(content).size, media_type) == ((256, 128), "image/webp")
    storage.path(f"images/{sha256[:2]}/{sha256[2:4]}/{sha256}.jpg").unlink()
    assert thumbnails.get(storage, sha256, ".jpg", 256)[0] == content


def test_get__a_small_image_is_never_enlarged(storage):
    original = picture(size=(8, 8))
    sha256 = storage.write_image(original, ".png")
    assert thumbnails.get(storage, sha256, ".png", 256) == (original, "image/png")


def test_get__a_photograph_is_turned_upright(storage):
    exif = Image.Exif()
    exif[0x0112] = 6
    sha256 = storage.write_image(picture(kind="JPEG", size=(400, 200), exif=exif), ".jpg")
    assert opened(thumbnails.get(storage, sha256, ".jpg", 96)[0]).size == (48, 96)


def test_get__metadata_stays_with_the_original(storage):
    exif = Image.Exif()
    exif[0x010F] = "Secret camera"
    sha256 = storage.write_image(picture(kind="JPEG", size=(400, 200), exif=exif), ".jpg")
    assert b"Secret" not in thumbnails.get(storage, sha256, ".jpg", 96)[0]


@pytest.mark.parametrize("mode", ["L", "LA", "P", "RGBA", "1"])
def test_get__every_mode_that_is_imported_can_be_shown(storage, mode):
    buffer = io.BytesIO()
    Image.new("RGBA", (300, 200), (9, 200, 9, 100)).convert(mode).save(buffer, "PNG")
    sha256 = storage.write_image(buffer.getvalue(), ".png")
    assert opened(thumbnails.get(storage, sha256, ".png", 96)[0]).size == (96, 64)


def test_get__refuses_sides_that_are_not_offered_and_images_that_are_not_there(storage):
    with pytest.raises(Refused, match="one of"):
        thumbnails.get(storage, "ab" * 32, ".png", 97)
    with pytest.raises(NotFound):
        thumbnails.get(storage, "ab" * 32, ".png", 96)
    with pytest.raises(NotFound):
        thumbnails.get(storage, "ab" * 32, ".exe", 96)


@pytest.mark.parametrize(("kind", "suffix"), [("TIFF", ".tif"), ("BMP", ".bmp"), ("PPM", ".ppm"), ("JPEG2000", ".jp2")])
def test_display_bytes__what_browsers_cannot_show_becomes_png_without_loss(storage, kind, suffix):
    options: dict[str, Any] = {"irreversible": False} if kind == "JPEG2000" else {}
    original = picture(kind=kind, size=(30, 20), **options)
    sha256 = storage.write_image(original, suffix)
    content, media_type = thumbnails.display_bytes(storage, sha256, suffix)
    assert media_type == "image/png"
    assert opened(content).tobytes() == opened(original).tobytes()
    assert thumbnails.get(storage, sha256, suffix, 96) == (content, media_type)


def test_display_bytes__what_browsers_show_is_left_as_it_is(storage):
    original = picture(kind="JPEG")
    sha256 = storage.write_image(original, ".jpg")
    assert thumbnails.display_bytes(storage, sha256, ".jpg") == (original, "image/jpeg")


def test_get__many_requests_at_once_all_get_the_whole_picture(storage):
    sha256 = storage.write_image(picture(size=(400, 300)), ".png")
    with ThreadPoolExecutor(8) as pool:
        found = {content for content, _ in pool.map(lambda _: thumbnails.get(storage, sha256, ".png", 96), range(24))}
    assert len(found) == 1
    assert not list(storage.root.rglob(".writing-*"))
