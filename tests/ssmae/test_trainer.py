"""A round, whole: what it learns, what it promises about labels, how it stops, resumes and refuses."""

from __future__ import annotations

import time
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch

from ssmae.config import Phase, RejectionReason
from ssmae.data import ImageStore
from ssmae.errors import CheckpointMismatch, InvalidConfig, InvalidData, NonFiniteLoss, Stopped
from ssmae.learner import Learner
from ssmae.results import Progress
from ssmae.trainer import train_round


def with_schedule(config, **changes):
    return replace(config, schedule=replace(config.schedule, **changes))


@pytest.fixture
def result(tiny_config, make_data):
    return train_round(make_data(), tiny_config, seed=0)


def test_train_round__returns_something_for_every_image(result, make_data):
    data = make_data()
    assert result.predictions.probabilities_NC.shape == (200, 10)
    assert result.predictions.probabilities_NC.dtype == np.float32
    assert np.allclose(result.predictions.probabilities_NC.sum(axis=1), 1, atol=1e-5)
    assert result.predictions.embeddings_ND.shape == (200, 32)
    unanswered = set(range(200)) - set(data.labelled_index_L.tolist()) - set(data.validation_index_V.tolist())
    assert set(result.proposals.index_K.tolist()) == unanswered
    assert result.learnt_classes
    # Thirty validation answers can never open a second check, so none is made.
    assert [decision.check for decision in result.decisions] == [1]
    assert set(result.versions) == {"python", "torch", "timm", "numpy"}


def test_train_round__gives_each_rejected_proposal_the_first_reason_that_applies(result):
    proposals = result.proposals
    for score, accepted, reason in zip(proposals.score_K, proposals.accepted_K, proposals.reason_K, strict=True):
        assert not accepted  # forty images cannot open the gate
        expected = RejectionReason.INCONSISTENT if score == 0 else RejectionReason.GATE_CLOSED
        assert reason is expected


def test_train_round__is_repeatable_and_leaves_the_global_generator_alone(tiny_config, make_data):
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    first = train_round(make_data(), tiny_config, seed=4)
    assert torch.equal(torch.rand(1), expected)
    second, third = (train_round(make_data(), tiny_config, seed=seed) for seed in (4, 5))
    assert np.array_equal(first.predictions.probabilities_NC, second.predictions.probabilities_NC)
    assert not np.array_equal(first.predictions.probabilities_NC, third.predictions.probabilities_NC)
    assert first.history == second.history


def lying_about_validation(data):
    return replace(data, validation_labels_V=(data.validation_labels_V + 1) % 10)


def test_train_round__never_lets_validation_answers_reach_the_weights_before_they_have_judged(tiny_config, make_data):
    data, config = make_data(), replace(tiny_config, gate=replace(tiny_config.gate, release=False))
    honest, misled = (train_round(each, config, seed=0) for each in (data, lying_about_validation(data)))
    assert not any(decision.is_open for decision in honest.decisions + misled.decisions)
    assert np.array_equal(honest.predictions.probabilities_NC, misled.predictions.probabilities_NC)


def test_train_round__lets_validation_answers_teach_once_they_have_judged(tiny_config, make_data):
    """The model learns from them; what they let in was frozen before."""
    data = make_data()
    honest, misled = (train_round(each, tiny_config, seed=0) for each in (data, lying_about_validation(data)))
    assert not np.array_equal(honest.predictions.probabilities_NC, misled.predictions.probabilities_NC)
    assert np.array_equal(honest.proposals.accepted_K, misled.proposals.accepted_K)


@pytest.mark.parametrize("labels", ["none", "one class"])
def test_train_round__without_two_classes_only_reconstructs_and_says_so(tiny_config, make_data, labels):
    data = make_data(labels=0)
    if labels == "one class":
        labels_N = data.labels_N.copy()
        labels_N[:5] = 3
        data = replace(data, labels_N=labels_N)
    result = train_round(data, tiny_config, seed=0)
    assert not result.learnt_classes
    assert result.notes[0].startswith("Only reconstruction was trained")
    assert {point.phase for point in result.history} == {Phase.RECONSTRUCT}
    assert len(result.proposals.index_K) == 0
    assert result.decisions == ()
    assert np.allclose(result.predictions.probabilities_NC, 0.1)
    assert result.predictions.embeddings_ND.std(axis=0).mean() > 0


def test_train_round__reports_where_it_is(tiny_config, make_data):
    seen: list[Progress] = []
    train_round(make_data(), tiny_config, seed=0, on_progress=seen.append)
    assert [progress.step for progress in seen] == sorted({progress.step for progress in seen})
    assert seen[0].step == 1
    assert seen[-1].step == seen[-1].total_steps == 24
    assert seen[-1].phase is Phase.JOINT
    assert seen[-1].seconds_left == 0
    assert {"supervised", "reconstruction", "pseudo_label"} <= set(seen[-1].losses)


def test_train_round__reports_at_most_about_twice_a_second(tiny_config, make_data):
    moments = []
    config = with_schedule(tiny_config, reconstruct_steps=150, labels_steps=0, joint_steps=0)
    train_round(make_data(), config, seed=0, on_progress=lambda _: moments.append(time.monotonic()))
    assert all(later - earlier >= 0.5 for earlier, later in pairwise(moments[:-1]))


@pytest.mark.parametrize("after", [0, 1, 7, 20, 45, 50])
def test_train_round__stops_at_the_first_question_answered_with_yes(tiny_config, make_data, after):
    asked = []

    def should_stop():
        asked.append(True)
        return len(asked) > after

    with pytest.raises(Stopped):
        train_round(make_data(), tiny_config, seed=0, should_stop=should_stop)
    assert len(asked) == after + 1


def test_train_round__asks_whether_to_stop_during_inference_too(tiny_config, make_data):
    config = with_schedule(tiny_config, reconstruct_steps=0, labels_steps=0, joint_steps=0)
    with pytest.raises(Stopped, match="predicting"):
        train_round(make_data(labels=0), config, seed=0, should_stop=lambda: True)


def test_train_round__stops_before_the_optimiser_step_when_a_loss_is_not_finite(tiny_config, make_data, monkeypatch):
    labels = Learner.labels
    learners = []

    def not_finite(self, weights):
        learners.append((self, {name: value.clone() for name, value in self.student.state_dict().items()}))
        return {name: loss * float("nan") for name, loss in labels(self, weights).items()}

    monkeypatch.setattr(Learner, "labels", not_finite)
    with pytest.raises(NonFiniteLoss, match="Lower the learning rate") as caught:
        train_round(make_data(), tiny_config, seed=0)
    assert caught.value.phase == "labels"
    assert caught.value.step == 0
    assert len(caught.value.recent) == 5
    learner, before = learners[0]
    assert all(torch.equal(before[name], value) for name, value in learner.student.state_dict().items())


def test_train_round__resumes_the_encoder_under_a_fresh_head_for_other_classes(tiny_config, make_data):
    first = train_round(make_data(), tiny_config, seed=0)
    config = with_schedule(tiny_config, resume_reconstruct_steps=0, labels_steps=0, joint_steps=0)
    data = make_data(labels=0)
    data = replace(data, class_names=(*data.class_names, "none of these"))
    resumed = train_round(data, config, seed=1, start_state=first.student)
    assert resumed.predictions.probabilities_NC.shape == (200, 11)
    assert all(torch.equal(first.student.weights[name], value) for name, value in resumed.student.weights.items())


def test_train_round__shrinks_and_perturbs_on_request(tiny_config, make_data):
    first = train_round(make_data(), tiny_config, seed=0)
    nothing = with_schedule(tiny_config, resume_reconstruct_steps=0, labels_steps=0, joint_steps=0)
    fresh = train_round(make_data(), with_schedule(nothing, reconstruct_steps=0), seed=1).student.weights
    mixed = train_round(
        make_data(), with_schedule(nothing, shrink=0.7, perturb=0.1), seed=1, start_state=first.student
    ).student.weights
    for name, value in mixed.items():
        assert torch.allclose(value, 0.7 * first.student.weights[name] + 0.1 * fresh[name], atol=1e-6)


def test_train_round__refuses_weights_of_another_shape_with_a_list_of_differences(tiny_config, make_data):
    first = train_round(make_data(), with_schedule(tiny_config, joint_steps=0), seed=0)
    deeper = replace(tiny_config, model=replace(tiny_config.model, depth=3, decoder_dim=32))
    with pytest.raises(CheckpointMismatch) as caught:
        train_round(make_data(), deeper, seed=0, start_state=first.student)
    assert "- missing     encoder.blocks.2." in str(caught.value)


def test_train_round__refuses_images_of_another_size(tiny_config, make_data):
    data = replace(make_data(), images=ImageStore(np.zeros((200, 3, 16, 16), np.uint8)))
    with pytest.raises(InvalidData, match="8 pixels"):
        train_round(data, tiny_config, seed=0)


def test_train_round__refuses_an_unknown_device(tiny_config, make_data):
    with pytest.raises(InvalidConfig, match="auto, cpu or cuda"):
        train_round(make_data(), replace(tiny_config, device="tpu"), seed=0)


def test_train_round__lowers_every_loss(tiny_config, make_data):
    config = with_schedule(tiny_config, reconstruct_steps=30, labels_steps=60, joint_steps=30, learning_rate=3e-3)
    history = train_round(make_data(), config, seed=0).history

    def mean(name, points):
        return np.mean([point.losses[name] for point in points if name in point.losses])

    supervised = [point for point in history if "supervised" in point.losses]
    assert mean("reconstruction", history[:10]) > 1.1 * mean("reconstruction", history[-10:])
    assert mean("supervised", supervised[:10]) > 1.1 * mean("supervised", supervised[-10:])
