"""Packs: what is in an archive is what an experiment sees, and the splits stay apart."""

from __future__ import annotations

import io
import tarfile

import numpy as np
import pytest
from PIL import Image

from ssmae.errors import InvalidData
from ssmae.experiments.packs import DIGITS, load_pack, native_side
from ssmae.held_out import HeldOut


def png(value, side=8):
    written = io.BytesIO()
    Image.new("L", (side, side), value).save(written, "PNG")
    return written.getvalue()


@pytest.fixture
def archive(tmp_path):
    """Three classes, in no order; an image is of one grey: 10 times its class, plus its number, plus 100 in test."""
    path = tmp_path / "greys.tar.xz"
    with tarfile.open(path, "w:xz") as tar:
        for split, start, count in (("test", 100, 2), ("train", 0, 4)):
            for place, name in ((2, "pear"), (0, "apple"), (1, "fig")):
                for number in reversed(range(count)):
                    member = tarfile.TarInfo(f"{split}/{name}/{number:04}.png")
                    content = png(start + 10 * place + number)
                    member.size = len(content)
                    tar.addfile(member, io.BytesIO(content))
        note = tarfile.TarInfo("SOURCE.txt")
        tar.addfile(note, io.BytesIO())
    return path


def values(store):
    images = store.images_TCHW if isinstance(store, HeldOut) else store.images_NCHW
    return images[:, 0, 0, 0].tolist()


def test_load_pack__gives_an_archives_images_and_classes_in_alphabetical_order(archive, tmp_path):
    pack = load_pack(archive, 8, tmp_path / "cache")
    assert pack.name == "greys"
    assert pack.class_names == ("apple", "fig", "pear")
    assert values(pack.train) == [0, 1, 2, 3, 10, 11, 12, 13, 20, 21, 22, 23]
    assert pack.classes_N.tolist() == [0] * 4 + [1] * 4 + [2] * 4
    assert values(pack.test) == [100, 101, 110, 111, 120, 121]
    assert pack.test.classes_T.tolist() == [0, 0, 1, 1, 2, 2]


def test_load_pack__reads_an_unpacked_folder_like_its_archive(archive, tmp_path):
    folder = tmp_path / "unpacked" / "greys"
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    packed, unpacked = load_pack(archive, 8, tmp_path / "cache"), load_pack(folder, 8, tmp_path / "cache")
    assert unpacked.name == packed.name
    assert np.array_equal(unpacked.train.images_NCHW, packed.train.images_NCHW)
    assert np.array_equal(unpacked.test.images_TCHW, packed.test.images_TCHW)


def test_load_pack__brings_images_to_the_size_asked_for(archive, tmp_path):
    assert native_side(archive) == 8
    assert load_pack(archive, 16, tmp_path / "cache").test.images_TCHW.shape == (6, 3, 16, 16)
    assert load_pack(archive, 8, tmp_path / "cache").test.images_TCHW.shape == (6, 3, 8, 8)


def test_load_pack__sees_that_a_pack_of_the_same_name_has_changed(archive, tmp_path):
    load_pack(archive, 8, tmp_path / "cache")
    with tarfile.open(archive, "w:xz") as tar:
        for place in ("train/b/0.png", "train/a/0.png", "test/a/0.png"):
            member = tarfile.TarInfo(place)
            member.size = len(png(7))
            tar.addfile(member, io.BytesIO(png(7)))
    assert load_pack(archive, 8, tmp_path / "cache").class_names == ("a", "b")


def test_load_pack__refuses_what_is_no_pack(tmp_path):
    with pytest.raises(InvalidData, match="digits"):
        load_pack(tmp_path / "missing.tar.xz", 8, tmp_path)
    (tmp_path / "train" / "a").mkdir(parents=True)
    (tmp_path / "train" / "a" / "0.png").write_bytes(png(0))
    with pytest.raises(InvalidData, match="two classes or more"):
        load_pack(tmp_path, 8, tmp_path / "cache")


def test_part__is_balanced_and_always_the_same(archive, tmp_path):
    pack = load_pack(archive, 8, tmp_path / "cache")
    part = pack.part(6)
    assert np.bincount(part.classes_N).tolist() == [2, 2, 2]
    assert values(part.train) == values(pack.part(6).train)
    assert (np.array(values(part.train)) // 10 == part.classes_N).all()
    assert values(part.test) == values(pack.test)
    with pytest.raises(InvalidData, match="at most 12"):
        pack.part(13)


def test_for_tuning__judges_on_training_images_and_hides_the_test_split():
    pack = load_pack(DIGITS, 8)
    tuning = pack.for_tuning()
    assert (len(pack.train), len(pack.test)) == (1297, 500)
    assert (len(tuning.train), len(tuning.test)) == (973, 324)
    assert tuning.name == "digits-tuning"
    divided = np.concatenate([tuning.test.images_TCHW, tuning.train.images_NCHW])
    assert sorted(image.tobytes() for image in divided) == sorted(image.tobytes() for image in pack.train.images_NCHW)
