"""The gate on figures worked by hand, and the properties that every gate must keep."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from ssmae.errors import InvalidConfig, InvalidData
from ssmae.gate import (
    GateDecision,
    LearnThenTestGate,
    ValidationEvidence,
    affordable_checks,
    binomial_tail,
    consistency_scores,
    delta_of_check,
    error_upper_bound,
    required_validation_size,
    smallest_sample,
)

GATE = LearnThenTestGate(alpha=0.10, delta=0.05)


def evidence(n: int, errors: int, *, pool: int = 1000, score: float = 0.97) -> ValidationEvidence:
    """Every image has the same score, so that every level accepts everything."""
    is_correct_V = np.arange(n) >= errors
    return ValidationEvidence(np.full(n, score), is_correct_V, np.full(pool, score))


def decide(case: ValidationEvidence, check: int = 1, checks: int = 1) -> GateDecision:
    return GATE.decide(case, check=check, checks=checks)


@st.composite
def evidences(draw: st.DrawFn) -> ValidationEvidence:
    """Pools with ties, zeros and any quality of model; validation images drawn from the pool."""
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    pool = draw(st.integers(1, 400))
    scores_U = generator.integers(0, draw(st.integers(2, 50)), pool) / 50
    error = draw(st.floats(0, 0.3))
    picked = generator.permutation(pool)[: draw(st.integers(0, pool))]
    is_correct_V = generator.random(len(picked)) > error * (1 - scores_U[picked])
    return ValidationEvidence(scores_U[picked], is_correct_V, scores_U)


@pytest.mark.parametrize(
    ("alpha", "smallest"),
    [
        (0.10, (29, 46, 61, 76)),
        (0.05, (59, 93, 124, 153)),
        (0.03, (99, 157, 208, 257)),
        (0.02, (149, 236, 313, 386)),
        (0.01, (299, 473, 628, 773)),
    ],
)
def test_smallest_sample__agrees_with_the_published_table(alpha: float, smallest: tuple[int, ...]) -> None:
    assert tuple(smallest_sample(errors, alpha, 0.05) for errors in range(4)) == smallest


@given(st.integers(1, 400), st.data(), st.sampled_from([0.05, 0.025, 0.0036]))
def test_error_upper_bound__agrees_with_scipys_exact_interval(n: int, data: st.DataObject, delta: float) -> None:
    errors = data.draw(st.integers(0, n))
    exact = binomtest(errors, n, alternative="less").proportion_ci(1 - delta, "exact").high
    assert error_upper_bound(errors, n, delta) == pytest.approx(exact, abs=1e-9)
    assert binomial_tail(errors, n, min(exact, 1 - 1e-12)) == pytest.approx(delta, rel=1e-6) or errors == n


def test_delta_of_check__two_checks_spend_a_half_and_a_fourteenth_and_together_less_than_delta() -> None:
    assert delta_of_check(0.05, check=1, checks=2) == pytest.approx(0.025)
    assert delta_of_check(0.05, check=2, checks=2) == pytest.approx(0.05 / 14)
    assert delta_of_check(0.05, check=1, checks=1) == 0.05


@pytest.mark.parametrize(("check", "checks"), [(0, 2), (3, 2), (1, 0)])
def test_delta_of_check__a_check_that_does_not_exist_is_refused(check: int, checks: int) -> None:
    with pytest.raises(InvalidConfig, match=f"within 1 to checks={checks}"):
        delta_of_check(0.05, check=check, checks=checks)


def test_required_validation_size__is_the_first_size_that_a_perfect_model_opens_with() -> None:
    for check, checks in ((1, 1), (1, 2), (2, 2)):
        needed = required_validation_size(0.10, 0.05, checks, check=check)
        assert not decide(evidence(needed - 1, 0), check, checks).is_open
        assert decide(evidence(needed, 0), check, checks).is_open


def test_required_validation_size__by_hand() -> None:
    # One error among 46 still proves 10 % at 5 %; the widest start covers 55 % of the sample: 46 / 0.55 = 83.6.
    assert required_validation_size(0.10, 0.05, checks=1) == 84


def test_decide__a_clean_sample_opens_for_all_images_above_the_threshold() -> None:
    decision = decide(evidence(100, 0))
    assert decision.is_open
    assert (decision.threshold, decision.coverage, decision.errors, decision.n) == (0.97, 1.0, 0, 100)
    assert decision.bound == pytest.approx(1 - 0.05 ** (1 / 100))
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
        "so up to 16.4 % of the pseudo-labels accepted there could be wrong (allowed: 10 %)."
    )


def test_decide__is_closed_without_evidence() -> None:
    decision = decide(ValidationEvidence(np.array([]), np.array([], dtype=bool), np.full(50, 0.99)))
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
    assert second.delta == pytest.approx(0.05 / 14)


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
    decision = decide(evidence(100, 0, pool=0))
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
    assert decision.coverage == (case.pool_scores_U >= decision.threshold).mean()
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
        after = decide(ValidationEvidence(case.scores_V, is_correct_V, case.pool_scores_U))
        assert after.is_open >= before.is_open
        assert after.coverage >= before.coverage


@given(evidences())
@settings(deadline=None)
def test_decide__the_order_of_images_does_not_matter(case: ValidationEvidence) -> None:
    shuffled = ValidationEvidence(case.scores_V[::-1], case.is_correct_V[::-1], np.roll(case.pool_scores_U, 7))
    assert decide(shuffled) == decide(case)


@pytest.mark.parametrize(
    ("scores", "answers", "pool", "message"),
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
    scores: list[float], answers: list[bool], pool: list[float], message: str
) -> None:
    with pytest.raises(InvalidData, match=message):
        ValidationEvidence(np.array(scores), np.array(answers), np.array(pool))


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


def test_consistency_scores__is_the_mean_over_views_or_zero_where_they_disagree() -> None:
    probabilities_WNC = np.array([[[0.9, 0.1], [0.6, 0.4]], [[0.7, 0.3], [0.2, 0.8]], [[0.8, 0.2], [0.9, 0.1]]])
    scores_N, predicted_N = consistency_scores(probabilities_WNC)
    assert scores_N == pytest.approx([0.8, 0.0])
    assert predicted_N.tolist() == [0, 0]


def test_affordable_checks__asks_twice_only_where_the_second_check_could_open() -> None:
    needed = required_validation_size(0.1, 0.05, 2, check=2)

    assert affordable_checks(0.1, 0.05, 2, answered=needed) == 2
    assert affordable_checks(0.1, 0.05, 2, answered=needed - 1) == 1
    assert affordable_checks(0.1, 0.05, 2, answered=0) == 1
