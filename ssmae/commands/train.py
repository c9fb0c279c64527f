"""`python -m ssmae train FOLDER`: train one round on a folder with one folder of images per class.

A share is held out and only looked at once, at the end; of the rest, some images keep their label, some judge the gate,
and the others count as unlabelled.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np

from ssmae.checkpoint import load_start, save_checkpoint
from ssmae.commands.division import NO_PAST, SEED, TEST_SHARE, UNKNOWN_PAST, Past, content_numbers, divide
from ssmae.commands.folders import read_folder, read_images
from ssmae.commands.options import add_settings, new_file, share, whole, with_settings
from ssmae.commands.progress import show_progress
from ssmae.config import Preset, RoundConfig, preset_config
from ssmae.data import RoundData
from ssmae.decoding import longer_side
from ssmae.gate import required_validation_size
from ssmae.held_out import HeldOut
from ssmae.metrics import accuracy_interval
from ssmae.results import EncoderState, RoundResult
from ssmae.trainer import train_round


def train(arguments: argparse.Namespace) -> None:
    """Train one round on a folder and print what came of it."""
    paths, labels_N, class_names = read_folder(arguments.folder)
    config = preset_config(Preset(arguments.preset), _median_side(paths))
    if arguments.threads is not None:
        config = replace(config, threads=arguments.threads)
    config = with_settings(config, arguments.set)
    gate = config.gate
    validation = arguments.validation
    if validation is None:
        validation = required_validation_size(gate.alpha, gate.delta, gate.checks, check=gate.checks)
    start, past = _start(arguments.start)
    test_share = past.share(arguments.test_share)
    print(f"{len(paths)} images, {len(class_names)} classes, trained at {config.model.image_size} pixels", flush=True)
    if not past.is_known:
        print(UNKNOWN_PAST)
    division = divide(
        content_numbers(paths),
        labels_N,
        class_names,
        labels_per_class=arguments.labels_per_class,
        validation=validation,
        test_share=test_share,
        seed=arguments.seed,
    )
    # Both before training: what cannot be read must not cost a round.
    stream, held_out = (
        read_images([paths[index] for index in part], config.model.image_size)
        for part in (division.stream_M, division.test_T)
    )
    test = HeldOut(held_out.images_NCHW, labels_N[division.test_T])
    sample_V = division.validation_V
    answers_V = labels_N[division.stream_M[sample_V]]
    data = RoundData(stream, division.labels_M, sample_V, answers_V, class_names)
    result = train_round(
        data, config, seed=arguments.seed, start_state=start, on_progress=show_progress, midway=arguments.midway
    )
    _report(result, test, config)
    if arguments.out:
        remarks = Past(test_share, past.is_known).remarks()
        save_checkpoint(arguments.out, result.model, result.student, config, remarks=remarks)
        print(f"checkpoint: {arguments.out}")
    if arguments.midway:
        arguments.midway.unlink(missing_ok=True)


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    command = commands.add_parser(
        "train", help="train a round on a folder with one folder per class", description=__doc__
    )
    command.add_argument("folder", type=Path)
    command.add_argument("--preset", choices=[str(preset) for preset in Preset], default=str(Preset.QUICK))
    add_settings(command)
    command.add_argument("--labels-per-class", type=whole(1), default=10, metavar="N")
    images = "images that judge the gate (default: as many as it needs)"
    command.add_argument("--validation", type=whole(0), metavar="N", help=images)
    held_out = f"held out for the accuracy, by a hash of the content (default: as for --start, else {TEST_SHARE})"
    command.add_argument("--test-share", type=share, metavar="SHARE", help=held_out)
    command.add_argument("--seed", type=whole(0), default=SEED)
    threads = "CPU threads, 0 for all (default: the preset's; quick is fastest on one)"
    command.add_argument("--threads", type=whole(0), metavar="N", help=threads)
    weights = "resume the encoder of this checkpoint, or of a timm safetensors file, instead of starting from scratch"
    command.add_argument("--start", type=Path, metavar="FILE", help=weights)
    half_way = "keep the half-way state here: after an interruption the same command goes on from it"
    command.add_argument("--midway", type=new_file, metavar="FILE", help=half_way)
    command.add_argument("--out", type=new_file, metavar="FILE", help="write a checkpoint (.safetensors)")
    command.set_defaults(run=train)


def _start(path: Path | None) -> tuple[EncoderState | None, Past]:
    if path is None:
        return None, NO_PAST
    state, remarks = load_start(path)
    return state, Past.of(remarks)


def _median_side(paths: list[Path]) -> int:
    return int(np.median([longer_side(path) for path in paths[:: max(1, len(paths) // 200)]]))


def _report(result: RoundResult, test: HeldOut, config: RoundConfig) -> None:
    for note in result.notes:
        print(note)
    for decision in result.decisions:
        print(f"gate check {decision.check}: {decision.reason}")
    taken = int(result.proposals.accepted_K.sum())
    print(f"pseudo-labels accepted: {taken} of {len(result.proposals.accepted_K)}")
    correct, count = test.correct(result.model, config), len(test)
    low, high = accuracy_interval(correct, count)
    print(
        f"accuracy on {count} held-out images: {correct / count:.1%} (95 % interval {low:.1%} to {high:.1%}), "
        f"{result.seconds:.0f} s, {result.images_per_second:.0f} images/s"
    )
