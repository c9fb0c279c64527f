"""The audit: figures by hand, and how often it certifies what it should not, whenever it is stopped."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ssmae.errors import InvalidConfig, InvalidData
from ssmae.gate import Audit, audit_sample


def answered(audit: Audit, right: int, wrong: int = 0) -> Audit:
    for is_right in [False] * wrong + [True] * right:
        audit = audit.answer(is_right=is_right)
    return audit


def chance_certified(audit: Audit, error: float, answers: int) -> np.ndarray:
    """Exact probability of being certified by the time of each answer, (answers,), where each is wrong with `error`.

    Over all paths at once: the number of wrong answers so far is all that a path needs to remember, and it ends where
    the right ones reach what the audit asks for.
    """
    wrong_W = np.arange(answers + 1)
    needed_W = np.array([replace(audit, wrong=int(wrong)).clean_answers_needed for wrong in wrong_W])
    going_W, ended_N = np.where(wrong_W == 0, 1.0, 0.0), np.zeros(answers)
    for answer in range(answers):
        going_W = going_W * (1 - error) + error * np.append(0.0, going_W[:-1])
        is_certified_W = answer + 1 - wrong_W >= needed_W
        ended_N[answer] = going_W[is_certified_W].sum()
        going_W[is_certified_W] = 0
    return ended_N.cumsum()


def test_answer__seventy_three_clean_answers_prove_five_per_cent_at_five_per_cent() -> None:
    audit = answered(Audit(), 72)
    assert not audit.certified
    assert audit.clean_answers_needed == 1
    audit = audit.answer(is_right=True)
    assert audit.certified
    assert audit.clean_answers_needed == 0
    assert audit.e_value >= 20
    assert audit.sentence == (
        "Certified: of 73 pseudo-labels drawn at random none was wrong, "
        "so with 95 % certainty at most 5 % of all that were accepted are wrong."
    )


def test_answer__an_error_costs_thirty_nine_more() -> None:
    assert Audit().clean_answers_needed == 73
    audit = answered(Audit(), 10, wrong=1)
    assert audit.clean_answers_needed == 73 - 10 + 39
    assert answered(audit, 102).certified
    assert not answered(audit, 101).certified
    assert audit.sentence == (
        "Not certified: of 11 pseudo-labels drawn at random one was wrong; 102 right answers in a row would show "
        "with 95 % certainty that at most 5 % of all that were accepted are wrong."
    )


def test_answer__nothing_looked_at_proves_nothing() -> None:
    assert (Audit().e_value, Audit().error_bound, Audit().certified) == (1.0, 1.0, False)
    assert Audit().sentence.startswith("Not certified: nothing was looked at yet; 73 right answers in a row")


def test_answer__errors_after_the_certificate_do_not_take_it_back() -> None:
    audit = answered(Audit(), 73)
    later = audit.answer(is_right=False)
    assert later.certified
    assert later.error_bound == audit.error_bound
    assert later.e_value < 20


def test_error_bound__is_where_the_e_value_reaches_one_over_delta() -> None:
    audit = answered(Audit(), 200, wrong=2)
    at_bound = Audit(alpha=audit.error_bound)
    assert answered(at_bound, 200, wrong=2).e_value == pytest.approx(20, rel=1e-6)
    assert answered(Audit(), 5, wrong=2000).error_bound == 1.0


def test_clean_answers_needed__is_after_how_many_answers_it_is_certified() -> None:
    # What `chance_certified` builds on, held against the audit itself, one answer at a time.
    for is_right_N in np.random.default_rng(0).random((50, 300)) >= 0.01:
        audit = Audit()
        for is_right in is_right_N:
            right, wrong = audit.right + bool(is_right), audit.wrong + (not is_right)
            reaches = right >= replace(Audit(), wrong=wrong).clean_answers_needed
            was_certified, audit = audit.certified, audit.answer(is_right=bool(is_right))
            assert audit.certified == (was_certified or reaches)


@pytest.mark.parametrize(("alpha", "delta"), [(0.05, 0.05), (0.05, 0.2), (0.01, 0.05), (0.1, 0.1), (0.3, 0.05)])
def test_audit__certifies_a_set_that_is_too_bad_with_probability_delta_at_most_whenever_it_is_stopped(
    alpha: float, delta: float
) -> None:
    at_alpha = chance_certified(Audit(alpha, delta), alpha, 2000)[-1]
    assert at_alpha <= delta
    assert at_alpha > 0.8 * delta  # and it is not safe by never certifying
    assert chance_certified(Audit(alpha, delta), 1.2 * alpha, 2000)[-1] < at_alpha


def test_audit__a_good_set_is_certified_soon() -> None:
    at_one_per_cent = chance_certified(Audit(), 0.01, 400)
    assert at_one_per_cent[72] == pytest.approx(0.99**73)
    assert at_one_per_cent[150] > 0.7
    assert at_one_per_cent[-1] > 0.97
    assert chance_certified(Audit(), 0.002, 120)[-1] > 0.95


def test_error_bound__holds_at_all_times_in_all_but_delta_of_projects() -> None:
    generator = np.random.default_rng(2)
    missed = 0
    for _ in range(1000):
        audit = Audit()
        for is_right in generator.random(120) >= 0.04:
            audit = audit.answer(is_right=bool(is_right))
        missed += audit.error_bound < 0.04  # the smallest of all times
    assert missed / 1000 <= 0.05


@pytest.mark.parametrize(("alpha", "delta"), [(0.0, 0.05), (0.05, 1.0), (float("nan"), 0.05)])
def test_audit__refuses_levels_that_promise_nothing(alpha: float, delta: float) -> None:
    with pytest.raises(InvalidConfig, match="strictly between 0 and 1"):
        Audit(alpha, delta)


def test_audit_sample__is_drawn_with_replacement_from_the_accepted_alone() -> None:
    accepted_index_K = np.array([3, 5, 8])
    drawn = audit_sample(accepted_index_K, 3000, seed=0)
    images, counts = np.unique(drawn, return_counts=True)
    assert images.tolist() == [3, 5, 8]
    assert (np.abs(counts - 1000) < 120).all()


def test_audit_sample__a_longer_one_goes_on_where_the_shorter_one_stopped() -> None:
    accepted_index_K = np.arange(1000)
    short, long = audit_sample(accepted_index_K, 73, seed=7), audit_sample(accepted_index_K, 112, seed=7)
    assert long[:73].tolist() == short.tolist()
    assert audit_sample(accepted_index_K, 73, seed=8).tolist() != short.tolist()


def test_audit_sample__refuses_an_empty_set() -> None:
    with pytest.raises(InvalidData, match="at least one accepted"):
        audit_sample(np.array([], np.int64), 10, seed=0)
    with pytest.raises(InvalidConfig, match="count must be at least 0"):
        audit_sample(np.array([1]), -1, seed=0)
