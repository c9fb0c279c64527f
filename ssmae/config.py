"""Every choice the learner offers, as frozen dataclasses and enums; standard library only.

This is the one module of `ssmae` that the server reads: forms and drop-downs are built from it. It must therefore
never import torch or NumPy. Each field carries its help text and its range in its metadata, so that the form, the
command line and the check in `__post_init__` agree.
"""

from __future__ import annotations

from dataclasses import Field, asdict, dataclass, field, fields, is_dataclass, replace
from enum import StrEnum
from typing import Any, Self, get_type_hints

from ssmae.errors import InvalidConfig


class Acquisition(StrEnum):
    """How the next images to ask people about are chosen."""

    RANDOM = "random"
    MARGIN = "margin"
    ENTROPY = "entropy"
    TYPICLUST = "typiclust"
    DIVERSE = "diverse"

    @property
    def label(self) -> str:
        """Plain words for a person who has to choose."""
        return _ACQUISITION_LABELS[self]


_ACQUISITION_LABELS = {
    Acquisition.RANDOM: "Random: a uniform sample, the honest yardstick",
    Acquisition.MARGIN: "Margin: the two likeliest classes are close",
    Acquisition.ENTROPY: "Entropy: the model is undecided over all classes",
    Acquisition.TYPICLUST: "TypiClust: typical images of unlabelled clusters, for the first labels",
    Acquisition.DIVERSE: "Diverse margin: small margins, spread over clusters",
}


class Masking(StrEnum):
    """Which patches are hidden from the encoder."""

    RANDOM = "random"
    GRID = "grid"


class StartFrom(StrEnum):
    """Which weights a round begins with."""

    LAST = "last"
    SCRATCH = "scratch"
    CHECKPOINT = "checkpoint"


class Preset(StrEnum):
    """How much compute a round may spend, in plain words."""

    QUICK = "quick"
    STANDARD = "standard"
    THOROUGH = "thorough"


class Phase(StrEnum):
    """The three parts of a round, in this order."""

    RECONSTRUCT = "reconstruct"
    LABELS = "labels"
    JOINT = "joint"


class RejectionReason(StrEnum):
    """Why a pseudo-label was not accepted."""

    INCONSISTENT = "inconsistent"
    LOW_CONFIDENCE = "low_confidence"
    GATE_CLOSED = "gate_closed"


def knob(default: Any, help: str, low: float | None = None, high: float | None = None) -> Any:  # noqa: A002 - form word
    """A dataclass field with the text and the range that a form needs."""
    return field(default=default, metadata={"help": help, "low": low, "high": high})


class Section:
    """Base of every group of settings: checks ranges, converts to and from plain dictionaries."""

    def __post_init__(self) -> None:
        """Refuse any value outside its declared range.

        Raises:
            InvalidConfig: names the field, the range and the value.
        """
        for item in _fields(self):
            value, low, high = getattr(self, item.name), item.metadata.get("low"), item.metadata.get("high")
            if low is not None and not value >= low:
                raise InvalidConfig(f"{type(self).__name__}.{item.name}", f"at least {low}", value)
            if high is not None and not value <= high:
                raise InvalidConfig(f"{type(self).__name__}.{item.name}", f"at most {high}", value)

    def to_dict(self) -> dict[str, Any]:
        """Nested plain dictionary, ready for JSON."""
        values: dict[str, Any] = asdict(self)  # type: ignore[call-overload]
        return values

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Build from a (partial) nested dictionary; absent keys take their defaults.

        Raises:
            InvalidConfig: an unknown key (the known ones are listed), a wrong type, or a value out of range.
        """
        hints = get_type_hints(cls)
        known = {item.name for item in _fields(cls)}
        if unknown := sorted(set(values) - known):
            raise InvalidConfig(cls.__name__, f"made of {sorted(known)}", unknown)
        return cls(**{name: _coerce(f"{cls.__name__}.{name}", hints[name], value) for name, value in values.items()})


def _fields(section: Any) -> tuple[Field[Any], ...]:
    return fields(section)


def _coerce(name: str, kind: Any, value: Any) -> Any:
    """Turn a JSON value into the field's type; refuse what does not fit."""
    if is_dataclass(kind) and isinstance(value, dict):
        return kind.from_dict(value)  # type: ignore[union-attr]
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        if value not in list(kind):
            raise InvalidConfig(name, f"one of {[str(member) for member in kind]}", value)
        return kind(value)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(kind, type) and (not isinstance(value, kind) or (kind is int and isinstance(value, bool))):
        raise InvalidConfig(name, f"of type {kind.__name__}", value)
    return value


@dataclass(frozen=True, kw_only=True)
class ModelConfig(Section):
    """The encoder, a timm vision transformer, and the reconstruction decoder."""

    encoder: str = knob("vit_tiny_patch16_224", "Name of any timm vision transformer; size and patch are overridden.")
    image_size: int = knob(32, "Side in pixels that every image is brought to.", 8, 1024)
    patch_size: int = knob(4, "Side of a patch in pixels; must divide the image size.", 1, 64)
    embed_dim: int = knob(0, "Width of the encoder; 0 keeps that of the named model.", 0, 4096)
    depth: int = knob(0, "Blocks of the encoder; 0 keeps that of the named model.", 0, 64)
    heads: int = knob(0, "Attention heads of the encoder; 0 keeps that of the named model.", 0, 64)
    decoder_dim: int = knob(64, "Width of the decoder.", 8, 2048)
    decoder_depth: int = knob(1, "Blocks of the decoder.", 1, 16)
    decoder_heads: int = knob(4, "Attention heads of the decoder.", 1, 32)
    drop_path: float = knob(0.0, "Stochastic depth of the encoder.", 0.0, 0.9)

    def __post_init__(self) -> None:
        """Also refuse a patch that does not divide the image, and widths that heads do not divide."""
        super().__post_init__()
        if self.image_size % self.patch_size:
            raise InvalidConfig("ModelConfig.patch_size", f"a divisor of image_size={self.image_size}", self.patch_size)
        if self.embed_dim and self.heads and self.embed_dim % self.heads:
            raise InvalidConfig("ModelConfig.embed_dim", f"a multiple of heads={self.heads}", self.embed_dim)
        if self.decoder_dim % self.decoder_heads:
            raise InvalidConfig(
                "ModelConfig.decoder_dim", f"a multiple of {self.decoder_heads} heads", self.decoder_dim
            )


@dataclass(frozen=True, kw_only=True)
class LossConfig(Section):
    """What the three losses look at and how they are weighed."""

    masking: Masking = knob(Masking.RANDOM, "Which patches are hidden.")
    mask_ratio: float = knob(0.75, "Share of patches hidden from the encoder.", 0.05, 0.95)
    normalise_target: bool = knob(True, "Reconstruct each patch relative to its own mean and spread.")
    reconstruction_weight: float = knob(1.0, "Weight of the reconstruction loss in the joint phase.", 0.0, 100.0)
    pseudo_label_weight: float = knob(1.0, "Weight of the pseudo-label loss once ramped up.", 0.0, 100.0)
    consistency_weight: float = knob(
        1.0,
        "Weight of soft-weighted consistency (strong view like the teacher's weak view) where no pseudo-label is "
        "accepted, hence also while the gate is closed; 0 switches it off.",
        0.0,
        100.0,
    )
    sharpening: float = knob(0.5, "Temperature of the teacher's target for consistency; below 1 is sharper.", 0.05, 1.0)
    ramp_up_share: float = knob(0.1, "Share of the joint phase over which those two weights rise from 0.", 0.0, 1.0)
    label_smoothing: float = knob(0.1, "Label smoothing of the supervised loss.", 0.0, 0.5)


@dataclass(frozen=True, kw_only=True)
class AugmentConfig(Section):
    """The weak and the strong view."""

    flip: bool = knob(False, "Mirror left and right. Switch on only where that keeps the meaning: not for text.")
    shift: float = knob(0.0625, "Weak view: largest shift, as a share of the side.", 0.0, 0.5)
    rotate: float = knob(15.0, "Strong view: largest rotation in degrees.", 0.0, 180.0)
    zoom: float = knob(0.1, "Strong view: largest change of scale, and largest shear, as a share.", 0.0, 0.7)
    colour: float = knob(0.3, "Strong view: strength of brightness, contrast and colour changes.", 0.0, 1.0)
    cutout: float = knob(0.25, "Strong view: largest side of the erased square, as a share of the side.", 0.0, 1.0)


@dataclass(frozen=True, kw_only=True)
class ScheduleConfig(Section):
    """Optimiser and length of each phase, in steps."""

    reconstruct_steps: int = knob(1500, "Steps of reconstruction alone, for a round that starts from scratch.", 0)
    resume_reconstruct_steps: int = knob(300, "Steps of reconstruction alone, for a round that resumes an encoder.", 0)
    labels_steps: int = knob(200, "Steps of labels and reconstruction, before the gate is first asked.", 0)
    joint_steps: int = knob(500, "Steps with pseudo-labels, as far as the gate lets them in.", 0)
    unlabelled_batch: int = knob(64, "Images a step from the whole stream.", 1, 65536)
    labelled_batch: int = knob(32, "Labelled images a step.", 1, 65536)
    learning_rate: float = knob(3e-3, "Peak learning rate of AdamW.", 1e-7, 1.0)
    weight_decay: float = knob(0.05, "Weight decay of AdamW.", 0.0, 1.0)
    warm_up_share: float = knob(0.05, "Share of a phase in which the learning rate rises.", 0.0, 1.0)
    teacher_decay: float = knob(
        0.99, "Momentum of the teacher, the running mean of the student's weights.", 0.0, 0.99999
    )
    clip: float = knob(1.0, "Largest norm of the gradient; 0 does not limit it.", 0.0)
    shrink: float = knob(1.0, "On resuming: the old encoder's weights are multiplied by this (1 keeps them).", 0.0, 1.0)
    perturb: float = knob(0.0, "On resuming: share of freshly initialised weights added to the old ones.", 0.0, 1.0)


@dataclass(frozen=True, kw_only=True)
class GateConfig(Section):
    """What the validation sample must prove before pseudo-labels may teach."""

    alpha: float = knob(0.10, "Largest error rate allowed among accepted pseudo-labels.", 0.001, 0.5)
    delta: float = knob(0.05, "Probability allowed of letting in worse than that.", 0.0001, 0.5)
    checks: int = knob(2, "How often a round asks the gate; each check spends a part of delta.", 1, 8)
    views: int = knob(2, "Strong views that must agree with the weak one.", 0, 8)


@dataclass(frozen=True, kw_only=True)
class RoundConfig(Section):
    """One round, whole."""

    model: ModelConfig = field(default_factory=ModelConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)
    gate: GateConfig = field(default_factory=GateConfig)
    device: str = knob("auto", "auto, cpu, or cuda: auto takes the GPU if there is one.")
    threads: int = knob(0, "CPU threads; 0 takes every core.", 0, 1024)


def geometry(median_side: int, preset: Preset = Preset.STANDARD) -> tuple[int, int]:
    """Training resolution and patch size that suit images of a given size.

    Small images are trained at their own size, with small patches: bringing 32-pixel images to 224 costs 50 times
    the compute and adds no information. Large ones are reduced, further for a quick preset.

    Args:
        median_side: median of the longer side, in pixels.
        preset: how much compute may be spent.

    Returns:
        (image_size, patch_size): about 16 to 64 patches for quick and standard, up to 196 for thorough.

    Raises:
        InvalidConfig: the side is not positive.
    """
    if median_side < 1:
        raise InvalidConfig("median_side", "at least 1 pixel", median_side)
    for largest, image_size, patch_size in ((12, 8, 2), (20, 16, 4), (30, 28, 7), (48, 32, 4)):
        if median_side <= largest:
            return image_size, patch_size
    return {Preset.QUICK: (64, 16), Preset.STANDARD: (64, 8), Preset.THOROUGH: (224, 16)}[
        preset if median_side > 96 or preset is not Preset.THOROUGH else Preset.STANDARD
    ]


def preset_config(preset: Preset, median_side: int) -> RoundConfig:
    """The settings behind a preset, for images of a given size."""
    image_size, patch_size = geometry(median_side, preset)
    model, schedule = _PRESETS[preset]
    # Three quarters hidden leaves only four of 16 patches, too few to guess the others from: measured on digits.
    few_patches = (image_size // patch_size) ** 2 <= 25
    return RoundConfig(
        model=replace(model, image_size=image_size, patch_size=patch_size),
        loss=LossConfig(mask_ratio=0.5) if few_patches else LossConfig(),
        schedule=schedule,
        # So small a network is slower on two threads (86 s a round of digits) than on one (71 s): they wait too much.
        threads=1 if preset is Preset.QUICK else 0,
    )


_PRESETS: dict[Preset, tuple[ModelConfig, ScheduleConfig]] = {
    Preset.QUICK: (ModelConfig(embed_dim=64, depth=3, heads=4), ScheduleConfig()),
    Preset.STANDARD: (
        ModelConfig(embed_dim=192, depth=6, heads=3, decoder_dim=96),
        ScheduleConfig(
            reconstruct_steps=2000,
            resume_reconstruct_steps=400,
            labels_steps=600,
            joint_steps=2000,
            unlabelled_batch=128,
            labelled_batch=64,
            learning_rate=1e-3,
        ),
    ),
    Preset.THOROUGH: (
        ModelConfig(drop_path=0.1, decoder_dim=128, decoder_depth=2),
        ScheduleConfig(
            reconstruct_steps=10000,
            resume_reconstruct_steps=2000,
            labels_steps=2000,
            joint_steps=10000,
            unlabelled_batch=448,
            labelled_batch=64,
            learning_rate=1e-3,
            teacher_decay=0.999,
        ),
    ),
}
