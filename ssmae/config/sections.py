"""The settings of a round, in groups, each field with its help text and range."""

from __future__ import annotations

from dataclasses import dataclass, field

from ssmae.config.choices import GateRule, Head, Masking, Precision, View, Weighting
from ssmae.config.section import Section, knob
from ssmae.errors import InvalidConfig


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
    reconstruction_weight: float = knob(1.0, "Weight of the reconstruction loss beside labels.", 0.0, 100.0)
    pseudo_label_weight: float = knob(1.0, "Weight of the pseudo-label loss once ramped up.", 0.0, 100.0)
    consistency_weight: float = knob(
        1.0,
        "Weight of soft-weighted consistency (strong view like the teacher's weak view) where no pseudo-label is "
        "accepted, hence also while the gate is closed; 0 switches it off.",
        0.0,
        100.0,
    )
    consistency_weighting: Weighting = knob(
        Weighting.SOFT,
        "How confidence becomes weight: fixed threshold (FixMatch), adaptive thresholds (FreeMatch), soft (SoftMatch).",
    )
    consistency_threshold: float = knob(0.95, "Confidence that the fixed weighting asks for.", 0.0, 1.0)
    consistency_view: View = knob(View.STRONG, "View that consistency trains; weak is plain pseudo-labelling.")
    alignment: bool = knob(
        default=False, help="Even out how often each class is predicted; only where all classes are about as common."
    )
    sharpening: float = knob(
        0.5,
        "Temperature of the teacher's target for consistency: below 1 is sharper, 0 takes its likeliest class alone.",
        0.0,
        1.0,
    )
    ramp_up_share: float = knob(0.1, "Share of the joint phase over which those two weights rise from 0.", 0.0, 1.0)
    label_smoothing: float = knob(
        0.0,
        "Label smoothing of the supervised loss. Keeps confidence down: a threshold above that lets nothing in.",
        0.0,
        0.5,
    )


@dataclass(frozen=True, kw_only=True)
class AugmentConfig(Section):
    """The weak and the strong view."""

    flip: bool = knob(False, "Mirror left and right. Switch on only where that keeps the meaning: not for text.")
    shift: float = knob(0.0625, "Weak view: largest shift, as a share of the side.", 0.0, 0.5)
    rotate: float = knob(15.0, "Strong view: largest rotation in degrees.", 0.0, 180.0)
    zoom: float = knob(0.1, "Strong view: largest change of scale, and largest shear, as a share.", 0.0, 0.7)
    colour: float = knob(0.3, "Strong view: strength of brightness, contrast and colour changes.", 0.0, 1.0)
    tone: float = knob(
        0.0, "Strong view: strength of posterising, solarising, sharpening and automatic contrast.", 0.0, 1.0
    )
    cutmix: float = knob(
        0.5,
        "Joint phase: probability that an image gets a box of another one's pixels, and that share of its target.",
        0.0,
        1.0,
    )
    cutout: float = knob(0.25, "Strong view: largest side of the erased square, as a share of the side.", 0.0, 1.0)


@dataclass(frozen=True, kw_only=True)
class ScheduleConfig(Section):
    """Optimiser and length of each phase, in steps."""

    reconstruct_steps: int = knob(1500, "Steps of reconstruction alone, for a round that starts from scratch.", 0)
    resume_reconstruct_steps: int = knob(300, "Steps of reconstruction alone, for a round that resumes an encoder.", 0)
    labels_steps: int = knob(200, "Steps of labels and reconstruction, before the gate is first asked.", 0)
    joint_steps: int = knob(500, "Steps with pseudo-labels, as far as the gate lets them in.", 0)
    reconstruct_batch: int = knob(64, "Images a step of reconstruction alone, from the whole stream.", 1, 65536)
    unlabelled_batch: int = knob(64, "Images a later step from the whole stream.", 1, 65536)
    labelled_batch: int = knob(32, "Labelled images a step.", 1, 65536)
    learning_rate: float = knob(3e-3, "Peak learning rate of AdamW.", 1e-7, 1.0)
    weight_decay: float = knob(0.05, "Weight decay of AdamW.", 0.0, 1.0)
    warm_up_share: float = knob(0.05, "Share of a phase in which the learning rate rises.", 0.0, 1.0)
    teacher_decay: float = knob(
        0.99, "Momentum of the teacher, the running mean of the student's weights.", 0.0, 0.99999
    )
    layer_decay: float = knob(
        1.0, "Learning rate of each block of the encoder relative to the block above it; 1 treats all alike.", 0.1, 1.0
    )
    clip: float = knob(1.0, "Largest norm of the gradient; 0 does not limit it.", 0.0)
    shrink: float = knob(1.0, "On resuming: the old encoder's weights are multiplied by this (1 keeps them).", 0.0, 1.0)
    perturb: float = knob(0.0, "On resuming: share of freshly initialised weights added to the old ones.", 0.0, 1.0)
    head: Head = knob(Head.FRESH, "On resuming: a fresh classifier, or the old one with rows for new classes.")


@dataclass(frozen=True, kw_only=True)
class GateConfig(Section):
    """What the validation sample must prove before pseudo-labels may teach."""

    rule: GateRule = knob(
        GateRule.LEARN_THEN_TEST,
        "learn_then_test proves an error bound; point_estimate is the rule of the SSMAE paper; always_open is no gate.",
    )
    alpha: float = knob(0.10, "Largest error rate allowed among accepted pseudo-labels.", 0.001, 0.5)
    delta: float = knob(0.05, "Probability allowed of letting in worse than that.", 0.0001, 0.5)
    checks: int = knob(2, "How often a round asks the gate; each check spends a part of delta.", 1, 8)
    views: int = knob(2, "Strong views that must agree with the weak one.", 0, 8)
    loss_guard: bool = knob(
        default=True,
        help="Close also when the loss on the validation sample has risen significantly since the check before, while "
        "pseudo-labels taught: what was let in did harm.",
    )
    release: bool = knob(default=True, help="Validation answers teach too, once the last check of the round is over.")
    opens_at: float = knob(0.70, "point_estimate: accuracy of the confident validation images that opens.", 0.0, 1.0)
    confidence: float = knob(
        0.95, "point_estimate and always_open: confidence asked for on the weak and on every strong view.", 0.0, 1.0
    )


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
    precision: Precision = knob(Precision.AUTO, "auto: bfloat16 on a GPU, full precision on a CPU.")
    compile: bool = knob(
        default=False, help="torch.compile, on a GPU: a minute at the start, then faster steps. Needs a C compiler."
    )
