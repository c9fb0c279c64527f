"""Quality: classes, the confusion matrix that opens its images, confident mistakes."""

from __future__ import annotations

import pytest

from app.services import reports
from tests.ui.screen import close, labelled_pets, make_world, open_page, trained_pets, words


@pytest.fixture
def world(monkeypatch, sqlite_url, tmp_path):
    made = make_world(monkeypatch, sqlite_url, tmp_path)
    yield made
    close(made)


def test_quality__before_the_first_round_says_what_will_be_here(world):
    labelled_pets(world)

    assert "Nothing is measured yet." in words(open_page(world, "quality"))


def test_quality__shows_classes_with_their_intervals(world):
    trained_pets(world)

    classes = open_page(world, "quality").dataframe[0].value

    assert classes["class"].tolist() == ["cat", "dog"]
    assert classes["right"].tolist() == [0.8, 1.0]
    assert classes["test images"].tolist() == [5, 5]
    assert classes["precision"].tolist() == [1.0, pytest.approx(5 / 6)]


def test_quality__opens_on_the_most_frequent_confusion_and_another_cell_can_be_chosen(world):
    trained_pets(world)
    page = open_page(world, "quality")

    assert "1 test image in this cell" in words(page)
    next(one for one in page.selectbox if one.label == "The model says").select(world.class_ids[0]).run()

    assert not page.exception
    assert "4 test images in this cell" in words(page)


def test_quality__an_earlier_round_can_be_chosen(world):
    first, _ = trained_pets(world)
    page = open_page(world, "quality")

    page.selectbox[0].select(first).run()

    assert not page.exception
    assert page.dataframe[0].value["right"].tolist() == [0.6, 0.6]


def test_quality__a_round_without_mistakes_says_so(world):
    labelled_pets(world)
    world.play_round(wrong=0)

    assert "Every labelled test image is right." in words(open_page(world, "quality"))


def test_quality__lists_mistakes_most_confident_first(world):
    first, _ = trained_pets(world)

    with world.reading() as uow:
        wrong = reports.mistakes(uow, first)

    assert len(wrong) == 4
    assert [one.confidence for one in wrong] == sorted((one.confidence for one in wrong), reverse=True)
