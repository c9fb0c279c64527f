"""Calibration against examples worked by hand, against SciPy's minimiser, and on predictions of a known temperature."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

from ssmae.errors import InvalidConfig, InvalidData
from ssmae.metrics import accuracy_interval, expected_calibration_error, fit_temperature, reliability, with_temperature


def answers_of_temperature(temperature: float, images: int = 4000) -> tuple[np.ndarray, np.ndarray]:
    """Predictions that are right exactly as often as they say once their logits are divided by the temperature."""
    generator = np.random.default_rng(0)
    logits_NC = generator.normal(scale=3, size=(images, 5))
    cumulated_NC = softmax(logits_NC / temperature, axis=1).cumsum(axis=1)
    labels_N = (generator.random((images, 1)) > cumulated_NC[:, :-1]).sum(axis=1)
    return softmax(logits_NC, axis=1).astype(np.float32), labels_N


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_fit_temperature__recovers_the_one_that_made_the_answers(temperature):
    probabilities_NC, labels_N = answers_of_temperature(temperature)
    assert fit_temperature(probabilities_NC, labels_N) == pytest.approx(temperature, rel=0.1)


def test_fit_temperature__agrees_with_scipys_minimum_of_the_likelihood():
    probabilities_NC, labels_N = answers_of_temperature(1.7, images=60)
    logits_NC = np.log(probabilities_NC)

    def loss(log_temperature: float) -> float:
        return -log_softmax(logits_NC / np.exp(log_temperature), axis=1)[np.arange(60), labels_N].mean()

    found = minimize_scalar(loss, bounds=(-3, 3), method="bounded", options={"xatol": 1e-8})
    assert fit_temperature(probabilities_NC, labels_N) == pytest.approx(np.exp(found.x), rel=1e-5)


def test_fit_temperature__stays_bounded_where_every_answer_is_right_or_wrong():
    sure_NC = np.array([[0.7, 0.3], [0.6, 0.4]])
    assert fit_temperature(sure_NC, np.array([0, 0])) == pytest.approx(0.05)
    assert fit_temperature(sure_NC, np.array([1, 1])) == pytest.approx(20)


def test_with_temperature__softens_without_changing_the_order():
    probabilities_NC, labels_N = answers_of_temperature(3.0, images=2000)
    is_correct_N = probabilities_NC.argmax(axis=1) == labels_N
    before = expected_calibration_error(probabilities_NC.max(axis=1), is_correct_N)
    cooled_NC = with_temperature(probabilities_NC, 3.0)
    after = expected_calibration_error(cooled_NC.max(axis=1), is_correct_N)
    assert (cooled_NC.argsort(axis=1) == probabilities_NC.argsort(axis=1)).all()
    assert before is not None
    assert after is not None
    assert before > 0.2
    assert after < 0.04


def test_with_temperature__by_hand():
    # Squares of 0.8 and 0.2, normalised: temperature one half doubles the logits.
    assert with_temperature(np.array([[0.8, 0.2]]), 0.5)[0] == pytest.approx([0.64 / 0.68, 0.04 / 0.68])


@pytest.mark.parametrize(
    ("probabilities", "labels", "message"),
    [
        (np.zeros((0, 3)), [], "at least one answer"),
        ([[0.5, 0.5]], [0, 1], r"must have shape \(1,\)"),
        ([[0.5, 0.6]], [0], "sum to one"),
        ([[0.5, np.nan]], [0], "sum to one"),
        ([[0.5, 0.5]], [2], "within 0 to 1"),
        ([0.5, 0.5], [0, 1], "two dimensions"),
    ],
)
def test_fit_temperature__refuses_what_is_no_evidence(probabilities, labels, message):
    with pytest.raises(InvalidData, match=message):
        fit_temperature(np.array(probabilities), np.array(labels, dtype=np.int64))


def test_with_temperature__refuses_one_that_is_not_positive():
    with pytest.raises(InvalidConfig, match=r"positive and finite\. Got 0"):
        with_temperature(np.array([[1.0, 0.0]]), 0)


def test_reliability__by_hand():
    # Two bins: (0, 0.5] holds 0.4 right and 0.5 wrong; (0.5, 1] holds 0.9 right.
    low, high = reliability(np.array([0.4, 0.9, 0.5]), np.array([True, True, False]), bins=2)
    assert (low.low, low.high, low.count, low.accuracy) == (0, 0.5, 2, 0.5)
    assert low.confidence == pytest.approx(0.45)
    assert (low.accuracy_low, low.accuracy_high) == accuracy_interval(1, 2)
    assert (high.low, high.high, high.count, high.confidence, high.accuracy) == (0.5, 1, 1, 0.9, 1)


def test_reliability__an_empty_bin_claims_nothing():
    empty = reliability(np.array([0.9]), np.array([True]), bins=2)[0]
    assert (empty.count, empty.confidence, empty.accuracy) == (0, None, None)
    assert (empty.accuracy_low, empty.accuracy_high) == (0, 1)


def test_reliability__holds_every_image_once():
    probabilities_NC, labels_N = answers_of_temperature(1.0, images=500)
    confidence_N = np.append(probabilities_NC.max(axis=1)[1:], 0.0)
    assert sum(row.count for row in reliability(confidence_N, labels_N == 0)) == 500
