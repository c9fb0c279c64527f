"""What each command of `python -m ssmae` takes, and where its work is done.

Must never import torch: help and refusals of options come at once. The module that does the work is imported when it is
to be done; it has the name of the command, and so has its function.
"""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from ssmae.commands.help import WithDefaults
from ssmae.commands.options import (
    LISTING,
    SEED,
    TEST_SHARE,
    add_settings,
    labels_or_all,
    new_file,
    new_folder,
    share,
    whole,
)
from ssmae.config import Precision, Preset, Size

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001 - it has no public name

_FOLDER_PER_CLASS = "with one folder of images for each class, of any depth"


def add_train(commands: Commands) -> None:
    """Add `train`."""
    about = (
        "Train one round on a folder with one folder of images per class. A share is held out and only looked at once, "
        "at the end; of the rest, some images keep their label, some judge the gate, the others count as unlabelled."
    )
    command = _command(commands, "train", "train a round on a folder with one folder per class", about)
    command.add_argument("folder", type=Path, metavar="FOLDER", help=_FOLDER_PER_CLASS)
    joining = (
        "images of any depth there join without a label; never held out, never judging the gate, never given a "
        "pseudo-label, because the gate's promise is about the labelled folder alone (default: none)"
    )
    command.add_argument("--unlabelled", type=Path, metavar="FOLDER", help=joining)
    _add_preset(command)
    add_settings(command)
    labels = "labels that teach, the others are hidden; 'all' hides none"
    command.add_argument("--labels-per-class", type=labels_or_all, default=10, metavar="N", help=labels)
    images = (
        "images that judge the gate (default: what all its checks need, or a single one if there are fewer; none with "
        "--labels-per-class all)"
    )
    command.add_argument("--validation", type=whole(0), metavar="N", help=images)
    held_out = f"share held out for the accuracy, by a hash of the content (default: as for --start, else {TEST_SHARE})"
    command.add_argument("--test-share", type=share, metavar="SHARE", help=held_out)
    drawn = "of everything drawn: labels, sample, weights, batches"
    command.add_argument("--seed", type=whole(0), default=SEED, metavar="N", help=drawn)
    threads = "CPU threads, 0 for all (default: the preset's; quick is fastest on one)"
    command.add_argument("--threads", type=whole(0), metavar="N", help=threads)
    weights = "resume the encoder of this checkpoint, or of a timm safetensors file (default: start from scratch)"
    command.add_argument("--start", type=Path, metavar="FILE", help=weights)
    half_way = "keep the half-way state here: after an interruption the same command goes on from it (default: none)"
    command.add_argument("--midway", type=new_file, metavar="FILE", help=half_way)
    command.add_argument("--out", type=new_file, metavar="FILE", help="write a .safetensors checkpoint (default: none)")


def add_evaluate(commands: Commands) -> None:
    """Add `evaluate`."""
    about = (
        "Judge a model and its encoder, in numbers and pictures. A share of FOLDER is held out and judges everything; "
        "labels of the rest teach the readouts. Images are held out by their content, as `train` does: no image that "
        "taught the checkpoint judges it, whatever came to the folder since."
    )
    command = _command(commands, "evaluate", "judge a checkpoint on a folder with one folder per class", about)
    _add_checkpoint(command)
    command.add_argument("folder", type=Path, metavar="FOLDER", help=_FOLDER_PER_CLASS)
    labels = "that teach the readouts, at least 2"
    command.add_argument("--labels-per-class", type=whole(2), default=10, metavar="N", help=labels)
    held_out = f"share held out to judge (default: as trained, else {TEST_SHARE})"
    command.add_argument("--test-share", type=share, metavar="SHARE", help=held_out)
    fine = "also train the whole encoder on those labels, which takes as long as training (default: no)"
    command.add_argument("--fine-tune", action="store_true", help=fine)
    drawn = "which labels teach the readouts"
    command.add_argument("--seed", type=whole(0), default=SEED, metavar="N", help=drawn)
    figures = "write pictures and all figures (evaluation.json) there (default: only print)"
    command.add_argument("--out", type=new_folder, metavar="DIR", help=figures)


def add_predict(commands: Commands) -> None:
    """Add `predict`."""
    about = (
        "Write a CSV file with a line for every image: its path in FOLDER, the predicted class, the confidence, and "
        "the probability of each class. A cell that a spreadsheet would take for a formula gets an apostrophe in front."
    )
    command = _command(commands, "predict", "write what a checkpoint takes every image of a folder for", about)
    _add_checkpoint(command)
    command.add_argument("folder", type=Path, metavar="FOLDER", help="with images, of any depth")
    command.add_argument("--out", type=new_file, required=True, metavar="FILE", help="the CSV file to write; required")


def add_export(commands: Commands) -> None:
    """Add `export`."""
    about = (
        "Write the classifier of a checkpoint for other programs: model.safetensors and config.json for timm, and "
        "model.onnx. Each file is loaded and compared with the model before it is given out."
    )
    command = _command(commands, "export", "write a checkpoint's classifier for timm, and as ONNX", about)
    _add_checkpoint(command)
    where = "to write to, made if it is not there; files of the same names are replaced"
    command.add_argument("folder", type=new_folder, metavar="FOLDER", help=where)


def add_knobs(commands: Commands) -> None:
    """Add `knobs`."""
    about = "Print every setting that `--set` takes, with its value in a preset and its meaning."
    command = _command(commands, "knobs", "list every setting that --set takes", about)
    _add_preset(command)
    side = "the longer side of your images in pixels, which decides the size of training"
    command.add_argument("--image-side", type=whole(1), default=32, metavar="N", help=side)


def add_bench(commands: Commands) -> None:
    """Add `bench`."""
    about = (
        "Measure images a second and memory of training and inference, on images of noise: pre-training step, joint "
        "step and inference, and beside the pre-training step the plainest PyTorch loop of the same network, block by "
        "block in turns. Compare figures of one run only."
    )
    command = _command(commands, "bench", "images a second and memory on this machine", about)
    sizes, precisions = [str(size) for size in Size], [str(precision) for precision in Precision]
    command.add_argument("--size", nargs="+", choices=sizes, default=[str(Size.TINY32)], help="which networks")
    where = "auto, cpu or cuda (default: auto, a GPU if there is one)"
    command.add_argument("--device", default="auto", metavar="DEVICE", help=where)
    command.add_argument("--batch", type=int, metavar="N", help="images a step (default: by size and device)")
    labelled = "labelled images a joint step (default: a seventh of the batch)"
    command.add_argument("--labelled-batch", type=int, metavar="N", help=labelled)
    seconds = "for each figure, after warm-up (default: 10)"
    command.add_argument("--seconds", type=float, default=10.0, metavar="S", help=seconds)
    threads = "CPU threads (default: 0, torch's choice)"
    command.add_argument("--threads", type=int, default=0, metavar="N", help=threads)
    numbers = "of matrix products (default: auto, bfloat16 on a GPU that has it, else full)"
    command.add_argument("--precision", choices=precisions, default=str(Precision.AUTO), help=numbers)
    compiled = "torch.compile, the plain loop too; on a GPU (default: no)"
    command.add_argument("--compile", action="store_true", help=compiled)
    command.add_argument("--json", type=new_file, metavar="FILE", help="write all figures there (default: only print)")


EVERY = (add_train, add_evaluate, add_predict, add_export, add_knobs, add_bench)
"""In the order of `--help`."""


def _command(commands: Commands, name: str, in_short: str, about: str) -> argparse.ArgumentParser:
    command = commands.add_parser(name, help=in_short, description=about, formatter_class=WithDefaults)
    command.set_defaults(run=_work(name))
    return command


def _work(name: str) -> Callable[[argparse.Namespace], int | None]:
    def run(arguments: argparse.Namespace) -> int | None:
        done: int | None = getattr(importlib.import_module(f"ssmae.commands.{name}"), name)(arguments)
        return done

    return run


def _add_checkpoint(command: argparse.ArgumentParser) -> None:
    command.add_argument("checkpoint", type=Path, metavar="CHECKPOINT", help="a file that `train --out` wrote")


def _add_preset(command: argparse.ArgumentParser) -> None:
    time = (
        "a matter of time: quick takes minutes on a CPU; standard and thorough are for a GPU "
        f"(default: {Preset.QUICK}; `{LISTING}` shows what it sets)"
    )
    command.add_argument("--preset", choices=[str(preset) for preset in Preset], default=str(Preset.QUICK), help=time)
