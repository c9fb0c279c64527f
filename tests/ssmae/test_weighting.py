"""What confidence is worth, by hand."""

from __future__ import annotations

import math

import pytest
import torch

from ssmae.config import LossConfig, Weighting
from ssmae.weighting import MOMENTUM, weighting

PROBABILITIES = torch.tensor([[0.97, 0.03], [0.6, 0.4], [0.1, 0.9]])


def of(choice, **changes):
    return weighting(LossConfig(consistency_weighting=choice, **changes), classes=2)


def test_fixed__asks_for_the_threshold():
    assert of(Weighting.FIXED)(PROBABILITIES).tolist() == [1, 0, 0]
    assert of(Weighting.FIXED, consistency_threshold=0.9)(PROBABILITIES).tolist() == [1, 0, 1]


def test_adaptive__lowers_the_bar_for_the_class_that_is_rarely_seen():
    rule = of(Weighting.ADAPTIVE)
    weights = rule(PROBABILITIES)
    tau = MOMENTUM / 2 + (1 - MOMENTUM) * (0.97 + 0.6 + 0.9) / 3
    first = MOMENTUM / 2 + (1 - MOMENTUM) * (0.97 + 0.6 + 0.1) / 3
    assert rule.tau.item() == pytest.approx(tau)
    assert rule.mean_C.tolist() == pytest.approx([first, 1 - first])
    assert weights.tolist() == [1, 1, 1]
    for _ in range(2000):  # always the same: the bar of the common class rises to the mean confidence
        weights = rule(PROBABILITIES)
    assert weights.tolist() == [1, 0, 1]


def test_soft__is_one_above_the_mean_and_falls_like_a_bell_below():
    rule = of(Weighting.SOFT)
    for _ in range(2000):
        weights = rule(PROBABILITIES)
    confidence = torch.tensor([0.97, 0.6, 0.9])
    variance, mean = confidence.var(correction=0).item(), confidence.mean().item()
    below = math.exp(-((mean - 0.6) ** 2) * 4 / (2 * variance))
    assert weights.tolist() == pytest.approx([1, below, 1], rel=1e-3)


@pytest.mark.parametrize("choice", list(Weighting))
def test_weighting__carries_on_from_its_state(choice):
    first, second = of(choice), of(choice)
    for _ in range(5):
        first(PROBABILITIES)
    second.load_state_dict(first.state_dict())
    assert torch.equal(first(PROBABILITIES), second(PROBABILITIES))
