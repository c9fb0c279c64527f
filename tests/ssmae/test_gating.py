"""What holds after one check, and after two."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ssmae.config import GateConfig, GateRule
from ssmae.data import ImageStore, RoundData
from ssmae.gating import Gating
from ssmae.losses import NO_LABEL

IMAGES, VALIDATION = 400, 200


@pytest.fixture
def data():
    """Image i is of class i % 2; the last 200 are the validation sample, none has a training label."""
    labels_N = np.full(IMAGES, -1, np.int64)
    index_V = np.arange(IMAGES - VALIDATION, IMAGES)
    images = ImageStore(np.zeros((IMAGES, 3, 4, 4), np.uint8))
    return RoundData(images, labels_N, index_V, index_V % 2, ("even", "odd"))


def views(wrong=0, confidence=0.9):
    """Three agreeing views; of the validation sample, the `wrong` surest images are wrong."""
    class_N = np.arange(IMAGES) % 2
    sure_N = np.linspace(confidence - 0.2, confidence, IMAGES)
    class_N[IMAGES - wrong :] ^= 1
    probabilities_NC = np.where(np.arange(2) == class_N[:, None], sure_N[:, None], 1 - sure_N[:, None])
    return np.repeat(probabilities_NC[None].astype(np.float32), 3, axis=0)


def test_ask__lets_in_what_is_proven_and_a_later_closed_check_leaves_it_alone(data):
    gating = Gating(data, GateConfig(loss_guard=False))
    first = gating.ask(views(), checks=2)
    assert gating.decisions[0].is_open
    assert (first != NO_LABEL).sum() > 300
    second = gating.ask(views(wrong=150), checks=2)
    assert not gating.decisions[1].is_open
    assert np.array_equal(first, second)
    assert gating.proposals(views).accepted_K.any()


def test_ask__takes_everything_back_when_the_validation_loss_got_worse(data):
    gating = Gating(data, GateConfig(loss_guard=True))
    gating.ask(views(), checks=2)
    second = gating.ask(views(wrong=150), checks=2)
    assert gating.decisions[1].discards
    assert (second == NO_LABEL).all()
    assert not gating.proposals(views).accepted_K.any()


def test_ask__opens_though_the_loss_rose_while_nothing_was_let_in(data):
    unsure = np.full_like(views(), 0.5)
    gating = Gating(data, GateConfig(loss_guard=True))
    assert (gating.ask(unsure, checks=2) == NO_LABEL).all()
    surely_wrong = views(wrong=8, confidence=0.999999)  # few errors, each of them very dear
    surely_wrong[:, :, :] = np.where(surely_wrong > 0.5, 1 - 1e-9, 1e-9)
    assert (gating.ask(surely_wrong, checks=2) != NO_LABEL).any()
    assert gating.decisions[1].is_open


def test_ask__takes_the_newer_snapshot_when_both_are_open(data):
    gating = Gating(data, GateConfig())
    gating.ask(views(confidence=0.9), checks=2)
    gating.ask(views(confidence=0.99), checks=2)
    assert all(decision.is_open for decision in gating.decisions)
    assert gating.proposals(views).score_K.max() > 0.85


def test_ask__never_lets_in_what_lies_outside_the_frame(data):
    in_frame_N = np.ones(IMAGES, np.bool_)
    in_frame_N[:100] = False
    gating = Gating(replace(data, in_frame_N=in_frame_N), GateConfig())
    labels_N = gating.ask(views(), checks=1)
    assert gating.decisions[0].is_open
    assert (labels_N[:100] == NO_LABEL).all()
    assert (labels_N[100:] != NO_LABEL).any()


def test_ask__counts_a_skipped_validation_image_as_an_error(data):
    skipped = replace(data, validation_labels_V=np.where(np.arange(VALIDATION) < 150, -1, data.validation_labels_V))
    for asked, is_open in ((data, True), (skipped, False)):
        gating = Gating(asked, GateConfig())
        gating.ask(views(), checks=1)
        assert gating.decisions[0].is_open is is_open
    assert (gating.released_labels() >= 0).sum() == VALIDATION - 150


def test_released_labels__are_the_validation_answers_beside_the_others(data):
    labels_N = Gating(data, GateConfig()).released_labels()
    assert np.array_equal(labels_N[data.validation_index_V], data.validation_labels_V)
    assert (labels_N[: IMAGES - VALIDATION] == -1).all()


def test_restore__carries_on_with_the_same_decisions_and_the_same_frozen_scores(data):
    first, second = Gating(data, GateConfig()), Gating(data, GateConfig())
    first.ask(views(), checks=2)
    second.restore(first.tensors(), first.facts())
    assert second.decisions == first.decisions
    for gating in (first, second):
        gating.ask(views(wrong=150), checks=2)
    assert second.decisions == first.decisions
    assert np.array_equal(second.proposals(views).score_K, first.proposals(views).score_K)


@pytest.mark.parametrize(("rule", "opens"), [(GateRule.POINT_ESTIMATE, True), (GateRule.LEARN_THEN_TEST, False)])
def test_ask__by_the_papers_rule_opens_on_a_single_lucky_image(data, rule, opens):
    """One validation image is answered, and the model is sure of it."""
    index_V, labels_V = data.validation_index_V[-1:], data.validation_labels_V[-1:]
    lonely = replace(data, validation_index_V=index_V, validation_labels_V=labels_V)
    gating = Gating(lonely, GateConfig(rule=rule, confidence=0.8))
    gating.ask(views(), checks=1)
    assert gating.decisions[0].is_open is opens
