"""Many files become one store of images, in memory or on disk. Must never import trainer or model.

Dimensions: N images, C channels (3), H and W side in pixels.
"""

from __future__ import annotations

import math
import os
import tempfile
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ssmae.decoding import decode_image
from ssmae.images import ON_DEVICE_BYTES, ImageStore

_AT_ONCE = 16
"""Images of one task: small ones take so little time that handing over one by one would cost as much again."""


def load_images(
    sources: Sequence[Path | bytes],
    image_size: int,
    on_progress: Callable[[int, int], None] | None = None,
    threads: int = 4,
    *,
    scratch: Path | None = None,
) -> ImageStore:
    """Decode many files with a pool of threads (Pillow releases the interpreter lock while it decodes).

    Args:
        sources: files, in the order wanted.
        image_size: side in pixels.
        on_progress: called with (done, total) from this thread, about a hundred times; what it raises stops the rest.
        threads: how many decode at once.
        scratch: a folder, made if it is missing, for a set above `ON_DEVICE_BYTES`, of which batches are read anyway:
            it is decoded into a file there, which has no name and is gone with this process. None keeps any set in
            memory.

    Returns:
        The images in the order of their sources.

    Raises:
        UnreadableImage: the first file that cannot be read, by name. Nothing is skipped silently.
        OSError: no room in `scratch`.
    """
    shape = (len(sources), 3, image_size, image_size)
    is_large = math.prod(shape) > ON_DEVICE_BYTES
    images_NCHW = _mapped(shape, scratch) if is_large and scratch is not None else np.empty(shape, np.uint8)
    _fill(images_NCHW, sources, on_progress, threads)
    return ImageStore(images_NCHW)


def _mapped(shape: tuple[int, ...], folder: Path) -> NDArray[np.uint8]:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder) as file:
        os.posix_fallocate(file.fileno(), 0, math.prod(shape))  # a full disk is an error here, and a crash later
        return np.memmap(file, np.uint8, "w+", shape=shape)


def _fill(
    images_NCHW: NDArray[np.uint8],
    sources: Sequence[Path | bytes],
    on_progress: Callable[[int, int], None] | None,
    threads: int,
) -> None:
    total, image_size = len(sources), images_NCHW.shape[2]
    size = max(1, min(_AT_ONCE, total // (4 * threads)))

    def decode(start: int) -> int:
        for position in range(start, min(start + size, total)):
            images_NCHW[position] = decode_image(sources[position], image_size)
        return min(start + size, total)

    def wait_for(task: Future[int], reported: int) -> int:
        done = task.result()
        if on_progress is None or (done < total and done * 100 // total == reported * 100 // total):
            return reported
        on_progress(done, total)
        return done

    pool, tasks, reported = ThreadPoolExecutor(threads), deque[Future[int]](), 0
    try:
        for start in range(0, total, size):
            tasks.append(pool.submit(decode, start))
            if len(tasks) > 4 * threads:  # a million tasks at once would cost more memory than the images
                reported = wait_for(tasks.popleft(), reported)
        for task in tasks:
            reported = wait_for(task, reported)
    finally:
        pool.shutdown(cancel_futures=True)
