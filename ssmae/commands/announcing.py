"""What `train` says before it trains: what it found, which images do what, and of which the gate will speak.

Dimensions: N images.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ssmae.commands.division import Division
from ssmae.commands.sample_size import needed
from ssmae.commands.unlabelled import Unlabelled
from ssmae.config import GateConfig

_CLASSES_SHOWN = 10


def say_what_was_found(
    folder: Path, labels_N: NDArray[np.int64], class_names: tuple[str, ...], loose: int, image_size: int
) -> None:
    """Print the classes with their images, and what was ignored.

    Args:
        folder: that was read.
        labels_N: the class of each image.
        class_names: of the classes.
        loose: image files of no class.
        image_size: that of training, in pixels.
    """
    print(f"{len(labels_N)} images, {len(class_names)} classes, trained at {image_size} pixels")
    count_C = np.bincount(labels_N, minlength=len(class_names))
    shown = [f"{name} {count}" for name, count in zip(class_names[:_CLASSES_SHOWN], count_C, strict=False)]
    more = len(class_names) - len(shown)
    print(f"images of each class: {', '.join(shown)}{f' and {more} more' if more else ''}")
    if loose:
        print(f"ignored: {_images(loose)} in {str(folder)!r} itself, which {_are(loose)} of no class")


def say_who_does_what(division: Division, unlabelled: Unlabelled, gate: GateConfig, *, is_sample_asked: bool) -> None:
    """Print how many images do what, and what the gate can speak of.

    Args:
        division: of the labelled folder.
        unlabelled: images that join without a label.
        gate: of the round.
        is_sample_asked: whether the size of the validation sample was given.
    """
    judging, teaching = len(division.validation_V), int((division.labels_M >= 0).sum())
    hidden = len(division.labels_M) - teaching - judging
    print(
        f"{len(division.test_T)} images are held out, {teaching} labels teach, {judging} images judge the gate, "
        f"the labels of {hidden} are hidden"
    )
    if not is_sample_asked and 0 < judging < needed(gate, gate.checks):
        wanted = f"Note: {gate.checks} checks of the gate need {needed(gate, gate.checks)} images to judge them"
        print(f"{wanted}; there are fewer, so it asks less often.")
    if not judging and not hidden:
        print("Note: every label teaches and no image judges the gate, so it stays closed.")
    elif not hidden:
        print("Note: every image teaches or judges the gate: nothing is left for it to let in.")
    if unlabelled.paths or unlabelled.known:
        _say_of(unlabelled)


def _say_of(unlabelled: Unlabelled) -> None:
    count = len(unlabelled.paths)
    left_out = f"; {_images(unlabelled.known)} left out, which the labelled folder has, too" if unlabelled.known else ""
    print(f"{_images(count)} without a label {'joins' if count == 1 else 'join'}{left_out}")
    print(
        "Note: the validation sample is drawn from the labelled folder alone, so the gate's promise does not reach the "
        "images without a label: they are learnt from, and never given a pseudo-label."
    )


def _images(count: int) -> str:
    return "1 image" if count == 1 else f"{count} images"


def _are(count: int) -> str:
    return "is" if count == 1 else "are"
