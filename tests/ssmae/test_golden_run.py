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
    4: {"reconstruction": 1.0183, "total": 1.0183, "gradient_norm": 1.8549},
    8: {"reconstruction": 0.85526, "total": 0.85526, "gradient_norm": 0.96323},
    12: {"reconstruction": 0.80979, "supervised": 2.2664, "total": 3.0762, "gradient_norm": 1.3605},
    16: {
        "supervised": 2.261,
        "pseudo_label": 1.5548,
        "consistency": 0.4859,
        "reconstruction": 0.73644,
        "total": 5.0381,
        "gradient_norm": 3.9868,
    },
    20: {
        "supervised": 2.2635,
        "pseudo_label": 1.0133,
        "consistency": 1.0374,
        "reconstruction": 0.72764,
        "total": 5.0419,
        "gradient_norm": 3.0528,
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
