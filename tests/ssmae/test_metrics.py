"""Figures against SciPy's and against examples worked by hand, and the promise that the import is cheap."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from ssmae.errors import InvalidConfig, InvalidData
from ssmae.metrics import (
    accuracy_interval,
    expected_calibration_error,
    interval_half_width,
    mcnemar,
)


@given(st.integers(1, 500), st.data(), st.sampled_from([0.9, 0.95, 0.99]))
def test_accuracy_interval__agrees_with_scipys_exact_interval(n: int, data: st.DataObject, confidence: float) -> None:
    correct = data.draw(st.integers(0, n))
    expected = binomtest(correct, n).proportion_ci(confidence, "exact")
    assert accuracy_interval(correct, n, confidence) == pytest.approx((expected.low, expected.high), abs=1e-9)


@pytest.mark.parametrize(
    ("n", "low", "high"), [(100, 0.824, 0.951), (200, 0.850, 0.938), (500, 0.870, 0.925), (1000, 0.880, 0.918)]
)
def test_accuracy_interval__at_ninety_percent(n: int, low: float, high: float) -> None:
    assert accuracy_interval(round(0.9 * n), n) == pytest.approx((low, high), abs=6e-4)


def test_accuracy_interval__nothing_seen_means_nothing_known() -> None:
    assert accuracy_interval(0, 0) == (0.0, 1.0)


@pytest.mark.parametrize(("correct", "n"), [(-1, 5), (6, 5), (0, -1)])
def test_accuracy_interval__refuses_impossible_counts(correct: int, n: int) -> None:
    with pytest.raises(InvalidData, match=f"within 0 to n={n}. Got {correct}"):
        accuracy_interval(correct, n)


@pytest.mark.parametrize("confidence", [0.0, 1.0, 95.0])
def test_accuracy_interval__refuses_a_confidence_that_is_none(confidence: float) -> None:
    with pytest.raises(InvalidConfig, match="confidence"):
        accuracy_interval(1, 2, confidence)


@pytest.mark.parametrize("n", [100, 200, 500, 1000, 10_000])
def test_interval_half_width__is_near_half_the_exact_interval(n: int) -> None:
    low, high = accuracy_interval(round(0.9 * n), n)
    assert interval_half_width(n) == pytest.approx((high - low) / 2, abs=0.005)


@given(st.integers(0, 10_000), st.floats(0, 1))
def test_interval_half_width__shrinks_with_more_images_and_never_passes_one_half(n: int, accuracy: float) -> None:
    assert 0 < interval_half_width(n + 1, accuracy) <= interval_half_width(n, accuracy) <= 0.5


def test_interval_half_width__refuses_a_negative_size() -> None:
    with pytest.raises(InvalidData, match="at least 0"):
        interval_half_width(-1)


def test_expected_calibration_error__by_hand() -> None:
    # Two bins: (0, 0.5] holds 0.4 right; (0.5, 1] holds 0.9 right and 0.7 wrong, mean 0.8 against 0.5.
    error = expected_calibration_error(np.array([0.4, 0.9, 0.7]), np.array([True, True, False]), bins=2)
    assert error == pytest.approx(1 / 3 * 0.6 + 2 / 3 * 0.3)


def test_expected_calibration_error__certainty_that_is_right_has_none() -> None:
    assert expected_calibration_error(np.array([1.0, 0.0]), np.array([True, False])) == 0


def test_expected_calibration_error__of_nothing_is_unknown() -> None:
    assert expected_calibration_error(np.array([]), np.array([], dtype=bool)) is None


@pytest.mark.parametrize("confidence", [float("nan"), 1.1, -0.1])
def test_expected_calibration_error__refuses_what_is_no_confidence(confidence: float) -> None:
    with pytest.raises(InvalidData, match=r"within \[0, 1\]"):
        expected_calibration_error(np.array([confidence]), np.array([True]))


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=200))
def test_mcnemar__agrees_with_scipys_exact_test_and_is_symmetric(pairs: list[tuple[bool, bool]]) -> None:
    correct_a_N, correct_b_N = np.array(pairs, dtype=bool).reshape(-1, 2).T
    only_a, only_b = int((correct_a_N & ~correct_b_N).sum()), int((correct_b_N & ~correct_a_N).sum())
    expected = binomtest(only_a, only_a + only_b).pvalue if only_a + only_b else 1.0
    assert mcnemar(correct_a_N, correct_b_N) == pytest.approx(expected, rel=1e-9)
    assert mcnemar(correct_b_N, correct_a_N) == mcnemar(correct_a_N, correct_b_N)


def test_mcnemar__refuses_answers_that_do_not_pair() -> None:
    with pytest.raises(InvalidData, match=r"must have shape \(2,\)"):
        mcnemar(np.array([True, False]), np.array([True]))
    with pytest.raises(InvalidData, match="booleans"):
        mcnemar(np.array([1, 0]), np.array([1, 0]))


def test_import__brings_no_heavy_library_with_it() -> None:
    heavy = ("torch", "sklearn", "scipy.optimize", "scipy.stats")
    code = f"import sys, ssmae.metrics; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
