"""The forecast of labels finds a known power law, is right as often as it says, and refuses thin evidence."""

from __future__ import annotations

import numpy as np
import pytest

from ssmae.errors import InvalidConfig, InvalidData
from ssmae.metrics import forecast_labels

LABELS = np.array([20, 50, 100, 200, 400, 800])


def rounds(
    floor: float, scale: float, exponent: float, tested: int, generator: np.random.Generator | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rounds whose error follows a power law, exactly or as counted on a test split."""
    errors = floor + scale * LABELS**-exponent
    correct = np.round(tested * (1 - errors)) if generator is None else generator.binomial(tested, 1 - errors)
    return LABELS, correct.astype(np.int64), np.full(len(LABELS), tested)


def test_forecast_labels__recovers_a_curve_that_was_measured_exactly():
    # 0.02 + 1.5 n^-0.5 falls to 0.05 at 2,500 labels.
    found = forecast_labels(*rounds(0.02, 1.5, 0.5, 200_000), 0.95, seed=0)
    assert found.curve.exponent == pytest.approx(0.5, rel=0.02)
    assert found.curve.floor == pytest.approx(0.02, abs=0.001)
    assert found.labels == pytest.approx(2500, rel=0.02)
    assert found.low is not None
    assert found.high is not None
    assert found.low <= 2500 <= found.high
    assert found.high < 1.5 * found.low


def test_forecast_labels__its_interval_holds_the_truth_as_often_as_it_says():
    generator = np.random.default_rng(0)
    inside = 0
    for _ in range(20):
        found = forecast_labels(*rounds(0.02, 1.5, 0.5, 1000, generator), 0.93, seed=0)  # 900 labels
        inside += (found.low or np.inf) <= 900 <= (found.high or np.inf)
    assert inside >= 17  # 95 % of 20, less what chance may take in one of a thousand trials


def test_forecast_labels__says_when_the_floor_is_in_the_way():
    found = forecast_labels(*rounds(0.1, 1.0, 0.8, 20_000), 0.95, seed=0)
    assert (found.labels, found.low, found.high) == (None, None, None)
    assert found.reason == "95 % is not within 10 times the 800 labels at hand."


def test_forecast_labels__names_no_upper_end_where_some_refits_never_arrive():
    found = forecast_labels(*rounds(0.02, 1.5, 0.5, 300), 0.95, seed=0)
    assert found.high is None
    assert 0 < found.reached < 1
    assert f"{100 * found.reached:.0f} % of the redrawn curves reach it" in found.reason


def test_forecast_labels__rounds_that_scatter_widen_the_interval():
    labels, correct, tested = rounds(0.02, 1.5, 0.5, 20_000)
    smooth = forecast_labels(labels, correct, tested, 0.93, seed=0)
    rough = forecast_labels(labels, correct + np.array([300, -300, 300, -300, 300, -300]), tested, 0.93, seed=0)
    assert smooth.high is not None
    assert rough.high is None or rough.high > 1.5 * smooth.high


def test_forecast_labels__depends_on_the_seed_alone():
    evidence = rounds(0.02, 1.5, 0.5, 500)
    assert forecast_labels(*evidence, 0.9, seed=3) == forecast_labels(*evidence, 0.9, seed=3)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([20, 40, 80, 200], "Got 4 rounds and a factor of 10"),
        ([20, 30, 40, 60, 80], "Got 5 rounds and a factor of 4"),
        ([], "Got 0 rounds"),
        ([20, 20, 80, 160, 320], "rise from round to round"),
        ([0, 20, 80, 160, 320], "positive"),
    ],
)
def test_forecast_labels__refuses_thin_evidence(labels, message):
    counts = np.full(len(labels), 100)
    with pytest.raises(InvalidData, match=message):
        forecast_labels(np.array(labels), counts // 2, counts, target=0.9, seed=0)


def test_forecast_labels__refuses_counts_that_do_not_fit():
    with pytest.raises(InvalidData, match="equally long"):
        forecast_labels(LABELS, LABELS[:5], LABELS, target=0.9, seed=0)
    with pytest.raises(InvalidData, match="no more right ones"):
        forecast_labels(LABELS, LABELS + 1, LABELS, target=0.9, seed=0)
    with pytest.raises(InvalidConfig, match="target"):
        forecast_labels(LABELS, LABELS // 2, LABELS, target=1.0, seed=0)
