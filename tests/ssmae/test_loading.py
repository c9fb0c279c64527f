"""Many files become one store, in order, all of them or none, in memory or on disk."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from ssmae.errors import UnreadableImage
from ssmae.images import ON_DEVICE_BYTES
from ssmae.loading import fits_in_memory, load_images


@pytest.fixture(scope="module")
def files(digits, tmp_path_factory):
    """150 digits as files."""
    folder = tmp_path_factory.mktemp("digits")
    for index in range(150):
        Image.fromarray(digits[0][index, 0]).save(folder / f"{index}.png")
    return [folder / f"{index}.png" for index in range(150)]


@pytest.mark.parametrize("count", [0, 1, 7, 150])
@pytest.mark.parametrize("threads", [1, 4])
def test_load_images__keeps_the_order_and_reports_progress(files, digits, count, threads):
    seen = []
    store = load_images(files[:count], 8, lambda done, total: seen.append((done, total)), threads)
    assert np.array_equal(store.images_NCHW, digits[0][:count])
    assert seen == sorted(set(seen))
    assert seen[-1:] == ([(count, count)] if count else [])


@pytest.mark.parametrize("place", [0, 70, 149])
def test_load_images__names_the_first_file_that_is_broken(tmp_path, files, place):
    paths = [tmp_path / "broken.png" if index == place else path for index, path in enumerate(files)]
    (tmp_path / "broken.png").write_bytes(b"nothing")
    with pytest.raises(UnreadableImage, match=r"broken\.png"):
        load_images(paths, 8)


def test_load_images__into_a_file_gives_the_same_images_from_disk(tmp_path, files, digits):
    store = load_images(files, 8, into=tmp_path / "images.npy")
    assert isinstance(store.images_NCHW, np.memmap)
    assert np.array_equal(store.images_NCHW, digits[0][:150])
    assert np.array_equal(np.load(tmp_path / "images.npy"), digits[0][:150])
    assert [path.name for path in tmp_path.iterdir()] == ["images.npy"]
    assert len(load_images([], 8, into=tmp_path / "nothing.npy")) == 0


def test_load_images__leaves_the_old_file_when_it_is_stopped_half_way(tmp_path, files):
    class Enough(Exception):
        pass

    def stop(done, total):
        if done > total // 2:
            raise Enough

    load_images(files[:3], 8, into=tmp_path / "images.npy")
    before = (tmp_path / "images.npy").read_bytes()
    with pytest.raises(Enough):
        load_images(files, 8, stop, into=tmp_path / "images.npy")
    assert [path.name for path in tmp_path.iterdir()] == ["images.npy"]
    assert (tmp_path / "images.npy").read_bytes() == before


def test_fits_in_memory__is_what_a_device_takes_whole():
    largest = ON_DEVICE_BYTES // (3 * 64 * 64)
    assert fits_in_memory(50_000, 64)
    assert fits_in_memory(largest, 64)
    assert not fits_in_memory(largest + 1, 64)
