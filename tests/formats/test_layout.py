from __future__ import annotations

import pytest

from app.domain.pools import Split
from app.formats.entries import InvalidEntry
from app.formats.layout import natural, survey


def test_survey__a_folder_per_class_gives_classes_in_natural_order():
    found = survey(["10/a.png", "2/a.png", "cat/x/y.png", "top.png", "README.md"], may_be_wrapped=False)
    assert (found.total, found.likely_images, found.class_names) == (5, 4, ("2", "10", "cat"))
    assert found.layout.place("cat/x/y.png") == ("cat", None)
    assert found.layout.place("top.png") == (None, None)


def test_survey__train_and_test_on_top_name_splits():
    found = survey(["train/cat/1.png", "test/dog/1.png", "SOURCE.txt", "test/2.png"], may_be_wrapped=False)
    assert found.class_names == ("cat", "dog")
    assert found.layout.place("train/cat/1.png") == ("cat", Split.TRAIN)
    assert found.layout.place("test/2.png") == (None, Split.TEST)


def test_survey__train_beside_other_classes_is_a_class():
    found = survey(["train/1.png", "car/1.png"], may_be_wrapped=False)
    assert found.layout.place("train/1.png") == ("train", None)


def test_place__a_validation_folder_is_refused_with_the_reason():
    found = survey(["train/cat/1.png", "val/cat/1.png"], may_be_wrapped=False)
    with pytest.raises(InvalidEntry, match="drawn fresh in every round"):
        found.layout.place("val/cat/1.png")


def test_survey__an_archives_wrapper_is_taken_off_and_a_folders_is_not():
    names = ["pets/cat/1.png", "pets/dog/1.png", "README.md"]
    assert survey(names, may_be_wrapped=True).class_names == ("cat", "dog")
    assert survey(names, may_be_wrapped=False).class_names == ("pets",)


def test_survey__a_wrapper_around_splits_is_taken_off_too():
    found = survey(["eurosat/train/River/1.jpg", "eurosat/test/River/2.jpg"], may_be_wrapped=True)
    assert found.layout.place("eurosat/test/River/2.jpg") == ("River", Split.TEST)


def test_survey__a_single_class_in_an_archive_is_no_wrapper():
    assert survey(["cat/1.png", "cat/2.png"], may_be_wrapped=True).class_names == ("cat",)


def test_natural__numbers_come_in_their_order_before_words():
    assert sorted(["b", "10", "a2", "a10", "2", ""], key=natural) == ["", "2", "10", "a2", "a10", "b"]
