"""Lengths of the phases, learning rate, loss weights, and the moments at which the gate is asked."""

from __future__ import annotations

import pytest

from ssmae.config import LossConfig, Phase, ScheduleConfig
from ssmae.schedule import Plan

SCHEDULE = ScheduleConfig(
    reconstruct_steps=100, resume_reconstruct_steps=10, labels_steps=40, joint_steps=60, learning_rate=1e-3
)
PLAN = Plan.of(SCHEDULE, resumes=False, learns_classes=True)


def rates(*phases):
    return [PLAN.learning_rate(phase, step, SCHEDULE) for phase in phases for step in range(PLAN.steps[phase])]


@pytest.mark.parametrize("phases", [(Phase.RECONSTRUCT,), (Phase.LABELS, Phase.JOINT)])
def test_learning_rate__rises_once_and_falls_to_almost_nothing(phases):
    curve = rates(*phases)
    peak = curve.index(max(curve))
    assert curve[:peak] == sorted(curve[:peak])
    assert curve[peak:] == sorted(curve[peak:], reverse=True)
    assert max(curve) == pytest.approx(1e-3)
    assert 0 < curve[-1] < 1e-5
    assert curve[0] > 0


def test_plan__is_shorter_for_a_round_that_resumes():
    assert Plan.of(SCHEDULE, resumes=True, learns_classes=True).total == 110
    assert Plan.of(SCHEDULE, resumes=False, learns_classes=False).total == 100


def test_steps_left__count_a_later_step_by_its_images():
    schedule = ScheduleConfig(
        reconstruct_steps=10,
        labels_steps=0,
        joint_steps=10,
        reconstruct_batch=96,
        unlabelled_batch=32,
        labelled_batch=32,
    )
    plan = Plan.of(schedule, resumes=False, learns_classes=True)
    # A joint step reconstructs 32 images and asks the teacher about them, and trains on 64: it costs twice 96.
    assert plan.steps_left(Phase.RECONSTRUCT, 4) == 6 + 20
    assert plan.steps_left(Phase.JOINT, 4) == 6


def test_check_steps__are_the_start_and_half_way_and_a_single_one_waits():
    assert PLAN.check_steps(2) == [0, 30]
    assert PLAN.check_steps(1) == [30]


def test_check_steps__never_ask_twice_at_one_step():
    plan = Plan.of(ScheduleConfig(joint_steps=1), resumes=False, learns_classes=True)
    assert plan.check_steps(2) == [0]


def test_loss_weights__rise_over_the_first_part_of_the_joint_phase():
    loss = LossConfig(pseudo_label_weight=2.0, ramp_up_share=0.5)
    weights = [PLAN.loss_weights(Phase.JOINT, step, loss)["pseudo_label"] for step in range(60)]
    assert weights[0] == pytest.approx(2 / 30)
    assert weights[29:] == [2.0] * 31
    assert weights == sorted(weights)


def test_loss_weights__leave_reconstruction_alone_at_one():
    loss = LossConfig(reconstruction_weight=0.0)
    assert PLAN.loss_weights(Phase.RECONSTRUCT, 5, loss) == {"reconstruction": 1.0}
