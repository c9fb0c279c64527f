"""The most memory that something held at a time, above what was held before it began."""

from __future__ import annotations

import ctypes
import gc
import resource
from pathlib import Path
from types import TracebackType
from typing import Self

import torch

HOW = {
    "cuda": "torch.cuda.max_memory_allocated, above what was allocated before",
    "cpu": "peak resident set (getrusage), above that before; only about right, pages of libraries are in it too",
}


class PeakMemory:
    """Watches a `with` block.

    Attributes:
        peak_bytes: after the block; None where the system does not let a process begin a new peak (only Linux does).
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self.peak_bytes: int | None = None

    def __enter__(self) -> Self:
        gc.collect()
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)
            torch.cuda.reset_peak_memory_stats(self._device)
            self._before: int | None = torch.cuda.memory_allocated(self._device)
        else:
            self._before = _begin_new_peak()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._before is None:
            return
        peak = torch.cuda.max_memory_allocated(self._device) if self._device.type == "cuda" else _peak_resident()
        self.peak_bytes = peak - self._before


def _begin_new_peak() -> int | None:
    """Forget the peak so far; the resident set in bytes."""
    # What was freed but kept by the allocator would be used again without being seen.
    if hasattr(library := ctypes.CDLL(None), "malloc_trim"):
        library.malloc_trim(0)
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # see man 5 proc
    except OSError:
        return None
    return _peak_resident()


def _peak_resident() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
