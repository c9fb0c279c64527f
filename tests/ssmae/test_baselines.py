"""Baselines and ablations are configurations of the one trainer, with the same number of steps."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ssmae.baselines import ABLATIONS, ARMS
from ssmae.config import GateRule, Phase, View, Weighting
from ssmae.schedule import Plan
from ssmae.trainer import train_round

EVERY = ARMS | ABLATIONS


def without_validation(data):
    return replace(data, validation_index_V=np.zeros(0, np.int64), validation_labels_V=np.zeros(0, np.int64))


@pytest.mark.parametrize("name", EVERY)
def test_arm__trains_as_many_steps_as_all_others_and_learns(name, tiny_config, make_data):
    config = EVERY[name].config(tiny_config)
    assert Plan.of(config.schedule, resumes=False, learns_classes=True).total == 24
    data = make_data() if EVERY[name].needs_validation else without_validation(make_data())
    result = train_round(data, config, seed=0)
    assert result.history[-1].step == 24
    assert result.learnt_classes
    assert np.isfinite(result.predictions.probabilities_NC).all()


def losses_seen(config, data):
    return {name for point in train_round(data, config, seed=0).history for name in point.losses}


def test_arms__train_on_what_their_names_say(tiny_config, make_data):
    data, always = make_data(), {"total", "gradient_norm"}
    seen = {name: losses_seen(arm.config(tiny_config), data) - always for name, arm in EVERY.items()}
    assert seen["supervised"] == {"supervised"}
    assert seen["mae_finetune"] == {"supervised", "reconstruction"}
    for online in ("pseudo_label", "fixmatch", "freematch", "softmatch"):
        assert seen[online] == {"supervised", "consistency", "pseudo_label"}
    assert seen["ssmae"] == {"supervised", "reconstruction", "consistency", "pseudo_label"}
    assert "consistency" not in seen["no_consistency"]
    assert "reconstruction" not in seen["no_reconstruction"]


def test_mae_finetune__does_not_reconstruct_once_labels_are_learnt(tiny_config, make_data):
    history = train_round(make_data(), ARMS["mae_finetune"].config(tiny_config), seed=0).history
    assert {point.phase for point in history if "reconstruction" in point.losses} == {Phase.RECONSTRUCT}


def test_arms__differ_in_what_the_papers_differ_in(tiny_config):
    settings = {name: arm.config(tiny_config) for name, arm in EVERY.items()}
    assert settings["pseudo_label"].loss.consistency_view is View.WEAK
    assert settings["pseudo_label"].schedule.teacher_decay == 0
    assert settings["fixmatch"].loss.consistency_weighting is Weighting.FIXED
    assert settings["freematch"].loss.consistency_weighting is Weighting.ADAPTIVE
    assert settings["softmatch"].loss.consistency_weighting is Weighting.SOFT
    assert settings["ssmae_no_gate"].gate.rule is GateRule.ALWAYS_OPEN
    assert settings["ssmae"] == tiny_config
    assert settings["freematch_cutmix"] == replace(settings["freematch"], augment=tiny_config.augment)
    mixes = {name for name, config in settings.items() if config.augment.cutmix}
    assert not mixes & {"pseudo_label", "fixmatch", "freematch", "softmatch", "no_mixing"}
    assert {replace(config.augment, cutmix=0.0) for config in settings.values()} == {
        replace(tiny_config.augment, cutmix=0.0)
    }
    assert {config.model for config in settings.values()} == {tiny_config.model}


def test_no_teacher__gives_the_student_itself(tiny_config, make_data):
    result = train_round(make_data(), ABLATIONS["no_teacher"].config(tiny_config), seed=0)
    weights = {name: value for name, value in result.model.state_dict().items() if name in result.student.weights}
    assert weights
    assert all(np.array_equal(value.numpy(), result.student.weights[name].numpy()) for name, value in weights.items())


def test_fixmatch__trains_on_confident_images_where_labels_are_not_smoothed(tiny_config, make_data):
    """A threshold that nothing can reach would make the baseline a supervised one in disguise."""
    longer = replace(tiny_config.schedule, reconstruct_steps=0, labels_steps=120, joint_steps=40, learning_rate=1e-2)
    config = ARMS["fixmatch"].config(
        replace(tiny_config, schedule=longer, loss=replace(tiny_config.loss, label_smoothing=0.0))
    )
    history = train_round(make_data(images=60, labels=30, validation=0), config, seed=0).history
    assert history[-1].losses["consistency"] > 0


@pytest.mark.parametrize(("smoothing", "says_so"), [(0.1, True), (0.0, False)])
def test_train_round__says_when_no_image_can_reach_the_confidence_asked_for(tiny_config, make_data, smoothing, says_so):
    config = ARMS["fixmatch"].config(replace(tiny_config, loss=replace(tiny_config.loss, label_smoothing=smoothing)))
    notes = train_round(make_data(), config, seed=0).notes
    assert any("teach a confidence of 0.91" in note for note in notes) is says_so
