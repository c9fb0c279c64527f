"""What a round leaves in the storage: checkpoint, model for timm, ONNX classifier, predictions.

Files are written before the result is published and under the attempt's own keys, so a result never points to a file
that is not whole, and a lost attempt's files are in nobody's way.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import delete

from app.db.models import TrainingPoint
from app.db.queries import rounds
from app.db.unit_of_work import UnitOfWork
from app.services.leases import Claim
from app.storage import Storage, round_key
from ssmae.checkpoint import save_checkpoint
from ssmae.config import RoundConfig
from ssmae.errors import SsmaeError, Stopped
from ssmae.export import write_onnx, write_timm
from ssmae.gate import ClassEvidence, GateDecision
from ssmae.inference import Predictions
from ssmae.results import RoundResult

log = logging.getLogger(__name__)


class FileName(StrEnum):
    """The published files; the same words are the keys of `Round.files`."""

    CHECKPOINT = "checkpoint.safetensors"
    PREDICTIONS = "predictions.npz"
    MODEL = "model.safetensors"
    MODEL_CONFIG = "config.json"
    ONNX = "model.onnx"


@dataclass(frozen=True, kw_only=True)
class Files:
    """Storage keys by name, and sentences about what could not be written."""

    keys: dict[str, str]
    notes: tuple[str, ...]


def write(
    storage: Storage,
    held: Claim,
    result: RoundResult,
    config: RoundConfig,
    image_ids_N: NDArray[np.int64],
    should_stop: Callable[[], bool],
) -> Files:
    """Write every file of a finished round.

    A model that timm or ONNX cannot express costs that file, not the round; the notes say so.

    Args:
        storage: where to.
        held: the attempt.
        result: what the learner returned.
        config: the round's settings.
        image_ids_N: database ids of the images of the stream, in the order of `result.predictions`.
        should_stop: asked between the files.

    Raises:
        Stopped: `should_stop` said so.
    """
    keys = {name: round_key(held.round_id, held.attempt, name.value) for name in FileName}
    folder = storage.path(keys[FileName.CHECKPOINT]).parent
    folder.mkdir(parents=True, exist_ok=True)
    notes: list[str] = []
    save_checkpoint(folder / FileName.CHECKPOINT, result.model, result.student, config)
    _go_on(should_stop)
    storage.write(keys[FileName.PREDICTIONS], _predictions(image_ids_N, result.predictions))
    if result.learnt_classes:
        notes += _export("files for timm", lambda: write_timm(result.model, folder))
        _go_on(should_stop)
        notes += _export("ONNX file", lambda: write_onnx(result.model, folder / FileName.ONNX))
    _go_on(should_stop)
    written = {name.value: key for name, key in keys.items() if storage.path(key).is_file()}
    return Files(keys=written, notes=tuple(notes))


def _export(what: str, write_it: Callable[[], None]) -> list[str]:
    """Write a file for others; a sentence if the model cannot be expressed so."""
    try:
        write_it()
    except SsmaeError as error:
        log.warning("No %s: %s", what, error)
        return [f"No {what}: {error}"]
    return []


def gate_rows(decisions: Sequence[GateDecision], class_ids: Sequence[int]) -> list[dict[str, Any]]:
    """The gate's answers as columns of its table.

    Args:
        decisions: of one round, in their order.
        class_ids: database ids, by class index.
    """
    return [
        {
            "check_number": one.check,
            "is_open": bool(one.is_open),
            "threshold": None if one.threshold is None else float(one.threshold),
            "coverage": float(one.coverage),
            "bound": None if one.bound is None else float(one.bound),
            "n": int(one.n),
            "errors": int(one.errors),
            "alpha": float(one.alpha),
            "delta": float(one.delta),
            "reason": one.reason,
            "classes": [_class_columns(about, class_ids[about.class_index]) for about in one.classes],
            "discards": bool(one.discards),
        }
        for one in decisions
    ]


def _class_columns(about: ClassEvidence, class_id: int) -> dict[str, Any]:
    return {
        "class_id": class_id,
        "coverage": float(about.coverage),
        "errors": int(about.errors),
        "n": int(about.n),
        "low": float(about.low),
        "high": float(about.high),
        "is_certified": bool(about.is_certified),
        "is_blocked": bool(about.is_blocked),
    }


def write_curve(uow: UnitOfWork, held: Claim, result: RoundResult) -> None:
    """Put the learner's own training curve, means over all steps, in the place of what was seen while it ran."""
    seen = rounds.training_points(uow.session, held.round_id, held.attempt)
    uow.session.execute(
        delete(TrainingPoint).where(TrainingPoint.round_id == held.round_id, TrainingPoint.attempt == held.attempt)
    )
    for point in result.history:
        speeds = [one.images_per_second for one in seen if one.step <= point.step]
        uow.session.add(
            TrainingPoint(
                round_id=held.round_id,
                attempt=held.attempt,
                step=point.step,
                phase=point.phase,
                losses=point.losses,
                images_per_second=speeds[-1] if speeds else result.images_per_second,
            )
        )
    uow.session.flush()


def _predictions(image_ids_N: NDArray[np.int64], predictions: Predictions) -> bytes:
    buffer = io.BytesIO()
    np.savez(
        buffer,
        image_ids=image_ids_N,
        probabilities=predictions.probabilities_NC.astype(np.float16),
        embeddings=predictions.embeddings_ND.astype(np.float16),
    )
    return buffer.getvalue()


def _go_on(should_stop: Callable[[], bool]) -> None:
    if should_stop():
        raise Stopped("Stopped while writing the result's files.")
