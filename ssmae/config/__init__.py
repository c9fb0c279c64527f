"""Every choice the learner offers, as frozen dataclasses and enums; standard library only.

This is the one part of `ssmae` that the server reads: forms and drop-downs are built from it. It must therefore
never import torch or NumPy. Each field carries its help text and its range in its metadata, so that the form, the
command line and the check in `__post_init__` agree.
"""

from ssmae.config.choices import (
    Acquisition,
    GateRule,
    Head,
    Masking,
    Phase,
    Precision,
    Preset,
    RejectionReason,
    StartFrom,
    View,
    Weighting,
)
from ssmae.config.evidence import BLOCKING_SHARE, WIDEST_START, chains_share, required_answers
from ssmae.config.overrides import Overrides, changed, differences, every_setting, merged, parse_overrides
from ssmae.config.presets import geometry, preset_config
from ssmae.config.reach import unreachable
from ssmae.config.sections import (
    AugmentConfig,
    GateConfig,
    LossConfig,
    ModelConfig,
    RoundConfig,
    ScheduleConfig,
)
from ssmae.config.sizes import Size, size_config

__all__ = [
    "BLOCKING_SHARE",
    "WIDEST_START",
    "Acquisition",
    "AugmentConfig",
    "GateConfig",
    "GateRule",
    "Head",
    "LossConfig",
    "Masking",
    "ModelConfig",
    "Overrides",
    "Phase",
    "Precision",
    "Preset",
    "RejectionReason",
    "RoundConfig",
    "ScheduleConfig",
    "Size",
    "StartFrom",
    "View",
    "Weighting",
    "chains_share",
    "changed",
    "differences",
    "every_setting",
    "geometry",
    "merged",
    "parse_overrides",
    "preset_config",
    "required_answers",
    "size_config",
    "unreachable",
]
