"""The guard: closes when the validation loss got worse, and may do nothing else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import ttest_rel

from ssmae.errors import InvalidConfig, InvalidData
from ssmae.gate import LossGuard, delta_left, in_force, validation_losses
from tests.ssmae.gate_cases import GATE, evidence

GUARD = LossGuard()
OPEN = GATE.decide(evidence(200, 0), checks=2)
CLOSED = GATE.decide(evidence(200, 100), checks=2)


def losses(mean_rise: float, seed: int = 0, n: int = 150) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    before_V = generator.exponential(0.3, n)
    return before_V, np.maximum(0, before_V + mean_rise + generator.normal(0, 0.2, n))


def test_judge__a_loss_that_clearly_rose_closes_and_takes_back_what_was_let_in() -> None:
    before_V, now_V = losses(0.2)
    second = replace(OPEN, check=2)
    judged = GUARD.judge(second, before_V=before_V, now_V=now_V)
    assert not judged.is_open
    assert (judged.threshold, judged.coverage, judged.blocked) == (None, 0.0, ())
    assert in_force([OPEN, judged]) is None
    assert judged.reason == (
        f"Closed: on 150 validation images the mean loss rose from {before_V.mean():.3f} to {now_V.mean():.3f} since "
        "the check before, so whatever was let in is taken back."
    )
    assert (judged.n, judged.errors, judged.check) == (second.n, second.errors, 2)


@pytest.mark.parametrize("decision", [OPEN, CLOSED])
def test_judge__a_loss_that_did_not_rise_changes_nothing(decision) -> None:
    before_V, now_V = losses(-0.05)
    assert GUARD.judge(decision, before_V=before_V, now_V=now_V) is decision
    assert GUARD.judge(decision, before_V=before_V, now_V=before_V) is decision


def test_judge__a_closed_gate_stays_closed_and_discards_too_when_it_trips() -> None:
    before_V, now_V = losses(0.2)
    judged = GUARD.judge(CLOSED, before_V=before_V, now_V=now_V)
    assert (judged.is_open, judged.discards) == (False, True)
    assert in_force([OPEN, judged]) is None


def test_judge__is_the_paired_t_test() -> None:
    for seed in range(50):
        before_V, now_V = losses(0.02, seed)
        expected = ttest_rel(now_V, before_V, alternative="greater").pvalue <= GUARD.level
        assert GUARD.judge(OPEN, before_V=before_V, now_V=now_V).discards == expected


def test_judge__trips_at_its_level_where_nothing_changed_and_nearly_always_where_it_got_worse() -> None:
    def share(mean_rise: float) -> float:
        tripped = [
            GUARD.judge(OPEN, before_V=before_V, now_V=now_V).discards
            for before_V, now_V in (
                (generator.normal(1, 0.3, 150), generator.normal(1 + mean_rise, 0.3, 150))
                for generator in map(np.random.default_rng, range(1000))
            )
        ]
        return float(np.mean(tripped))

    assert 0.03 < share(0.0) < 0.07
    assert share(0.15) > 0.95


def test_judge__too_few_images_say_nothing() -> None:
    for n in (0, 1):
        assert not GUARD.judge(OPEN, before_V=np.zeros(n), now_V=np.ones(n)).discards


def test_judge__the_same_rise_everywhere_needs_no_spread() -> None:
    assert GUARD.judge(OPEN, before_V=np.zeros(5), now_V=np.ones(5)).discards


def test_judge__what_it_told_is_paid_for_by_the_next_check() -> None:
    before_V, now_V = losses(0.2)
    first = GATE.decide(evidence(200, 0), checks=3)
    second = GATE.decide(evidence(200, 0), checks=3, earlier=[first])
    judged = GUARD.judge(second, before_V=before_V, now_V=now_V)
    assert delta_left(0.05, checks=3, earlier=[first, judged]) == pytest.approx(0.05 / 3 * 0.98 / 7 * 0.01)


@pytest.mark.parametrize(
    ("before", "now", "message"),
    [([0.1], [0.1, 0.2], r"shape \(1,\) like before_V"), ([0.1, np.nan], [0.1, 0.2], "finite")],
)
def test_judge__refuses_losses_that_cannot_be_compared(before, now, message) -> None:
    with pytest.raises(InvalidData, match=message):
        GUARD.judge(OPEN, before_V=np.array(before), now_V=np.array(now))
    with pytest.raises(InvalidConfig, match="strictly between 0 and 1"):
        LossGuard(level=0.0)


def test_validation_losses__by_hand_and_bounded() -> None:
    probabilities_VC = np.array([[0.5, 0.5], [0.25, 0.75], [0.0, 1.0]], np.float32)
    losses_V = validation_losses(probabilities_VC, np.array([0, 1, 0]))
    assert losses_V == pytest.approx([np.log(2), -np.log(0.75), -np.log(1e-6)])
    with pytest.raises(InvalidData, match=r"\(3, 2\) and \(2,\)"):
        validation_losses(probabilities_VC, np.array([0, 1]))
