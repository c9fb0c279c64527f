"""The learning curve, the pools and the gate over the rounds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from app.domain.labels import Queue
from app.domain.pools import Pool, Split
from app.services import reports
from app.services.reports import Accuracy
from ssmae.config import StartFrom


@pytest.fixture
def pets(world):
    """Thirty training images and ten labelled test images."""
    world.make_project(train=30, test=10, validation_size=4, selection_size=3)
    world.label(world.ids(Split.TEST), queue=Queue.TEST)
    return world


def curve(world):
    with world.reading() as uow:
        return reports.learning_curve(uow, world.project_id)


@given(st.integers(1, 500), st.data())
def test_accuracy__its_interval_is_the_exact_binomial_one(n, data):
    correct = data.draw(st.integers(0, n))
    expected = binomtest(correct, n).proportion_ci(0.95, "exact")

    shown = Accuracy(correct=correct, n=n)

    assert (shown.low, shown.high) == pytest.approx((expected.low, expected.high), abs=1e-9)
    assert shown.value is not None
    assert shown.low <= shown.value <= shown.high


def test_accuracy__nothing_measured_is_nothing_known():
    assert (Accuracy(correct=0, n=0).value, Accuracy(correct=0, n=0).low, Accuracy(correct=0, n=0).high) == (None, 0, 1)


def test_learning_curve__counts_training_and_validation_labels_but_neither_test_nor_pseudo_labels(pets):
    pets.open_draft(pets.ids(Split.TRAIN)[:3])
    pets.label(pets.ids(Split.TRAIN)[:3], queue=Queue.SELECTION)
    pets.label(pets.ids(Split.VALIDATION)[:2], queue=Queue.VALIDATION)
    pets.play_round(wrong=2)
    pets.play_round(wrong=1)

    first, second = curve(pets)

    assert (first.round_number, first.labels, first.test) == (1, 5, Accuracy(correct=8, n=10))
    assert (second.round_number, second.labels, second.test) == (2, 5, Accuracy(correct=9, n=10))
    assert (first.start, second.start) == (StartFrom.SCRATCH, StartFrom.LAST)


def test_learning_curve__more_test_labels_sharpen_every_round_and_corrections_move_it(pets):
    pets.add_images(10, Split.TEST)
    pets.label(pets.ids(Split.TRAIN)[:2])
    pets.play_round(wrong=2)
    (before,) = curve(pets)

    pets.label(pets.ids(Split.TEST)[10:])
    (after,) = curve(pets)
    pets.answer(
        pets.ids(Split.TEST)[19],
        next(one for one in pets.class_ids if one != pets.image(pets.ids(Split.TEST)[19]).label_class_id),
    )
    (corrected,) = curve(pets)

    assert (before.test, after.test) == (Accuracy(correct=8, n=10), Accuracy(correct=18, n=20))
    assert after.test.high - after.test.low < before.test.high - before.test.low
    assert corrected.test == Accuracy(correct=17, n=20)


def test_learning_curve__excluded_test_images_do_not_count(pets):
    pets.play_round(wrong=1)
    pets.exclude(pets.ids(Split.TEST)[0])

    (point,) = curve(pets)

    assert point.test == Accuracy(correct=9, n=9)


def test_learning_curve__rounds_without_a_result_or_without_test_labels_give_no_point(world):
    world.make_project(train=4, test=2)
    world.play_round()
    world.request()

    assert curve(world) == []


def test_learning_curve__another_projects_rounds_are_not_in_it(pets):
    pets.play_round()
    mine = pets.project_id
    pets.make_project(name="Birds", train=4, test=2)
    pets.label(pets.ids(Split.TEST))
    pets.play_round()

    with pets.reading() as uow:
        assert len(reports.learning_curve(uow, mine)) == 1


def test_pools_over_rounds__are_those_each_round_left_and_then_the_present(pets):
    pets.label(pets.ids(Split.TRAIN)[:5])
    pets.play_round()
    pets.label(pets.ids(Split.TRAIN)[5:8])

    with pets.reading() as uow:
        first, now = reports.pools_over_rounds(uow, pets.project_id)

    assert (first.round_number, now.round_number) == (1, None)
    assert first.counts == {Pool.LABELLED: 15, Pool.PSEUDO_LABELLED: 25, Pool.UNLABELLED: 0, Pool.EXCLUDED: 0}
    assert now.counts == {Pool.LABELLED: 18, Pool.PSEUDO_LABELLED: 22, Pool.UNLABELLED: 0, Pool.EXCLUDED: 0}
    assert sum(first.counts.values()) == sum(now.counts.values()) == 40
