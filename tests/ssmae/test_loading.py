"""Many files become one store, in order, all of them or none, in memory or on disk."""

from __future__ import annotations

import resource

import numpy as np
import pytest
from PIL import Image

from ssmae.errors import UnreadableImage
from ssmae.loading import load_images


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


def test_load_images__decodes_a_set_too_large_for_the_device_into_a_file_that_nobody_has_to_remove(
    monkeypatch, tmp_path, files, digits
):
    scratch = tmp_path / "scratch"
    monkeypatch.setattr("ssmae.loading.ON_DEVICE_BYTES", 149 * 3 * 8 * 8)
    store = load_images(files, 8, scratch=scratch)
    assert isinstance(store.images_NCHW, np.memmap)
    assert np.array_equal(store.images_NCHW, digits[0][:150])
    assert list(scratch.iterdir()) == []


def test_load_images__keeps_in_memory_what_a_device_takes_whole(monkeypatch, tmp_path, files):
    monkeypatch.setattr("ssmae.loading.ON_DEVICE_BYTES", 150 * 3 * 8 * 8)
    for count in (0, 150):
        images = load_images(files[:count], 8, scratch=tmp_path / "scratch").images_NCHW
        assert not isinstance(images, np.memmap)
    assert not (tmp_path / "scratch").exists()


def test_load_images__leaves_nothing_when_it_is_stopped_half_way(monkeypatch, tmp_path, files):
    class Enough(Exception):
        pass

    def stop(done, total):
        if done > total // 2:
            raise Enough

    monkeypatch.setattr("ssmae.loading.ON_DEVICE_BYTES", 0)
    with pytest.raises(Enough):
        load_images(files, 8, stop, scratch=tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def small_disk():
    """No file of this process may be larger than a thousand bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_load_images__refuses_a_set_that_the_disk_cannot_hold_before_it_decodes(
    monkeypatch, tmp_path, files, small_disk
):
    monkeypatch.setattr("ssmae.loading.ON_DEVICE_BYTES", 0)
    seen = []
    with pytest.raises(OSError, match="File too large"):
        load_images(files, 8, lambda done, total: seen.append(done), scratch=tmp_path)
    assert seen == []
