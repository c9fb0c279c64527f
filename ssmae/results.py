"""What a round reports while it runs and when it is done: plain frozen values. Must never import trainer.

Dimensions: N images, C classes, D width of the embedding, K proposals.
"""

from __future__ import annotations

import platform
from dataclasses import dataclass

import numpy as np
import timm
import torch

from ssmae.config import ModelConfig, Phase
from ssmae.errors import CheckpointMismatch
from ssmae.gate import GateDecision
from ssmae.inference import Predictions
from ssmae.model import SSMAE
from ssmae.proposals import Proposals


@dataclass(frozen=True)
class Progress:
    """Where a running round is; sent about twice a second.

    Attributes:
        phase: the part of the round.
        step: steps done, of the whole round.
        total_steps: steps of the whole round.
        losses: the last values, by name.
        images_per_second: images drawn from the stream and from the labels, since the last report.
        seconds_left: estimate until the last step.
    """

    phase: Phase
    step: int
    total_steps: int
    losses: dict[str, float]
    images_per_second: float
    seconds_left: float


@dataclass(frozen=True)
class HistoryPoint:
    """One point of the training curves: means since the point before it."""

    phase: Phase
    step: int
    losses: dict[str, float]
    learning_rate: float


@dataclass(frozen=True)
class HeadState:
    """The classifier of a round, and what its rows mean.

    Attributes:
        weight_CD: one row a class, on the CPU.
        bias_C: one number a class.
        class_names: the classes, in the order of the rows.
    """

    weight_CD: torch.Tensor
    bias_C: torch.Tensor
    class_names: tuple[str, ...]

    def __post_init__(self) -> None:
        """Refuse rows that are not one a class.

        Raises:
            CheckpointMismatch: the shapes and the number of classes differ.
        """
        classes = len(self.class_names)
        if self.weight_CD.ndim != 2 or len(self.weight_CD) != classes or self.bias_C.shape != (classes,):
            raise CheckpointMismatch(
                f"A classifier of {classes} classes must have that many rows and biases. "
                f"Got shapes {tuple(self.weight_CD.shape)} and {tuple(self.bias_C.shape)}."
            )

    @classmethod
    def of(cls, model: SSMAE) -> HeadState:
        """A copy of a model's classifier."""
        weight_CD, bias_C = (model.encoder.get_parameter(name) for name in ("head.weight", "head.bias"))
        return cls(weight_CD.detach().cpu().clone(), bias_C.detach().cpu().clone(), model.class_names)


@dataclass(frozen=True)
class EncoderState:
    """What the next round starts from: encoder and, if there are any, decoder and classifier; no optimiser.

    Attributes:
        weights: by name as in `SSMAE`, on the CPU; names begin with `encoder.` or `decoder.`; none of the classifier.
        model: the shape of the network they belong to; None if unknown (weights from elsewhere).
        head: the classifier; None if unknown (weights from elsewhere, checkpoints of format version 1).
    """

    weights: dict[str, torch.Tensor]
    model: ModelConfig | None
    head: HeadState | None = None

    @classmethod
    def of(cls, model: SSMAE) -> EncoderState:
        """A copy of a model's weights."""
        kept = {name: value for name, value in model.state_dict().items() if not name.startswith("encoder.head.")}
        return cls(
            {name: value.detach().cpu().clone() for name, value in kept.items()}, model.config, HeadState.of(model)
        )


@dataclass(frozen=True)
class RoundResult:
    """Everything a round leaves behind.

    Attributes:
        model: the teacher's weights, on the CPU, in evaluation mode.
        student: what the next round resumes.
        learnt_classes: False if there were too few labels, and only reconstruction was trained; then probabilities are
            uniform and there are no proposals.
        notes: sentences about what the round did otherwise than asked, for people.
        decisions: the gate's answers, in order.
        proposals: pseudo-labels of the snapshot that is in force at the end, else of the final teacher, all rejected.
        predictions: the teacher on every image of the stream, unaugmented.
        history: the training curves.
        seconds: wall time.
        images_per_second: images drawn over the training time.
        device: where it ran.
        versions: of what the result depends on, for the manifest.
    """

    model: SSMAE
    student: EncoderState
    learnt_classes: bool
    notes: tuple[str, ...]
    decisions: tuple[GateDecision, ...]
    proposals: Proposals
    predictions: Predictions
    history: tuple[HistoryPoint, ...]
    seconds: float
    images_per_second: float
    device: str
    versions: dict[str, str]


def versions() -> dict[str, str]:
    """Versions of what a result depends on."""
    return {
        "python": platform.python_version(),
        "torch": str(torch.__version__),
        "timm": str(timm.__version__),
        "numpy": str(np.__version__),
    }
