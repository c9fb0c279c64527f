"""Twenty steps of a round, to the third digit: a change of these numbers is a change of the method.

Made by printing `history` of exactly this round; they hold for every platform within the tolerance. Whoever changes
the method on purpose prints them anew and says so in the change log.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from ssmae.config import GateRule, LossConfig
from ssmae.trainer import train_round

EVERY_FOURTH_STEP = {
    4: {"reconstruction": 1.0539, "total": 1.0539, "gradient_norm": 1.7776},
    8: {"reconstruction": 0.83775, "total": 0.83775, "gradient_norm": 0.91058},
    12: {"reconstruction": 0.77171, "supervised": 2.2658, "total": 3.0375, "gradient_norm": 1.3375},
    16: {
        "supervised": 2.2618,
        "pseudo_label": 1.4859,
        "consistency": 0.56264,
        "reconstruction": 0.71486,
        "total": 5.0251,
        "gradient_norm": 3.8209,
    },
    20: {
        "supervised": 2.2631,
        "pseudo_label": 1.3619,
        "consistency": 0.62541,
        "reconstruction": 0.71454,
        "total": 4.9649,
        "gradient_norm": 3.8928,
    },
}


def test_round__of_twenty_steps_is_the_one_on_record(tiny_config, make_data):
    config = replace(
        tiny_config,
        loss=LossConfig(alignment=True, label_smoothing=0.1),
        augment=replace(tiny_config.augment, flip=True, tone=0.2, cutmix=0.5),
        schedule=replace(tiny_config.schedule, reconstruct_steps=8, labels_steps=4, joint_steps=8),
        gate=replace(tiny_config.gate, rule=GateRule.ALWAYS_OPEN, confidence=0.1),
    )
    history = train_round(make_data(), config, seed=0).history
    got = {point.step: point.losses for point in history if point.step % 4 == 0}
    assert got.keys() == EVERY_FOURTH_STEP.keys()
    for step, losses in EVERY_FOURTH_STEP.items():
        assert got[step] == pytest.approx(losses, rel=2e-3), step
