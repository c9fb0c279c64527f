"""The work of `python -m ssmae evaluate CHECKPOINT FOLDER`: how good a model is, in numbers and pictures.

FOLDER holds one folder of images per class. A share of it is held out and judges everything; labels of the rest teach
the readouts. Images are held out by their content, as `train` does: no image that taught the checkpoint judges it,
whatever came to the folder since.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import Any

import numpy as np

from ssmae.checkpoint import Checkpoint
from ssmae.commands.content import content_numbers, refuse_two_classes
from ssmae.commands.division import hold_out, keep_few_labels
from ssmae.commands.evaluation_files import write_files
from ssmae.commands.folders import names_in, read_folder, read_images
from ssmae.commands.opening import open_checkpoint
from ssmae.commands.past import UNKNOWN_PAST, Past
from ssmae.commands.progress import show_progress
from ssmae.device import choose_device
from ssmae.errors import InvalidData
from ssmae.evaluation import Calibration, Evaluation
from ssmae.evaluation import evaluate as evaluated
from ssmae.results import versions


def evaluate(arguments: argparse.Namespace) -> None:
    """Print the table and, if asked, write the pictures.

    Raises:
        InvalidData: the folder has a class that the model does not know, too few images, or, held out that way, images
            that taught the model.
        CheckpointMismatch: not a checkpoint.
    """
    checkpoint = open_checkpoint(arguments.checkpoint)
    model, config = checkpoint.model, replace(checkpoint.config, device="auto")
    paths, index_N, folder_names = read_folder(arguments.folder)
    if unknown := sorted(set(folder_names) - set(model.class_names)):
        raise InvalidData(f"Every class of the folder must be one of {list(model.class_names)}. Got {unknown}.")
    past = Past.of(checkpoint.remarks)
    generator = np.random.default_rng(arguments.seed)
    test_share = past.share(arguments.test_share)
    number_N = content_numbers(paths)
    refuse_two_classes(paths, number_N, index_N)
    stream_M, held_out_H = hold_out(number_N, test_share, generator, past.taught)
    if not past.is_known:
        print(UNKNOWN_PAST)
    taught_L = stream_M[keep_few_labels(index_N[stream_M], folder_names, arguments.labels_per_class) >= 0]
    print(
        f"{len(paths)} images, {len(held_out_H)} of them held out, {len(taught_L)} labels for the readouts", flush=True
    )
    images = read_images(paths, config.model.image_size)
    labels_N = np.array([model.class_names.index(name) for name in folder_names], np.int64)[index_N]
    model.to(choose_device(config.device))
    evaluation = evaluated(
        model,
        config,
        images,
        labels_N,
        taught_L=taught_L,
        held_out_H=held_out_H,
        seed=arguments.seed,
        with_fine_tuning=arguments.fine_tune,
        on_progress=show_progress,
    )
    _print(evaluation)
    if arguments.out:
        names = names_in(arguments.folder, paths)
        written = write_files(
            arguments.out,
            model,
            config,
            images,
            names,
            held_out_H,
            evaluation,
            seed=arguments.seed,
            answers_H=labels_N[held_out_H],
            run=_run(arguments, checkpoint, test_share, len(taught_L)),
        )
        print(f"written to {arguments.out}: {', '.join(written)}")


def _run(arguments: argparse.Namespace, checkpoint: Checkpoint, test_share: float, taught: int) -> dict[str, Any]:
    """What it takes to evaluate again; no date, so that the same command writes the same file."""
    return {
        "checkpoint": str(arguments.checkpoint),
        "checkpoint_versions": checkpoint.versions,
        "versions": versions(),
        "folder": str(arguments.folder),
        "seed": arguments.seed,
        "test_share": test_share,
        "labels_per_class": arguments.labels_per_class,
        "labels": taught,
    }


def _print(evaluation: Evaluation) -> None:
    print(f"{'':<20}{'accuracy':>10}   95 % interval")
    for name, readout in evaluation.readouts.items():
        low, high = readout.interval
        print(f"{name:<20}{readout.accuracy:>10.1%}   {low:.1%} to {high:.1%}")
    print(calibration_words(evaluation.calibration))


def calibration_words(calibration: Calibration) -> str:
    """How far confidence is from accuracy, and whether a temperature mends it."""
    words = (
        f"calibration error {calibration.error_before:.1%}; {calibration.error_after:.1%} at temperature "
        f"{calibration.temperature:.2f} (fitted on {calibration.fitted_on} held-out answers, measured on the other "
        f"{calibration.measured_on})"
    )
    is_smaller = calibration.error_after < calibration.error_before
    return words if is_smaller else f"{words}: temperature does not help here"
