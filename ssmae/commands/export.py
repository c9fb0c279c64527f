"""The work of `python -m ssmae export CHECKPOINT FOLDER`: a classifier for programs that know nothing of this one.

The files are called what the server calls them.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from ssmae.commands.opening import open_checkpoint
from ssmae.errors import InvalidData
from ssmae.export import TIMM_FILES, write_onnx, write_timm

ONNX = "model.onnx"


def export(arguments: argparse.Namespace) -> None:
    """Write the classifier of a checkpoint for timm and as ONNX, and print what was written.

    Raises:
        CheckpointMismatch: not a checkpoint.
        InvalidData: the checkpoint itself would be overwritten.
        ExportMismatch: a file does not give the probabilities of the model; it is not given out.
    """
    model, folder = open_checkpoint(arguments.checkpoint).model, arguments.folder
    if arguments.checkpoint.resolve() in {(folder / name).resolve() for name in (*TIMM_FILES, ONNX)}:
        raise InvalidData(f"Another folder, please: the export would overwrite {str(arguments.checkpoint)!r}.")
    write_timm(model, folder)
    _say(folder, TIMM_FILES, "the encoder and its head, under timm's names")
    write_onnx(model, folder / ONNX)
    _say(folder, (ONNX,), "the classifier: pixels 0 to 255 in, probabilities out")


def _say(folder: Path, names: tuple[str, ...], what: str) -> None:
    print(f"written to {folder}: {', '.join(names)} ({what})", flush=True)
