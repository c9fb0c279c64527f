"""The gate on figures worked by hand, and the properties that it must keep whatever the evidence."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ssmae.errors import InvalidConfig, InvalidData
from ssmae.gate import LearnThenTestGate, PredictedClasses, ValidationEvidence, in_force
from tests.ssmae.gate_cases import GATE, NOTHING, decide, evidence, evidences


def test_decide__a_clean_sample_opens_for_all_images_above_the_threshold() -> None:
    decision = decide(evidence(100, 0))
    assert decision.is_open
    assert (decision.threshold, decision.coverage, decision.errors, decision.n) == (0.97, 1.0, 0, 100)
    assert decision.bound == pytest.approx(1 - (0.97 * 0.05) ** (1 / 100))  # 3 % of delta are kept for blocked classes
    assert decision.reason == (
        "Open: of 100 validation images at confidence 0.97 or above none was wrong (upper bound 3 %), "
        "so with 95 % certainty at most the allowed 10 % of the accepted pseudo-labels are wrong."
    )


def test_decide__the_widest_proven_level_sets_the_threshold() -> None:
    # 1,000 scores 0.001 … 1; the model is right above 0.45 and wrong below it. Every second image is judged.
    scores_U = np.arange(1, 1001) / 1000
    picked = np.arange(0, 1000, 2)
    decision = decide(ValidationEvidence(scores_U[picked], scores_U[picked] > 0.45, scores_U))
    assert decision.threshold == pytest.approx(0.451)
    assert (decision.coverage, decision.errors, decision.n) == (0.55, 0, 275)


def test_decide__a_later_start_opens_although_the_most_confident_images_are_wrong() -> None:
    scores_U = np.arange(1, 1001) / 1000
    picked = np.arange(0, 1000, 2)
    is_correct_V = scores_U[picked] < 0.98
    decision = decide(ValidationEvidence(scores_U[picked], is_correct_V, scores_U))
    assert decision.is_open
    assert decision.coverage == 0.85


def test_decide__an_error_above_alpha_stays_closed_and_says_how_bad_it_could_be() -> None:
    decision = decide(evidence(100, 10))
    assert not decision.is_open
    assert (decision.threshold, decision.coverage, decision.errors, decision.n) == (None, 0.0, 10, 100)
    assert decision.bound is not None
    assert decision.bound > 0.10
    assert decision.reason == (
        "Closed: of 100 validation images at confidence 0.97 or above 10 were wrong, "
        "so up to 16.5 % of the pseudo-labels accepted there could be wrong (allowed: 10 %)."
    )


def test_decide__is_closed_without_evidence() -> None:
    decision = decide(NOTHING)
    assert not decision.is_open
    assert decision.bound is None
    assert "84 more are needed" in decision.reason


def test_decide__says_how_many_more_answers_are_needed() -> None:
    assert "only 60 validation images are answered, and 24 more are needed" in decide(evidence(60, 0)).reason
    assert "1 more is needed" in decide(evidence(83, 0)).reason


def test_decide__a_second_check_needs_more_than_the_first() -> None:
    assert decide(evidence(110, 0), check=1, checks=2).is_open
    second = decide(evidence(110, 0), check=2, checks=2)
    assert not second.is_open
    assert second.delta == pytest.approx(0.05 / 2 * 0.98 / 7)


def test_decide__inconsistent_images_are_never_accepted() -> None:
    # Only 30 % of the pool is consistent, so the quantiles of the wider levels are 0.
    scores_U = np.where(np.arange(1000) < 300, 0.9, 0.0)
    is_right = scores_U > 0
    decision = decide(ValidationEvidence(scores_U, is_right, scores_U))
    assert decision.is_open
    assert (decision.threshold, decision.coverage, decision.n) == (0.9, 0.3, 300)


def test_decide__a_pool_without_consistent_images_is_closed() -> None:
    decision = decide(evidence(100, 0, score=0.0))
    assert not decision.is_open
    assert "the same class on all its views" in decision.reason


def test_decide__an_empty_pool_is_closed() -> None:
    decision = decide(evidence(100, 0, frame=0))
    assert not decision.is_open
    assert "pool is empty" in decision.reason


def test_decide__a_level_that_no_validation_image_reached_proves_nothing() -> None:
    decision = decide(ValidationEvidence(np.full(100, 0.1), np.ones(100, dtype=bool), np.full(500, 0.999)))
    assert not decision.is_open
    assert decision.reason.startswith("Closed: no validation image reached confidence 0.999")


@given(evidences(), st.sampled_from([(1, 1), (1, 2), (2, 2)]))
@settings(deadline=None)
def test_decide__what_is_open_keeps_its_own_promise(case: ValidationEvidence, when: tuple[int, int]) -> None:
    decision = decide(case, *when)
    assert re.fullmatch(r"(Open|Closed): \S.*[^.]\.", decision.reason)
    if not decision.is_open:
        assert (decision.threshold, decision.coverage) == (None, 0.0)
        return
    assert decision.threshold is not None
    assert decision.threshold > 0
    assert decision.bound is not None
    assert decision.bound <= GATE.alpha + 1e-9
    assert case.classes is not None
    is_accepted_F = (case.frame_scores_F >= decision.threshold) & ~np.isin(case.classes.of_frame_F, decision.blocked)
    assert decision.coverage == pytest.approx(is_accepted_F.mean())
    is_accepted_V = case.scores_V >= decision.threshold
    assert decision.n == is_accepted_V.sum()
    assert decision.errors == (is_accepted_V & ~case.is_correct_V).sum()


@given(evidences())
@settings(deadline=None)
def test_decide__fewer_errors_never_close_it_nor_narrow_it(case: ValidationEvidence) -> None:
    wrong = np.flatnonzero(~case.is_correct_V)
    before = decide(case)
    for corrected in wrong[:5]:
        is_correct_V = case.is_correct_V.copy()
        is_correct_V[corrected] = True
        after = decide(replace(case, is_correct_V=is_correct_V))
        assert after.is_open >= before.is_open
        assert after.threshold is None or before.threshold is None or after.threshold <= before.threshold


@given(evidences())
@settings(deadline=None)
def test_decide__the_order_of_images_does_not_matter(case: ValidationEvidence) -> None:
    assert case.classes is not None
    classes = PredictedClasses(case.classes.names, case.classes.of_sample_V[::-1], np.roll(case.classes.of_frame_F, 7))
    shuffled = ValidationEvidence(
        case.scores_V[::-1], case.is_correct_V[::-1], np.roll(case.frame_scores_F, 7), classes
    )
    assert decide(shuffled) == decide(case)


def test_decide__a_check_that_stays_closed_leaves_what_an_earlier_one_let_in() -> None:
    first = GATE.decide(evidence(200, 0), checks=2)
    second = GATE.decide(evidence(200, 40), checks=2, earlier=[first])
    assert (first.is_open, second.is_open, second.check) == (True, False, 2)
    assert in_force([first, second]) is first
    assert second.reason.endswith("(allowed: 10 %). What check 1 let in stays in force.")
    assert in_force([first, second, replace(second, discards=True)]) is None
    assert in_force([]) is None


def test_decide__a_check_too_many_is_refused() -> None:
    first = GATE.decide(evidence(100, 0), checks=1)
    with pytest.raises(InvalidConfig, match=r"check must be within 1 to checks=1\. Got 2"):
        GATE.decide(evidence(100, 0), checks=1, earlier=[first])


def test_decide__stays_closed_where_earlier_checks_left_nothing_to_spend() -> None:
    first = replace(decide(NOTHING), weight=0.0)
    decision = GATE.decide(evidence(5000, 0), checks=2, earlier=[first])
    assert not decision.is_open
    assert decision.reason.startswith("Closed: what earlier checks told has used up what may be spent")


@pytest.mark.parametrize(
    ("scores", "answers", "frame", "message"),
    [
        ([0.5, 0.6], [True], [0.5], r"shape \(2,\)"),
        ([0.5], [1], [0.5], "booleans"),
        ([1.2], [True], [0.5], r"within \[0, 1\]. Got 1.2"),
        ([-0.1], [True], [0.5], r"within \[0, 1\]. Got -0.1"),
        ([0.5], [True], [float("nan")], r"within \[0, 1\]. Got nan"),
        ([[0.5]], [[True]], [0.5], "one dimension"),
    ],
)
def test_validation_evidence__refuses_what_is_not_evidence(
    scores: list[float], answers: list[bool], frame: list[float], message: str
) -> None:
    with pytest.raises(InvalidData, match=message):
        ValidationEvidence(np.array(scores), np.array(answers), np.array(frame))


@pytest.mark.parametrize(
    ("sample", "frame", "message"),
    [
        ([0, 1], [0, 1], r"one class a score: \(1, 2, 0\)\. Got \(2, 2, 0\)"),
        ([2], [0, 1], r"within 0 to 1\. Got 2 to 2"),
        ([0.5], [0, 1], "class indices. Got float64"),
        ([0], [[0, 1]], "class indices"),
    ],
)
def test_validation_evidence__refuses_classes_that_do_not_fit(
    sample: list[float], frame: list[int], message: str
) -> None:
    with pytest.raises(InvalidData, match=message):
        ValidationEvidence(
            np.array([0.5]),
            np.array([True]),
            np.array([0.5, 0.4]),
            PredictedClasses(("a", "b"), np.array(sample), np.array(frame)),
        )


def test_validation_evidence__later_changes_of_the_callers_arrays_do_not_reach_it() -> None:
    scores_V = np.full(100, 0.9)
    case = ValidationEvidence(scores_V, np.ones(100, dtype=bool), scores_V)
    scores_V[:] = 0
    assert case.scores_V.min() == 0.9
    with pytest.raises(ValueError, match="read-only"):
        case.scores_V[0] = 1


@pytest.mark.parametrize(("alpha", "delta"), [(0.0, 0.05), (1.0, 0.05), (0.1, 0.0), (0.1, float("nan"))])
def test_learn_then_test_gate__refuses_levels_that_promise_nothing(alpha: float, delta: float) -> None:
    with pytest.raises(InvalidConfig, match="strictly between 0 and 1"):
        LearnThenTestGate(alpha, delta)
