"""Exact tails, bounds, sample sizes and Holm's procedure, held against SciPy and figures worked by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, binomtest, hypergeom

from ssmae.errors import InvalidConfig, InvalidData
from ssmae.gate import binomial_tail, error_upper_bound, excess_tail, holm, smallest_sample


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


def test_smallest_sample__refuses_levels_that_promise_nothing() -> None:
    with pytest.raises(InvalidConfig, match="delta must be strictly between 0 and 1"):
        smallest_sample(0, 0.1, 0.0)


@given(st.integers(1, 400), st.data(), st.sampled_from([0.05, 0.025, 0.0036]))
def test_error_upper_bound__agrees_with_scipys_exact_interval(n: int, data: st.DataObject, delta: float) -> None:
    errors = data.draw(st.integers(0, n))
    exact = binomtest(errors, n, alternative="less").proportion_ci(1 - delta, "exact").high
    assert error_upper_bound(errors, n, delta) == pytest.approx(exact, abs=1e-9)
    assert binomial_tail(errors, n, min(exact, 1 - 1e-12)) == pytest.approx(delta, rel=1e-6) or errors == n


@given(st.integers(0, 300), st.data(), st.floats(0.01, 0.6))
def test_tails__agree_with_scipys_binomial(n: int, data: st.DataObject, rate: float) -> None:
    errors = data.draw(st.integers(0, n))
    assert binomial_tail(errors, n, rate) == pytest.approx(binom.cdf(errors, n, rate), rel=1e-9)
    assert excess_tail(errors, n, rate) == pytest.approx(binom.sf(errors - 1, n, rate), rel=1e-9)


@given(st.integers(1, 300), st.data(), st.floats(0.02, 0.5))
def test_tails__err_on_the_safe_side_for_a_sample_of_a_finite_frame(
    accepted: int, data: st.DataObject, alpha: float
) -> None:
    n = data.draw(st.integers(1, accepted))
    errors = data.draw(st.integers(0, n))
    allowed = int(np.floor(alpha * accepted))
    too_bad = hypergeom.cdf(errors, accepted, min(accepted, allowed + 1), n)
    if (tail := binomial_tail(errors, n, alpha)) <= 0.5:
        assert too_bad <= tail + 1e-12
    good = hypergeom.sf(errors - 1, accepted, allowed, n)
    if (tail := excess_tail(errors, n, alpha)) <= 0.05:
        assert good <= tail + 1e-12


def test_holm__by_hand() -> None:
    p_values_H = np.array([0.04, 0.01, 0.02, 0.5])
    could_all = np.zeros(4)
    # 0.01 <= 0.05/4 passes, 0.02 > 0.05/3 stops.
    assert holm(p_values_H, could_all, 0.05).tolist() == [False, True, False, False]
    assert holm(p_values_H, could_all, 0.06).tolist() == [False, True, True, False]


def test_holm__does_not_count_tests_that_could_not_succeed() -> None:
    p_values_H, smallest_H = np.array([0.04, 1.0, 1.0]), np.array([0.001, 0.2, 1.0])
    assert holm(p_values_H, smallest_H, 0.05).tolist() == [True, False, False]
    assert not holm(p_values_H, np.zeros(3), 0.05).any()


def test_holm__nothing_to_test_or_to_spend_refutes_nothing() -> None:
    assert holm(np.array([]), np.array([]), 0.05).tolist() == []
    assert holm(np.array([1e-9]), np.array([1e-9]), 0.0).tolist() == [False]
    with pytest.raises(InvalidData, match="of one length"):
        holm(np.zeros(2), np.zeros(3), 0.05)
