"""Checkpoints: one safetensors file with everything needed to predict, to resume and to know where it came from.

Weights of the teacher are stored as `model.*`, those that the next round resumes as `student.*`; the rest is JSON in
the file's header. Must never import trainer.

Format version 2 also keeps the student's classifier; files of version 1 are read as they are, without it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ssmae import tensor_file
from ssmae.config import RoundConfig
from ssmae.errors import CheckpointMismatch
from ssmae.model import SSMAE, build
from ssmae.results import EncoderState, HeadState, versions
from ssmae.resume import key_difference

FORMAT_VERSION = 2
_OLDEST_VERSION = 1
_KIND = "ssmae"
_HEAD = ("encoder.head.weight", "encoder.head.bias")


@dataclass(frozen=True)
class Checkpoint:
    """What a checkpoint file holds.

    Attributes:
        model: the teacher, on the CPU, in evaluation mode; it carries its class names.
        student: what a next round resumes.
        config: settings of the round that made it.
        versions: of torch, timm, NumPy and Python at that time.
        remarks: of the program that wrote it; empty if it made none.
    """

    model: SSMAE
    student: EncoderState
    config: RoundConfig
    versions: dict[str, str]
    remarks: dict[str, Any]


def save_checkpoint(
    path: Path,
    model: SSMAE,
    student: EncoderState,
    config: RoundConfig,
    *,
    remarks: dict[str, Any] | None = None,
) -> None:
    """Write a checkpoint, whole or not at all: a file of that name is replaced only when the new one is complete.

    Args:
        path: where to.
        model: the round's result.
        student: the round's student state.
        config: the round's settings.
        remarks: values of JSON that the writer wants to find again.
    """
    tensors = {f"model.{name}": value for name, value in model.state_dict().items()}
    tensors |= {f"student.{name}": value for name, value in student.weights.items()}
    head = student.head
    if head is not None:
        tensors |= {f"student.{name}": value for name, value in zip(_HEAD, (head.weight_CD, head.bias_C), strict=True)}
    header = {
        "format_version": FORMAT_VERSION,
        "config": config.to_dict(),
        "class_names": list(model.class_names),
        "student_class_names": None if head is None else list(head.class_names),
        "versions": versions(),
        "remarks": remarks or {},
    }
    tensor_file.write(path, tensors, _KIND, header)


def load_checkpoint(path: Path) -> Checkpoint:
    """Read what `save_checkpoint` wrote.

    Raises:
        CheckpointMismatch: not a checkpoint of this program, of a format version that is not known, or with weights
            that do not fit its own configuration (the differing names are listed).
    """
    tensors, header = tensor_file.read(path, _KIND)
    if header is None:
        raise CheckpointMismatch(f"{path.name} must be a checkpoint of this program. It has no {_KIND!r} header.")
    return _checkpoint(path, tensors, header)


def load_start(path: Path) -> tuple[EncoderState, dict[str, Any]]:
    """Weights to start a round from, and the remarks kept with them: none in a file of timm's.

    Of a timm vision transformer's safetensors file the classifier is left behind, whose classes are unknown, and the
    class token with its position, which our encoder has not; its last norm becomes that of the mean over tokens.
    Whether the rest fits the configured network, its image and patch size among it, is checked when the round starts.
    Pixels are brought to [-1, 1], as for timm's `augreg` weights.

    Raises:
        CheckpointMismatch: not a readable safetensors file.
    """
    tensors, header = tensor_file.read(path, _KIND)
    if header is not None:
        return _checkpoint(path, tensors, header).student, header.get("remarks", {})
    return EncoderState({f"encoder.{name}": value for name, value in _without_class_token(tensors).items()}, None), {}


def load_encoder_state(path: Path) -> EncoderState:
    """The weights of `load_start` alone: of a checkpoint of ours, or of a timm vision transformer's safetensors file.

    Raises:
        CheckpointMismatch: not a readable safetensors file.
    """
    return load_start(path)[0]


def _without_class_token(timm: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    kept = {name: value for name, value in timm.items() if not name.startswith("head.")}
    if "cls_token" not in kept:
        return kept
    del kept["cls_token"]
    if "pos_embed" in kept and not _is_square(kept["pos_embed"].shape[1]):
        kept["pos_embed"] = kept["pos_embed"][:, 1:]  # the class token stands first
    return {f"fc_{name}" if name.startswith("norm.") else name: value for name, value in kept.items()}


def _is_square(count: int) -> bool:
    return math.isqrt(count) ** 2 == count


def _checkpoint(path: Path, tensors: dict[str, torch.Tensor], header: dict[str, Any]) -> Checkpoint:
    if not _OLDEST_VERSION <= header["format_version"] <= FORMAT_VERSION:
        raise CheckpointMismatch(
            f"{path.name} must have a format version from {_OLDEST_VERSION} to {FORMAT_VERSION}. "
            f"Got {header['format_version']}."
        )
    config = RoundConfig.from_dict(header["config"])
    model = build(config.model, tuple(header["class_names"]), seed=0)
    weights = tensor_file.part(tensors, "model")
    if difference := key_difference(model.state_dict(), weights):
        raise CheckpointMismatch(f"{path.name} does not fit its own configuration.\n{difference}")
    model.load_state_dict(weights)
    student = _student(path, tensor_file.part(tensors, "student"), header.get("student_class_names"), config)
    return Checkpoint(model.eval(), student, config, header["versions"], header.get("remarks", {}))


def _student(
    path: Path, weights: dict[str, torch.Tensor], class_names: list[str] | None, config: RoundConfig
) -> EncoderState:
    if class_names is None:
        return EncoderState(weights, config.model)
    if missing := [name for name in _HEAD if name not in weights]:
        raise CheckpointMismatch(f"{path.name} must hold the student's classifier. It has no {missing}.")
    weight_CD, bias_C = (weights.pop(name) for name in _HEAD)
    return EncoderState(weights, config.model, HeadState(weight_CD, bias_C, tuple(class_names)))
