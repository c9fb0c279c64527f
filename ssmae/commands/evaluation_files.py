"""What `evaluate` leaves in a folder: reconstructions, reliability, the most unusual images, and every figure as JSON.

Dimensions: N images, H held-out images, C classes.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ssmae.anomaly import reconstruction_errors, unusualness
from ssmae.config import RoundConfig
from ssmae.data import ImageStore
from ssmae.evaluation import Calibration, Evaluation
from ssmae.model import SSMAE
from ssmae.pictures import Group, Panel, reliability_diagram, sheet
from ssmae.reconstruction import reconstructions

RECONSTRUCTED, UNUSUAL = 12, 24
"""Images shown."""


def write_files(
    folder: Path,
    model: SSMAE,
    config: RoundConfig,
    images: ImageStore,
    names: list[str],
    held_out_H: NDArray[np.int64],
    evaluation: Evaluation,
    *,
    seed: int,
    answers_H: NDArray[np.int64],
    run: dict[str, Any],
) -> list[str]:
    """Write the pictures and the figures; the folder is made if it is not there.

    Args:
        folder: where to.
        model: what was evaluated.
        config: settings of the round that made it.
        images: all images.
        names: of their files, for captions.
        held_out_H: indices of those that judged, in random order; the first are shown reconstructed.
        evaluation: what came of it.
        seed: of the masks.
        answers_H: the classes of those that judged, as indices of the model's class names.
        run: what it takes to evaluate again, as values of JSON.

    Returns:
        Names of the files.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _reconstructions(folder, model, config, images, names, held_out_H[:RECONSTRUCTED], seed)
    _reliability(folder, evaluation.calibration)
    error_N = reconstruction_errors(model, images, config.loss, seed=seed, precision=config.precision)
    score_N = unusualness(error_N, evaluation.predictions.embeddings_ND)
    first_N = np.argsort(-score_N, kind="stable")
    _unusual(folder, images, names, first_N[:UNUSUAL])
    figures = {
        "run": run,
        "readouts": {
            name: {"correct": readout.correct, "n": len(readout.predicted_H), "interval": readout.interval}
            for name, readout in evaluation.readouts.items()
        },
        "classes": _classes(model.class_names, answers_H, evaluation.readouts["classifier"].predicted_H),
        "calibration": asdict(evaluation.calibration),
        "unusual": [
            {"image": names[index], "score": float(score_N[index]), "reconstruction_error": float(error_N[index])}
            for index in first_N.tolist()
        ],
    }
    (folder / "evaluation.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    return ["evaluation.json", "reconstructions.png", "reliability.png", "unusual.png"]


def _classes(
    class_names: tuple[str, ...], answers_H: NDArray[np.int64], predicted_H: NDArray[np.int64]
) -> dict[str, Any]:
    """The classifier, class by class; in the matrix a row is a true class, a column what was said."""
    confusion_CC = np.zeros((len(class_names), len(class_names)), np.int64)
    np.add.at(confusion_CC, (answers_H, predicted_H), 1)
    count_C, right_C = confusion_CC.sum(axis=1).tolist(), confusion_CC.diagonal().tolist()
    return {
        "names": list(class_names),
        "accuracy": [
            {"class": name, "correct": right, "n": count, "accuracy": right / count if count else None}
            for name, right, count in zip(class_names, right_C, count_C, strict=True)
        ],
        "confusion": confusion_CC.tolist(),
    }


def _reconstructions(
    folder: Path,
    model: SSMAE,
    config: RoundConfig,
    images: ImageStore,
    names: list[str],
    shown: NDArray[np.int64],
    seed: int,
) -> None:
    found = reconstructions(
        model, ImageStore(images.images_NCHW[shown]), config.loss, seed=seed, precision=config.precision
    )
    trios = zip(found.originals_NCHW, found.masked_NCHW, found.filled_NCHW, strict=True)
    note = f"The encoder sees {1 - found.is_masked_NL.mean():.0%} of the patches, the decoder fills in the rest. "
    if config.loss.normalise_target:
        note += "It guesses the structure of a patch; the patch's own brightness and contrast are given to it."
    sheet(
        "Held-out images, reconstructed",
        note,
        ["original", "seen", "filled in"],
        [Group(trio, _stem(names[index])) for trio, index in zip(trios, shown, strict=True)],
    ).save(folder / "reconstructions.png")


def _reliability(folder: Path, calibration: Calibration) -> None:
    reliability_diagram(
        "Does a confidence of 90 % mean right nine times in ten?",
        f"Bars on the dashed line are honest; below it, the model is too sure. Whiskers: exact 95 % intervals. "
        f"{calibration.measured_on} held-out images; the temperature was fitted to {calibration.fitted_on} others.",
        [
            Panel(f"as trained: calibration error {calibration.error_before:.1%}", calibration.before),
            Panel(f"at temperature {calibration.temperature:.2f}: {calibration.error_after:.1%}", calibration.after),
        ],
    ).save(folder / "reliability.png")


def _unusual(folder: Path, images: ImageStore, names: list[str], shown: NDArray[np.int64]) -> None:
    sheet(
        "The most unusual images",
        "Hard to reconstruct from their visible patches, and far from their nearest neighbours; the most unusual "
        "first. Unusual is not wrong: look at them.",
        [""],
        [Group((images.images_NCHW[index],), _stem(names[index])) for index in shown],
    ).save(folder / "unusual.png")


def _stem(name: str) -> str:
    """A path without its suffix: captions are short."""
    return str(Path(name).with_suffix(""))
