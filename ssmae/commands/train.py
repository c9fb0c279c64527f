"""The work of `python -m ssmae train FOLDER`: train one round on a folder with one folder of images per class.

A share is held out and only looked at once, at the end; of the rest, some images keep their label (or all do), some
judge the gate, and the others count as unlabelled. Images of another folder may join without a label.

Dimensions: M images of the folder that are not held out, V that judge the gate.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ssmae.checkpoint import save_checkpoint
from ssmae.commands.announcing import say_what_was_found, say_who_does_what
from ssmae.commands.content import content_numbers, refuse_two_classes
from ssmae.commands.division import Division, divide
from ssmae.commands.folders import loose_images, read_folder, read_images
from ssmae.commands.opening import open_start
from ssmae.commands.options import named_as_typed, with_settings
from ssmae.commands.past import UNKNOWN_PAST
from ssmae.commands.progress import show_progress
from ssmae.commands.unlabelled import find_unlabelled
from ssmae.config import Preset, RoundConfig, preset_config
from ssmae.data import ImageStore, RoundData
from ssmae.decoding import longer_side
from ssmae.device import choose_device
from ssmae.errors import InvalidData
from ssmae.held_out import HeldOut
from ssmae.metrics import accuracy_interval
from ssmae.results import RoundResult
from ssmae.trainer import train_round


def train(arguments: argparse.Namespace) -> None:
    """Train one round on a folder and print what came of it.

    Raises:
        InvalidData: no such folders, too few images, or one under two classes.
        InvalidConfig: a setting that does not exist, or a value that it cannot take.
        CheckpointMismatch: weights to start from that are none, or do not fit.
    """
    _check_files(arguments)
    paths, labels_N, class_names = read_folder(arguments.folder)
    config = _settings(arguments, paths)
    start, past = open_start(arguments.start)
    test_share = past.share(arguments.test_share)
    say_what_was_found(arguments.folder, labels_N, class_names, loose_images(arguments.folder), config.model.image_size)
    if not past.is_known:
        print(UNKNOWN_PAST)
    number_N = content_numbers(paths)
    refuse_two_classes(paths, number_N, labels_N)
    unlabelled = find_unlabelled(arguments.unlabelled, arguments.folder, number_N)
    division = divide(
        number_N,
        labels_N,
        class_names,
        labels_per_class=arguments.labels_per_class,
        validation=arguments.validation,
        test_share=test_share,
        seed=arguments.seed,
        gate=config.gate,
        taught=past.taught,
        answered=past.answered,
    )
    say_who_does_what(division, unlabelled, config.gate, is_sample_asked=arguments.validation is not None)
    # Both before training: what cannot be read must not cost a round.
    stream = read_images([*(paths[index] for index in division.stream_M), *unlabelled.paths], config.model.image_size)
    held_out = read_images([paths[index] for index in division.test_T], config.model.image_size)
    test = HeldOut(held_out.images_NCHW, labels_N[division.test_T])
    data = _data(stream, division, labels_N[division.stream_M], class_names)
    with named_as_typed(arguments.set):
        result = train_round(
            data, config, seed=arguments.seed, start_state=start, on_progress=show_progress, midway=arguments.midway
        )
    if arguments.out:  # first of all: a report can fail, and must not cost the round
        answered_A = number_N[division.stream_M[division.is_answered_M]]
        remarks = past.after(test_share, unlabelled.number_U, answered_A).remarks()
        save_checkpoint(arguments.out, result.model, result.student, config, remarks=remarks)
    _report(result, test, config, len(unlabelled.paths))
    if arguments.out:
        print(f"checkpoint: {arguments.out}")
    if arguments.midway:
        arguments.midway.unlink(missing_ok=True)


def _check_files(arguments: argparse.Namespace) -> None:
    """The half-way state is removed in the end, with whatever else is in that file."""
    for option, path in (("--start", arguments.start), ("--out", arguments.out)):
        if path and arguments.midway and path.resolve() == arguments.midway.resolve():
            raise InvalidData(f"--midway and {option} must be different files. Got {str(path)!r} for both.")


def _settings(arguments: argparse.Namespace, paths: list[Path]) -> RoundConfig:
    config = preset_config(Preset(arguments.preset), _median_side(paths))
    if arguments.threads is not None:
        config = replace(config, threads=arguments.threads)
    config = with_settings(config, arguments.set)
    with named_as_typed(arguments.set):
        choose_device(config.device)
    return config


def _median_side(paths: list[Path]) -> int:
    return int(np.median([longer_side(path) for path in paths[:: max(1, len(paths) // 200)]]))


def _data(
    stream: ImageStore, division: Division, classes_M: NDArray[np.int64], class_names: tuple[str, ...]
) -> RoundData:
    """The folder's images first, then those without a label, which are of no sampling frame."""
    joined = len(stream) - len(division.stream_M)
    return RoundData(
        stream,
        np.concatenate([division.labels_M, np.full(joined, -1, np.int64)]),
        division.validation_V,
        classes_M[division.validation_V],
        class_names,
        np.concatenate([division.in_frame_M, np.zeros(joined, np.bool_)]),
    )


def _report(result: RoundResult, test: HeldOut, config: RoundConfig, joined: int) -> None:
    for note in result.notes:
        print(note)
    for decision in result.decisions:
        print(f"gate check {decision.check}: {decision.reason}")
    taken, proposed = int(result.proposals.accepted_K.sum()), len(result.proposals.accepted_K)
    outside = f", besides {joined} images that the gate does not speak of" if joined else ""
    print(f"pseudo-labels accepted: {taken} of {max(0, proposed - joined)}{outside}")
    correct, count = test.correct(result.model, config), len(test)
    low, high = accuracy_interval(correct, count)
    print(
        f"accuracy on {count} held-out images: {correct / count:.1%} (95 % interval {low:.1%} to {high:.1%}), "
        f"{result.seconds:.0f} s, {result.images_per_second:.0f} images/s"
    )
