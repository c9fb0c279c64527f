"""Every choice by name: what a drop-down offers. Standard library only."""

from __future__ import annotations

from enum import StrEnum


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


class Weighting(StrEnum):
    """How much an image without a label counts for consistency, by the teacher's confidence in its class."""

    FIXED = "fixed"
    ADAPTIVE = "adaptive"
    SOFT = "soft"


class View(StrEnum):
    """Which of an image's two augmented views is meant."""

    WEAK = "weak"
    STRONG = "strong"


class GateRule(StrEnum):
    """How the gate decides whether pseudo-labels may teach."""

    LEARN_THEN_TEST = "learn_then_test"
    POINT_ESTIMATE = "point_estimate"
    ALWAYS_OPEN = "always_open"


class Head(StrEnum):
    """What a round that resumes does with the classifier of the round before."""

    FRESH = "fresh"
    KEEP = "keep"


class Precision(StrEnum):
    """Number format of matrix products while training."""

    AUTO = "auto"
    FULL = "full"
    MIXED = "mixed"


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
    CLASS_BLOCKED = "class_blocked"
    OUTSIDE_FRAME = "outside_frame"
