"""`python -m ssmae train FOLDER`: train one round on a folder with one folder of images per class.

A share is held out and only looked at once, at the end; of the rest, some images keep their label, some judge the gate,
and the others count as unlabelled.

Dimensions: N images, M images that are not held out, V that judge the gate, T held-out images.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ssmae.checkpoint import save_checkpoint
from ssmae.commands.folders import hold_out, keep_few_labels, read_folder, read_images
from ssmae.commands.progress import show_progress
from ssmae.config import Preset, RoundConfig, preset_config
from ssmae.data import ImageStore, RoundData
from ssmae.errors import InvalidData
from ssmae.gate import required_validation_size
from ssmae.inference import predict_as_trained
from ssmae.metrics import accuracy_interval
from ssmae.results import RoundResult
from ssmae.trainer import train_round


@dataclass(frozen=True)
class Division:
    """Which images of a labelled folder do what.

    Attributes:
        stream_M: of the folder's images, those that the encoder sees.
        labels_M: the classes that teach, -1 where the class is hidden.
        validation_V: of the stream, those that judge the gate.
        test_T: of the folder's images, those held out.
    """

    stream_M: NDArray[np.int64]
    labels_M: NDArray[np.int64]
    validation_V: NDArray[np.int64]
    test_T: NDArray[np.int64]


def divide(
    labels_N: NDArray[np.int64],
    class_names: tuple[str, ...],
    *,
    labels_per_class: int,
    validation: int,
    test_share: float,
    seed: int,
) -> Division:
    """Hide most labels: a uniform test split, labels for a few per class, a uniform validation sample of the rest.

    Raises:
        InvalidData: too few images for that.
    """
    generator = np.random.default_rng(seed)
    stream_M, test_T = hold_out(len(labels_N), test_share, generator)
    labels_M = keep_few_labels(labels_N[stream_M], class_names, labels_per_class)
    rest = np.flatnonzero(labels_M < 0)
    if len(rest) < validation or not len(test_T):
        raise InvalidData(f"Must leave {validation} images to judge the gate and one to test. Got {len(rest)}.")
    return Division(stream_M, labels_M, generator.choice(rest, validation, replace=False).astype(np.int64), test_T)


def train(arguments: argparse.Namespace) -> None:
    """Train one round on a folder and print what came of it."""
    paths, labels_N, class_names = read_folder(arguments.folder)
    config = preset_config(Preset(arguments.preset), _median_side(paths))
    config = replace(config, threads=arguments.threads)
    gate = config.gate
    validation = arguments.validation
    if validation is None:
        validation = required_validation_size(gate.alpha, gate.delta, gate.checks, check=gate.checks)
    print(f"{len(paths)} images, {len(class_names)} classes, trained at {config.model.image_size} pixels", flush=True)
    division = divide(
        labels_N,
        class_names,
        labels_per_class=arguments.labels_per_class,
        validation=validation,
        test_share=arguments.test_share,
        seed=arguments.seed,
    )
    # Both before training: what cannot be read must not cost a round.
    stream, test = (
        read_images([paths[index] for index in part], config.model.image_size)
        for part in (division.stream_M, division.test_T)
    )
    sample_V = division.validation_V
    answers_V = labels_N[division.stream_M[sample_V]]
    data = RoundData(stream, division.labels_M, sample_V, answers_V, class_names)
    result = train_round(data, config, seed=arguments.seed, on_progress=show_progress)
    _report(result, test, labels_N[division.test_T], config)
    if arguments.out:
        save_checkpoint(arguments.out, result.model, result.student, config)
        print(f"checkpoint: {arguments.out}")


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    command = commands.add_parser(
        "train", help="train a round on a folder with one folder per class", description=__doc__
    )
    command.add_argument("folder", type=Path)
    command.add_argument("--preset", choices=[str(preset) for preset in Preset], default=str(Preset.QUICK))
    command.add_argument("--labels-per-class", type=int, default=10, metavar="N")
    command.add_argument("--validation", type=int, metavar="N", help="images that judge the gate (default: as needed)")
    command.add_argument("--test-share", type=float, default=0.25, metavar="SHARE", help="held out for the accuracy")
    command.add_argument("--seed", type=int, default=0)
    command.add_argument("--threads", type=int, default=0, metavar="N", help="CPU threads, 0 for all")
    command.add_argument("--out", type=Path, metavar="FILE", help="write a checkpoint (.safetensors)")
    command.set_defaults(run=train)


def _median_side(paths: list[Path]) -> int:
    sides = []
    for path in paths[:: max(1, len(paths) // 200)]:
        with Image.open(path) as image:
            sides.append(max(image.size))
    return int(np.median(sides))


def _report(result: RoundResult, test: ImageStore, test_labels_T: NDArray[np.int64], config: RoundConfig) -> None:
    for note in result.notes:
        print(note)
    for decision in result.decisions:
        print(f"gate check {decision.check}: {decision.reason}")
    taken = int(result.proposals.accepted_K.sum())
    print(f"pseudo-labels accepted: {taken} of {len(result.proposals.accepted_K)}")
    predicted_T = predict_as_trained(result.model, test, config).probabilities_NC.argmax(axis=1)
    correct, count = int((predicted_T == test_labels_T).sum()), len(predicted_T)
    low, high = accuracy_interval(correct, count)
    print(
        f"accuracy on {count} held-out images: {correct / count:.1%} (95 % interval {low:.1%} to {high:.1%}), "
        f"{result.seconds:.0f} s, {result.images_per_second:.0f} images/s"
    )
