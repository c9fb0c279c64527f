"""How many more labels: which rounds count, and what is said when they are too few."""

from __future__ import annotations

import pytest

from app.services.reports import Accuracy, CurvePoint, label_forecast
from ssmae.config import Acquisition, StartFrom


def curve(*rounds: tuple[int, int], tested: int = 1000) -> list[CurvePoint]:
    """Rounds by (labels, right answers)."""
    return [
        CurvePoint(
            round_id=number,
            round_number=number,
            labels=labels,
            test=Accuracy(correct=correct, n=tested),
            strategy=Acquisition.RANDOM,
            start=StartFrom.LAST,
            finished_at=None,
        )
        for number, (labels, correct) in enumerate(rounds, 1)
    ]


HALVING = ((25, 600), (50, 717), (100, 800), (200, 859), (400, 900))
"""Errors of 2 / sqrt(labels): 95 % is at 1,600."""


def test_label_forecast__names_the_labels_that_the_law_of_the_rounds_asks_for():
    many = curve(*((labels, 100 * correct) for labels, correct in HALVING), tested=100_000)
    answer = label_forecast(many, 0.95)

    assert answer.found is not None
    assert answer.found.labels == pytest.approx(1600, rel=0.1)
    assert answer.reason.startswith("95 % takes about 1,")
    assert answer.reason.endswith("400 are at hand.")


def test_label_forecast__a_small_test_set_does_not_promise_what_it_cannot_know():
    answer = label_forecast(curve(*((labels, correct // 25) for labels, correct in HALVING), tested=40), 0.95)

    assert answer.found is not None
    assert answer.found.high is None
    assert "perhaps more than 10 times the 400 labels at hand" in answer.reason


def test_label_forecast__too_few_rounds_say_what_is_missing():
    assert label_forecast([], 0.9).reason.endswith("So far: 0.")
    short = label_forecast(curve(*HALVING[:3]), 0.9)

    assert short.found is None
    assert short.reason.startswith("A forecast needs 5 rounds with ever more labels, from first to last 8 times as")
    assert short.reason.endswith("So far: 3 and a factor of 4.0.")


def test_label_forecast__rounds_that_brought_no_label_do_not_count_and_the_newest_of_equals_does():
    """A round without a label at all, one trained again, and one after labels were taken back."""
    expected = label_forecast(curve(*HALVING), 0.95)
    retrained = curve((0, 100), (25, 600), (50, 100), (50, 717), (100, 800), (60, 300), (200, 859), (400, 900))

    assert label_forecast(retrained, 0.95) == expected
