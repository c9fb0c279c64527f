"""Accuracy: the curve, the pools and the gate, each with its numbers."""

from __future__ import annotations

import json

import pytest

from app.domain.labels import Queue
from app.domain.pools import Split
from tests.ui.screen import close, labelled_pets, make_world, open_page, trained_pets, words


@pytest.fixture
def world(monkeypatch, sqlite_url, tmp_path):
    made = make_world(monkeypatch, sqlite_url, tmp_path)
    yield made
    close(made)


def test_accuracy__without_test_labels_sends_people_to_the_test_set(world):
    world.make_project(train=4, test=4)

    page = open_page(world, "accuracy")

    assert "None of the 4 test images is labelled" in words(page)
    assert "Label the test set" in [one.label for one in page.button]


def test_accuracy__before_the_first_round_sends_people_to_the_rounds(world):
    labelled_pets(world)

    page = open_page(world, "accuracy")

    assert "Train a round" in [one.label for one in page.button]
    assert "The gate has not been asked yet." in words(page)


def test_accuracy__shows_a_point_a_round_with_its_exact_interval(world):
    trained_pets(world)

    page = open_page(world, "accuracy")
    curve = page.dataframe[0].value

    assert "right on **90.0 %** of the test images (9 of 10)" in words(page)
    assert curve["labels"].tolist() == [6, 12]
    assert curve["accuracy"].tolist() == [0.6, 0.9]
    assert curve["at least"].tolist() == pytest.approx([0.2624, 0.5550], abs=1e-4)
    assert curve["at most"].tolist() == pytest.approx([0.8784, 0.9975], abs=1e-4)


def test_accuracy__forecasts_the_labels_to_a_target_once_there_are_rounds_enough(world):
    world.make_project(train=80, test=40)
    world.label(world.ids(Split.TEST), queue=Queue.TEST)
    train, had = world.ids(Split.TRAIN), 0
    for labels, wrong in ((5, 20), (10, 14), (20, 10), (40, 7), (80, 5)):
        page = open_page(world, "accuracy") if had else None
        assert page is None or "A forecast needs 5 rounds" in words(page)
        world.label(train[had:labels])
        world.play_round(wrong=wrong)
        had = labels

    page = open_page(world, "accuracy")
    assert page.number_input[0].value == 90.0
    assert "90 % takes about" in words(page)
    assert "perhaps more than 10 times the 80 labels at hand" in words(page)
    page.number_input[0].set_value(99.0).run()
    assert "99 % is not within 10 times" in words(page)


def test_accuracy__every_chart_has_its_numbers_and_a_download(world):
    trained_pets(world)

    page = open_page(world, "accuracy")
    specifications = [json.loads(one.proto.spec) for one in page.get("vega_lite_chart")]

    assert len(specifications) == len(page.dataframe) == len(page.get("download_button")) == 3
    assert page.dataframe[1].value["after round"].tolist() == ["1", "2", "now"]
    assert page.dataframe[2].value["gate"].tolist() == ["closed", "open"]


def test_accuracy__without_a_project_says_so(world):
    assert "There is no project yet." in words(open_page(world, "accuracy"))
