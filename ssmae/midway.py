"""The state of a round half-way: a file from which the same round goes on, and no other.

A round that is interrupted and goes on must end as if nothing had happened. That holds only with the same settings, on
the same data, with the same seed, device, threads, libraries and sources: the file says what it belongs to (its
origin), and loading compares. What the tensors and facts mean is the trainer's business. Must never import trainer.

Dimensions: N images.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from ssmae import sources, tensor_file
from ssmae.config import RoundConfig
from ssmae.data import RoundData
from ssmae.errors import CheckpointMismatch
from ssmae.results import versions

FORMAT_VERSION = 1
WHOLE_BYTES = 256 * 1024**2
"""Stores up to this size (80,000 images of 32 pixels) are hashed whole, of larger ones this much: within a second."""

Origin = dict[str, Any]
"""What a half-way state belongs to, as values of JSON: see `origin_of`."""

Result = TypeVar("Result")

_KIND = "ssmae_midway"
_CHUNK = 1024
_SHOWN = 12


@dataclass(frozen=True)
class Midway:
    """What a half-way file holds besides its origin.

    Attributes:
        tensors: by name, on the CPU.
        facts: values of JSON.
    """

    tensors: dict[str, torch.Tensor]
    facts: dict[str, Any]


def origin_of(
    config: RoundConfig, data: RoundData, *, seed: int, device: str, start: Mapping[str, torch.Tensor] | None = None
) -> Origin:
    """What a state of this round belongs to. Reads the images once: made at the start of a round, not at every save.

    Args:
        config: every setting, so that a mismatch can name the one that differs.
        data: images and labels, taken as digests.
        seed: of the round.
        device: where it runs; a generator of one device cannot go on on another. On a CPU the number of threads that
            torch has now counts as well.
        start: the weights that the round begins with, taken as a digest; None for a start from scratch.
    """
    return {
        "config": config.to_dict(),
        "data": data_digests(data),
        "seed": seed,
        "start": "scratch" if start is None else _weights_digest(start),
        "device": device,
        # Sums are split among threads, so another number of them rounds otherwise.
        "threads": torch.get_num_threads() if device == "cpu" else "any",
        "versions": versions(),
        "sources": sources.digest(),
    }


def save_midway(path: Path, tensors: Mapping[str, torch.Tensor], facts: Mapping[str, Any], origin: Origin) -> None:
    """Write a half-way state, whole or not at all; the one before it stays until the new one is on the disk.

    Args:
        path: where to.
        tensors: by name, on any device.
        facts: values of JSON: step, phase, decisions.
        origin: of the round.
    """
    header = {"format_version": FORMAT_VERSION, "origin": origin, "facts": dict(facts)}
    tensor_file.write(path, tensors, _KIND, header)


def load_midway(path: Path, origin: Origin) -> Midway:
    """Read what `save_midway` wrote, for the round that it belongs to.

    Args:
        path: the file.
        origin: of the round that wants to go on.

    Raises:
        CheckpointMismatch: not a whole file, no half-way state, of another format version, or of a round with other
            settings, data, seed, device, threads, libraries or sources: whatever differs is named.
    """
    tensors, header = tensor_file.read(path, _KIND)
    if header is None:
        raise CheckpointMismatch(f"{path.name} must be the half-way state of a round. It has no {_KIND!r} header.")
    if header["format_version"] != FORMAT_VERSION:
        raise CheckpointMismatch(
            f"{path.name} must have format version {FORMAT_VERSION}. Got {header['format_version']}."
        )
    # Through JSON, so that a tuple equals the list that it becomes in the file.
    expected, got = dict(_flat(json.loads(json.dumps(origin)))), dict(_flat(header["origin"]))
    absent = "nothing"
    differing = [
        f"! {name}: expected {expected.get(name, absent)}, got {got.get(name, absent)}"
        for name in sorted(expected.keys() | got.keys())
        if expected.get(name, absent) != got.get(name, absent)
    ]
    if differing:
        more = [f"... and {len(differing) - _SHOWN} more"] if len(differing) > _SHOWN else []
        what = f"{path.name} belongs to another round; remove it to begin this one anew."
        raise CheckpointMismatch("\n".join([what, *differing[:_SHOWN], *more]))
    return Midway(tensors, header["facts"])


def going_on(path: Path, attempt: Callable[[], Result], on_mismatch: Callable[[CheckpointMismatch], None]) -> Result:
    """Train from a half-way state, or from the beginning where that is of another round: it is as good anew.

    Args:
        path: of the half-way state; one that does not fit is removed.
        attempt: trains, going on from the state if there is one.
        on_mismatch: told why a state did not fit.

    Raises:
        CheckpointMismatch: there was no state, or none any more: what does not fit is something else.
    """
    if not path.exists():
        return attempt()
    try:
        return attempt()
    except CheckpointMismatch as mismatch:
        on_mismatch(mismatch)
        path.unlink()
        return attempt()


class Keeper:
    """Writes the half-way state of one round now and then, and finds it again.

    Args:
        path: the file.
        every_seconds: time between two writings, hence the work that an interruption can cost.
        origin: of the round.
    """

    def __init__(self, path: Path, every_seconds: float, origin: Origin) -> None:
        self._path, self._every_seconds, self._origin = path, every_seconds, origin
        self._kept = time.monotonic()

    def is_due(self) -> bool:
        """Whether it is time to save."""
        return time.monotonic() - self._kept >= self._every_seconds

    def save(self, tensors: Mapping[str, torch.Tensor], facts: Mapping[str, Any]) -> None:
        """Write the state; see `save_midway`."""
        save_midway(self._path, tensors, facts, self._origin)
        self._kept = time.monotonic()

    def load(self) -> Midway | None:
        """What an interrupted run of this round left, None if it left nothing.

        Raises:
            CheckpointMismatch: what it left is of another round; see `load_midway`.
        """
        return load_midway(self._path, self._origin) if self._path.exists() else None


def data_digests(data: RoundData) -> dict[str, str]:
    """A sha256 of each part of the data, by the name of its field, so that a mismatch can name the part.

    Images are hashed whole up to `WHOLE_BYTES`. Of a larger store, which is memory-mapped as a rule and would have to
    be read from the disk, whole images at even distances are hashed, as many as fit: their number, order and size are
    always watched, a change of single images between the sampled ones is not.
    """
    parts = {
        "labels_N": data.labels_N,
        "validation_index_V": data.validation_index_V,
        "validation_labels_V": data.validation_labels_V,
    }
    frame_N = data.in_frame_N
    return {
        "images": _images_digest(data.images.images_NCHW),
        **{name: _array_digest(array) for name, array in parts.items()},
        "class_names": hashlib.sha256(json.dumps(data.class_names).encode()).hexdigest(),
        "in_frame_N": "none" if frame_N is None else _array_digest(frame_N),
    }


def _weights_digest(weights: Mapping[str, torch.Tensor]) -> str:
    digest = hashlib.sha256()
    for name in sorted(weights):
        value = weights[name].detach().cpu().contiguous()
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}".encode())
        digest.update(value.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _images_digest(images_NCHW: NDArray[np.uint8]) -> str:
    digest = hashlib.sha256(str(images_NCHW.shape).encode())
    stride = -(-images_NCHW.nbytes // WHOLE_BYTES) or 1
    sampled_NCHW = images_NCHW[::stride]
    for start in range(0, len(sampled_NCHW), _CHUNK):
        digest.update(np.ascontiguousarray(sampled_NCHW[start : start + _CHUNK]).data)
    return digest.hexdigest()


def _array_digest(array: NDArray[Any]) -> str:
    digest = hashlib.sha256(f"{array.dtype} {array.shape}".encode())
    digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
