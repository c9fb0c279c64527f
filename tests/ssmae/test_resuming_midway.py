"""A round that is interrupted ends as if it had not been: bitwise, wherever it was cut."""

from __future__ import annotations

from dataclasses import replace
from itertools import count

import numpy as np
import pytest
import torch

import ssmae.images
from ssmae.config import AugmentConfig, GateRule, Head, LossConfig, Weighting
from ssmae.errors import CheckpointMismatch, Stopped
from ssmae.learner import Learner
from ssmae.trainer import train_round
from tests.ssmae.conftest import mapped


def interrupted(data, config, path, *, after, seed=3, every_seconds=0.0):
    """Train with a state after every step, and stop after some questions (two a step)."""
    asked = []

    def should_stop():
        asked.append(True)
        return len(asked) > after

    with pytest.raises(Stopped):
        train_round(data, config, seed=seed, should_stop=should_stop, midway=path, midway_seconds=every_seconds)


def assert_same(one, other):
    for first, second in ((one.model, other.model),):
        for name, value in first.state_dict().items():
            assert torch.equal(value, second.state_dict()[name]), name
    for name, value in one.student.weights.items():
        assert torch.equal(value, other.student.weights[name]), name
    assert np.array_equal(one.predictions.probabilities_NC, other.predictions.probabilities_NC)
    assert np.array_equal(one.proposals.class_K, other.proposals.class_K)
    assert np.array_equal(one.proposals.score_K, other.proposals.score_K)
    assert np.array_equal(one.proposals.accepted_K, other.proposals.accepted_K)
    assert one.proposals.reason_K == other.proposals.reason_K
    assert one.decisions == other.decisions
    assert one.history == other.history


@pytest.fixture
def eventful(tiny_config):
    """Everything that has a state: soft weights, alignment, mixed images, stochastic depth, a gate that lets in."""
    return replace(
        tiny_config,
        model=replace(tiny_config.model, drop_path=0.3),
        loss=LossConfig(alignment=True, consistency_weighting=Weighting.ADAPTIVE),
        augment=AugmentConfig(cutmix=0.5, tone=0.3),
        gate=replace(tiny_config.gate, rule=GateRule.ALWAYS_OPEN, confidence=0.1, release=True),
    )


@pytest.mark.parametrize("after", [7, 25, 36, 46, 54, 56])
def test_train_round__goes_on_from_a_half_way_state_bitwise(eventful, make_data, tmp_path, after):
    """Cut in each phase, while the second check is scored, and after the answers were released."""
    whole = train_round(make_data(), eventful, seed=3)
    assert whole.proposals.accepted_K.any()
    path = tmp_path / "midway.safetensors"
    interrupted(make_data(), eventful, path, after=after)
    assert_same(whole, train_round(make_data(), eventful, seed=3, midway=path))


@pytest.mark.parametrize("after", [7, 25, 54])
def test_train_round__goes_on_bitwise_where_images_are_read_ahead_from_the_disk(
    eventful, make_data, tmp_path, monkeypatch, after
):
    monkeypatch.setattr(ssmae.images, "ON_DEVICE_BYTES", 0)
    data = make_data()
    data = replace(data, images=mapped(data.images, tmp_path))
    whole = train_round(data, eventful, seed=3)
    path = tmp_path / "midway.safetensors"
    interrupted(data, eventful, path, after=after)
    assert_same(whole, train_round(data, eventful, seed=3, midway=path))


@pytest.mark.parametrize(("cut", "left"), [("between two steps", 19), ("while predicting", 0)])
def test_train_round__a_stop_keeps_every_step_however_rarely_it_saves(
    tiny_config, make_data, tmp_path, monkeypatch, cut, left
):
    questions, steps = count(), count()
    whole = train_round(make_data(), tiny_config, seed=3, should_stop=lambda: next(questions) < 0)
    path, update = tmp_path / "midway.safetensors", Learner.update
    after = 10 if cut == "between two steps" else next(questions) - 1
    interrupted(make_data(), tiny_config, path, after=after, every_seconds=3600.0)
    monkeypatch.setattr(Learner, "update", lambda *given: (next(steps), update(*given))[1])
    assert_same(train_round(make_data(), tiny_config, seed=3, midway=path), whole)
    assert next(steps) == left


def test_train_round__survives_several_interruptions(eventful, make_data, tmp_path):
    """Under the gate that proves its bound, whose guard remembers losses between checks."""
    config = replace(eventful, gate=replace(eventful.gate, rule=GateRule.LEARN_THEN_TEST, alpha=0.5, delta=0.5))
    path = tmp_path / "midway.safetensors"
    for after in (5, 12, 27):
        interrupted(make_data(), config, path, after=after)
    whole = train_round(make_data(), config, seed=3)
    assert len(whole.decisions) == 2
    assert_same(whole, train_round(make_data(), config, seed=3, midway=path))


def test_train_round__refuses_the_state_of_another_round(tiny_config, make_data, tmp_path):
    path = tmp_path / "midway.safetensors"
    interrupted(make_data(), tiny_config, path, after=9)
    other = replace(tiny_config, schedule=replace(tiny_config.schedule, learning_rate=0.5, head=Head.KEEP))
    with pytest.raises(CheckpointMismatch, match=r"learning_rate: expected 0\.5"):
        train_round(make_data(), other, seed=3, midway=path)
    with pytest.raises(CheckpointMismatch, match="seed: expected 4, got 3"):
        train_round(make_data(), tiny_config, seed=4, midway=path)


def test_train_round__refuses_a_state_that_began_with_other_weights(tiny_config, make_data, tmp_path):
    path = tmp_path / "midway.safetensors"
    interrupted(make_data(), tiny_config, path, after=9)
    parent = train_round(make_data(), tiny_config, seed=9).student
    with pytest.raises(CheckpointMismatch, match="start: expected"):
        train_round(make_data(), tiny_config, seed=3, start_state=parent, midway=path)
