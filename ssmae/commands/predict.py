"""The work of `python -m ssmae predict CHECKPOINT FOLDER --out FILE.csv`: what a model takes every image for.

Dimensions: N images, C classes.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ssmae.commands.folders import images_below, names_in, read_images
from ssmae.commands.opening import open_checkpoint
from ssmae.errors import InvalidData
from ssmae.inference import predict_as_trained

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠", "'")
"""As in the server's `app/formats/spreadsheet.py`, which this package must not import; a test compares the two."""


def predict(arguments: argparse.Namespace) -> None:
    """Write a table with a line for each image below a folder, and print how many.

    Raises:
        CheckpointMismatch: not a checkpoint.
        InvalidData: no such folder, or one without images; the checkpoint itself would be overwritten.
        UnreadableImage: the first image that cannot be read; then nothing is written.
    """
    if arguments.out.resolve() == arguments.checkpoint.resolve():
        raise InvalidData(f"--out must be another file: the table would overwrite {str(arguments.checkpoint)!r}.")
    checkpoint = open_checkpoint(arguments.checkpoint)
    model, config = checkpoint.model, replace(checkpoint.config, device="auto")
    paths = images_below(arguments.folder)
    print(f"{len(paths)} images, {len(model.class_names)} classes, at {config.model.image_size} pixels", flush=True)
    images = read_images(paths, config.model.image_size)
    probabilities_NC = predict_as_trained(model, images, config).probabilities_NC
    write_table(arguments.out, names_in(arguments.folder, paths), model.class_names, probabilities_NC)
    print(f"written to {arguments.out}")


def write_table(
    path: Path, names: Sequence[str], class_names: tuple[str, ...], probabilities_NC: NDArray[np.floating]
) -> None:
    """Write CSV in UTF-8: image, predicted class, confidence, and the probability of each class.

    Args:
        path: where to.
        names: of the images.
        class_names: of the classes.
        probabilities_NC: a row for each image.
    """
    # A file name that is not UTF-8 is written byte for byte as it is: it names the file, and nothing else does.
    with path.open("w", encoding="utf-8", errors="surrogateescape", newline="") as file:
        csv.writer(file).writerows(
            [guarded(cell) for cell in row] for row in _rows(names, class_names, probabilities_NC)
        )


def guarded(cell: str) -> str:
    """A cell as it is written: with an apostrophe in front if it begins like a formula, or with an apostrophe."""
    return "'" + cell if cell.startswith(_FORMULA) else cell


def _rows(
    names: Sequence[str], class_names: tuple[str, ...], probabilities_NC: NDArray[np.floating]
) -> Iterator[list[str]]:
    # With words of their own, no class can be mistaken for one of the first three columns.
    yield ["image", "predicted", "confidence", *(f"probability of {name}" for name in class_names)]
    best_N = probabilities_NC.argmax(axis=1)
    for name, best, row_C in zip(names, best_N.tolist(), probabilities_NC.tolist(), strict=True):
        yield [name, class_names[best], f"{row_C[best]:.6f}", *(f"{value:.6f}" for value in row_C)]
