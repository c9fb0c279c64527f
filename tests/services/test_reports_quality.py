"""Classes, confusions, mistakes, and two rounds side by side."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from app.domain.pools import Split
from app.errors import NotFound
from app.services import reports
from app.services.reports import Accuracy
from app.services.reports.comparison import p_value
from ssmae.config import Preset, StartFrom, preset_config


@pytest.fixture
def animals(world):
    """Three classes, twelve labelled test images, four of each."""
    world.make_project(train=9, test=12, classes=["cat", "dog", "newt"], validation_size=0)
    world.label(world.ids(Split.TEST) + world.ids(Split.TRAIN)[:4])
    return world


def test_confusion__counts_every_labelled_test_image_once(animals):
    round_id = animals.play_round(wrong=2)
    cat, dog, newt = animals.class_ids

    with animals.reading() as uow:
        table = reports.confusion(uow, round_id)

    assert table.counts == {(cat, cat): 3, (cat, dog): 1, (dog, dog): 3, (dog, newt): 1, (newt, newt): 4}
    assert table.total == 12
    assert table.worst == (dog, newt)
    assert [name for _, name in table.classes] == ["cat", "dog", "newt"]


def test_confusion__a_perfect_model_confuses_nothing(animals):
    round_id = animals.play_round()

    with animals.reading() as uow:
        assert reports.confusion(uow, round_id).worst is None


def test_per_class__gives_recall_and_precision_and_training_labels(animals):
    round_id = animals.play_round(wrong=2)

    with animals.reading() as uow:
        rows = {row.name: row for row in reports.per_class(uow, round_id)}

    assert rows["cat"].recall == Accuracy(correct=3, n=4)
    assert rows["cat"].precision == Accuracy(correct=3, n=3)
    assert rows["newt"].recall == Accuracy(correct=4, n=4)
    assert rows["newt"].precision == Accuracy(correct=4, n=5)
    assert [rows[name].training_labels for name in ("cat", "dog", "newt")] == [2, 1, 1]


def test_per_class__an_unseen_class_is_not_judged(animals):
    round_id = animals.play_round()
    with animals.writing() as uow:
        from app.services import projects

        projects.add_class(uow, animals.project_id, "owl")

    with animals.reading() as uow:
        owl = reports.per_class(uow, round_id)[-1]

    assert (owl.name, owl.recall.value, owl.precision.n) == ("owl", None, 0)


def test_confusion_images__are_exactly_those_of_the_cell(animals):
    round_id = animals.play_round(wrong=2)
    cat, dog, _ = animals.class_ids

    with animals.reading() as uow:
        (found,) = reports.confusion_images(uow, round_id, cat, dog)
        right = reports.confusion_images(uow, round_id, cat, cat)
        few = reports.confusion_images(uow, round_id, cat, cat, limit=2)

    assert found.image_id == animals.ids(Split.TEST)[0]
    assert (found.true_class, found.predicted_class, found.is_right) == ("cat", "dog", False)
    assert [one.confidence for one in right] == sorted((one.confidence for one in right), reverse=True)
    assert few == right[:2]


def test_mistakes__are_the_wrong_ones_most_confident_first(animals):
    round_id = animals.play_round(wrong=3)

    with animals.reading() as uow:
        wrong = reports.mistakes(uow, round_id)

    assert [one.image_id for one in wrong] == animals.ids(Split.TEST)[:3]


def test_compare__counts_flips_on_common_images_and_names_what_was_set_differently(animals):
    first = animals.play_round(wrong=4, preset=Preset.QUICK, seed=1)
    animals.label(animals.ids(Split.TRAIN)[4:6])
    second = animals.play_round(wrong=1, preset=Preset.STANDARD, seed=1)

    with animals.reading() as uow:
        there, back = reports.compare(uow, first, second), reports.compare(uow, second, first)

    assert (there.first, there.second) == (Accuracy(correct=8, n=12), Accuracy(correct=11, n=12))
    assert (there.positive_flips, there.negative_flips, there.difference) == (3, 0, 0.25)
    assert (back.positive_flips, back.negative_flips, back.difference) == (0, 3, -0.25)
    assert there.p_value == back.p_value == pytest.approx(0.25)
    assert (there.first_labels, there.second_labels) == (4, 6)
    settings = {one.name: (one.first, one.second) for one in there.settings}
    assert settings["preset"] == (Preset.QUICK, Preset.STANDARD)
    assert settings["start from"] == (StartFrom.SCRATCH, StartFrom.LAST)
    assert settings["schedule.joint_steps"] == tuple(
        preset_config(preset, 32).schedule.joint_steps for preset in (Preset.QUICK, Preset.STANDARD)
    )
    assert "seed" not in settings


def test_compare__a_round_with_itself_differs_in_nothing(animals):
    round_id = animals.play_round(wrong=2)

    with animals.reading() as uow:
        told = reports.compare(uow, round_id, round_id)

    assert (told.difference, told.p_value, told.settings) == (0.0, 1.0, [])


def test_compare__without_common_images_says_so(world):
    world.make_project(train=4, test=2)
    first, second = world.play_round(), world.play_round()

    with world.reading() as uow:
        told = reports.compare(uow, first, second)

    assert told.difference is None
    assert "cannot be compared" in told.sentence


def test_compare__an_unknown_round_is_not_found(animals):
    round_id = animals.play_round()

    with pytest.raises(NotFound), animals.reading() as uow:
        reports.compare(uow, round_id, 10**6)


@given(st.integers(0, 60), st.integers(0, 60))
def test_p_value__is_the_exact_two_sided_binomial_one(first, second):
    expected = binomtest(first, first + second).pvalue if first + second else 1.0

    assert p_value(first, second) == pytest.approx(expected, rel=1e-9)
    assert p_value(first, second) == p_value(second, first)
