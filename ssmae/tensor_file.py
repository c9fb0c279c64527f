"""Named tensors and a JSON header in one safetensors file, written whole or not at all.

No pickle: reading such a file cannot run code.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from ssmae.errors import CheckpointMismatch


def write(path: Path, tensors: Mapping[str, torch.Tensor], kind: str, header: dict[str, Any]) -> None:
    """Write a file; one of that name is replaced only when the new one is complete and on the disk.

    Args:
        path: where to; the folder must exist.
        tensors: by name, on any device.
        kind: what the file is: the name of its header.
        header: values of JSON.
    """
    stored = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".part")
    os.close(handle)
    try:
        save_file(stored, temporary, metadata={kind: json.dumps(header)})
        with Path(temporary).open("rb") as file:
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def part(tensors: Mapping[str, torch.Tensor], name: str) -> dict[str, torch.Tensor]:
    """The tensors whose names begin with `name.`, without that."""
    prefix = f"{name}."
    return {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}


def read(path: Path, kind: str) -> tuple[dict[str, torch.Tensor], dict[str, Any] | None]:
    """Read a safetensors file of ours or of others.

    Returns:
        (tensors by name, header); the header is None if the file has none of that kind.

    Raises:
        CheckpointMismatch: not a whole safetensors file.
    """
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - safe_open is no mapping
            metadata = file.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise CheckpointMismatch(f"{path.name} is not a readable safetensors file ({error}).") from error
    return tensors, json.loads(metadata[kind]) if kind in metadata else None
