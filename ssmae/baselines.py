"""What SSMAE is compared with, and what is left of it without one of its parts: each a few lines of configuration.

Every arm is trained by the same `train_round`, with the same network, the same augmentation of labelled images and the
same number of optimiser steps; only losses, CutMix and the length of the phases differ. Equal steps are not equal
time: tables give both. Standard library only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from ssmae.config import GateRule, RoundConfig, View, Weighting

PRETRAINING_SHARE = 0.75
"""Of the steps of MAE with fine-tuning: its paper, too, spends most of the time before it shows a label."""


@dataclass(frozen=True)
class Arm:
    """One row of a comparison.

    Attributes:
        title: its name in a table.
        what: one sentence about it, with its source.
        config: turns the settings of SSMAE into those of the arm.
        needs_validation: whether its gate asks for answers, which then count in the budget.
    """

    title: str
    what: str
    config: Callable[[RoundConfig], RoundConfig]
    needs_validation: bool = False


def _phases(base: RoundConfig, *, reconstruct: int, labels: int) -> RoundConfig:
    """The same number of steps in all; what is not reconstruction or labels alone is joint."""
    joint = _steps(base) - reconstruct - labels
    lengths = replace(base.schedule, reconstruct_steps=reconstruct, labels_steps=labels, joint_steps=joint)
    return replace(base, schedule=lengths)


def _steps(base: RoundConfig) -> int:
    return base.schedule.reconstruct_steps + base.schedule.labels_steps + base.schedule.joint_steps


def _loss(base: RoundConfig, **changes: object) -> RoundConfig:
    return replace(base, loss=replace(base.loss, **changes))  # type: ignore[arg-type]


def _supervised(base: RoundConfig) -> RoundConfig:
    return _phases(_loss(base, reconstruction_weight=0.0), reconstruct=0, labels=_steps(base))


def _mae_finetune(base: RoundConfig) -> RoundConfig:
    first = round(PRETRAINING_SHARE * _steps(base))
    return _phases(_loss(base, reconstruction_weight=0.0), reconstruct=first, labels=_steps(base) - first)


def _without_reconstruction(base: RoundConfig) -> RoundConfig:
    return _phases(_loss(base, reconstruction_weight=0.0), reconstruct=0, labels=base.schedule.labels_steps)


def _online(base: RoundConfig, weighting: Weighting, **changes: object) -> RoundConfig:
    """Pseudo-labels made anew at each step, no reconstruction, hard targets, no CutMix: none of these papers mixes.

    A fixed threshold of 0.95 is out of reach for a model that is taught smoothed labels: compare with
    `label_smoothing=0`, for every arm alike.
    """
    own: dict[str, object] = {"consistency_weighting": weighting, "sharpening": 0.0, "alignment": False}
    return _without_reconstruction(_unmixed(_loss(base, **own | changes)))


def _unmixed(base: RoundConfig) -> RoundConfig:
    return replace(base, augment=replace(base.augment, cutmix=0.0))


def _pseudo_label(base: RoundConfig) -> RoundConfig:
    own_opinion = replace(base, schedule=replace(base.schedule, teacher_decay=0.0))
    return _online(own_opinion, Weighting.FIXED, consistency_view=View.WEAK)


def _freematch(base: RoundConfig) -> RoundConfig:
    return _online(base, Weighting.ADAPTIVE, alignment=base.loss.alignment)


def _no_gate(base: RoundConfig) -> RoundConfig:
    return replace(base, gate=replace(base.gate, rule=GateRule.ALWAYS_OPEN))


ARMS = {
    "supervised": Arm("supervised", "Labels alone.", _supervised),
    "mae_finetune": Arm(
        "MAE + fine-tuning", "Reconstruction first, labels alone after it (2111.06377).", _mae_finetune
    ),
    "pseudo_label": Arm(
        "pseudo-labels",
        "The model's own confident classes on weak views, threshold 0.95 (Lee 2013), as in 2208.07204.",
        _pseudo_label,
    ),
    "fixmatch": Arm(
        "FixMatch",
        "Strong view like the confident class of the weak view, threshold 0.95 (2001.07685); class by the teacher.",
        lambda base: _online(base, Weighting.FIXED),
    ),
    "freematch": Arm(
        "FreeMatch",
        "FixMatch with thresholds that adapt, in all and for each class (2205.07246). In place of its fairness loss, "
        "which evens out the classes, it is given the alignment of SSMAE.",
        _freematch,
    ),
    "freematch_cutmix": Arm(
        "FreeMatch, with CutMix",
        "FreeMatch given the CutMix of SSMAE (1905.04899), which its paper has not.",
        lambda base: replace(_freematch(base), augment=base.augment),
    ),
    "softmatch": Arm(
        "SoftMatch",
        "FixMatch with a weight instead of a threshold, and aligned to a uniform marginal (2301.10921).",
        lambda base: _online(base, Weighting.SOFT, alignment=True),
    ),
    "ssmae_no_gate": Arm("SSMAE, no gate", "SSMAE whose confident pseudo-labels always teach.", _no_gate),
    "ssmae": Arm("SSMAE", "Reconstruction, labels, gated pseudo-labels and consistency.", lambda base: base, True),
}
"""The rows of the published tables, in their order."""

ABLATIONS = {
    "no_consistency": Arm(
        "without consistency",
        "Pseudo-labels teach once the gate lets them in; nothing else uses the views.",
        lambda base: _loss(base, consistency_weight=0.0),
        needs_validation=True,
    ),
    "no_reconstruction": Arm(
        "without reconstruction",
        "The steps of reconstruction go to the joint phase.",
        _without_reconstruction,
        needs_validation=True,
    ),
    "no_teacher": Arm(
        "without mean teacher",
        "The student itself gives the targets and is the result.",
        lambda base: replace(base, schedule=replace(base.schedule, teacher_decay=0.0)),
        needs_validation=True,
    ),
    "no_mixing": Arm("without CutMix", "No image gets a box of another one's pixels.", _unmixed, needs_validation=True),
}
"""SSMAE without one part; without its gate it is a row of the tables."""
