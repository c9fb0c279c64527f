"""Checkpoints: one safetensors file with everything needed to predict, to resume and to know where it came from.

No pickle: reading a checkpoint cannot run code. Weights of the teacher are stored as `model.*`, those that the next
round resumes as `student.*`; the rest is JSON in the file's header. Must never import trainer.
"""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from ssmae.config import RoundConfig
from ssmae.errors import CheckpointMismatch
from ssmae.model import SSMAE, build
from ssmae.results import EncoderState, versions
from ssmae.resume import key_difference

FORMAT_VERSION = 1
_HEADER = "ssmae"


@dataclass(frozen=True)
class Checkpoint:
    """What a checkpoint file holds.

    Attributes:
        model: the teacher, on the CPU, in evaluation mode; it carries its class names.
        student: what a next round resumes.
        config: settings of the round that made it.
        versions: of torch, timm, NumPy and Python at that time.
    """

    model: SSMAE
    student: EncoderState
    config: RoundConfig
    versions: dict[str, str]


def save_checkpoint(path: Path, model: SSMAE, student: EncoderState, config: RoundConfig) -> None:
    """Write a checkpoint, whole or not at all: a file of that name is replaced only when the new one is complete.

    Args:
        path: where to.
        model: the round's result.
        student: the round's student state.
        config: the round's settings.
    """
    tensors = {f"model.{name}": value.detach().cpu().contiguous() for name, value in model.state_dict().items()}
    tensors |= {f"student.{name}": value.contiguous() for name, value in student.weights.items()}
    header = {
        "format_version": FORMAT_VERSION,
        "config": config.to_dict(),
        "class_names": list(model.class_names),
        "versions": versions(),
    }
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".part")
    os.close(handle)
    try:
        save_file(tensors, temporary, metadata={_HEADER: json.dumps(header)})
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def load_checkpoint(path: Path) -> Checkpoint:
    """Read what `save_checkpoint` wrote.

    Raises:
        CheckpointMismatch: not a checkpoint of this program, of another format version, or with weights that do not
            fit its own configuration (the differing names are listed).
    """
    tensors, metadata = _read(path)
    if _HEADER not in metadata:
        raise CheckpointMismatch(f"{path.name} must be a checkpoint of this program. It has no {_HEADER!r} header.")
    header = json.loads(metadata[_HEADER])
    if header["format_version"] != FORMAT_VERSION:
        raise CheckpointMismatch(
            f"{path.name} must have format version {FORMAT_VERSION}. Got {header['format_version']}."
        )
    config = RoundConfig.from_dict(header["config"])
    model = build(config.model, tuple(header["class_names"]), seed=0)
    weights = _part(tensors, "model.")
    if difference := key_difference(model.state_dict(), weights):
        raise CheckpointMismatch(f"{path.name} does not fit its own configuration.\n{difference}")
    model.load_state_dict(weights)
    student = EncoderState(_part(tensors, "student."), config.model)
    return Checkpoint(model.eval(), student, config, header["versions"])


def load_encoder_state(path: Path) -> EncoderState:
    """Weights to start a round from: a checkpoint of ours, or a safetensors file of a timm vision transformer.

    Names of a timm file are taken as they are, without its head; whether they fit is checked when the round starts.

    Raises:
        CheckpointMismatch: not a readable safetensors file.
    """
    tensors, metadata = _read(path)
    if _HEADER in metadata:
        return load_checkpoint(path).student
    kept = {name: value for name, value in tensors.items() if not name.startswith("head.")}
    return EncoderState({f"encoder.{name}": value for name, value in kept.items()}, None)


def _read(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    try:
        with safe_open(path, framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise CheckpointMismatch(f"{path.name} is not a readable safetensors file ({error}).") from error


def _part(tensors: dict[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
