"""Checkpoints as they are named on a command line: a refusal has the path as it was given."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ssmae.checkpoint import Checkpoint, load_checkpoint, load_start
from ssmae.commands.past import NO_PAST, Past
from ssmae.errors import CheckpointMismatch
from ssmae.results import EncoderState


def open_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint.

    Raises:
        CheckpointMismatch: no such file, or not a checkpoint of this program.
    """
    with _named_as_given(path):
        return load_checkpoint(path)


def open_start(path: Path | None) -> tuple[EncoderState | None, Past]:
    """Weights to start from, and what is known of the images that taught them; from scratch if there is no path.

    Raises:
        CheckpointMismatch: no such file, or not a safetensors file.
    """
    if path is None:
        return None, NO_PAST
    with _named_as_given(path):
        state, remarks = load_start(path)
    return state, Past.of(remarks)


@contextmanager
def _named_as_given(path: Path) -> Iterator[None]:
    if not path.exists():
        raise CheckpointMismatch(f"There is no file {str(path)!r}.")
    if path.is_dir():
        raise CheckpointMismatch(f"{str(path)!r} is a folder, and must be a checkpoint.")
    try:
        yield
    except CheckpointMismatch as error:
        text = str(error)
        raise CheckpointMismatch(f"{path}{text.removeprefix(path.name)}") from error
