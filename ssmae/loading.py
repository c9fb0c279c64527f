"""Many files become one store of images, in memory or on disk. Must never import trainer or model.

Dimensions: N images, C channels (3), H and W side in pixels.
"""

from __future__ import annotations

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


def fits_in_memory(count: int, image_size: int) -> bool:
    """Whether so many images are best decoded into memory: if not, batches are read from a file anyway.

    Args:
        count: of images.
        image_size: side in pixels.

    Returns:
        True up to `ON_DEVICE_BYTES`, False where `load_images` had better be told `into` which file.
    """
    return count * 3 * image_size**2 <= ON_DEVICE_BYTES


def load_images(
    sources: Sequence[Path | bytes],
    image_size: int,
    on_progress: Callable[[int, int], None] | None = None,
    threads: int = 4,
    *,
    into: Path | None = None,
) -> ImageStore:
    """Decode many files with a pool of threads (Pillow releases the interpreter lock while it decodes).

    Args:
        sources: files, in the order wanted.
        image_size: side in pixels.
        on_progress: called with (done, total) from this thread, about a hundred times; what it raises stops the rest.
        threads: how many decode at once.
        into: a file, best named `.npy`, that the images are written to as they are decoded, and memory-mapped from
            afterwards: a set larger than memory never is in memory. It appears, or is replaced, only when complete.
            None keeps the images in memory; see `fits_in_memory`.

    Returns:
        The images in the order of their sources.

    Raises:
        UnreadableImage: the first file that cannot be read, by name. Nothing is skipped silently.
    """
    shape = (len(sources), 3, image_size, image_size)
    if into is None or not sources:  # nothing cannot be memory-mapped
        images_NCHW = np.empty(shape, dtype=np.uint8)
        _fill(images_NCHW, sources, on_progress, threads)
        return ImageStore(images_NCHW)
    partial = into.with_name(f"{into.name}.partial")
    try:
        on_disk_NCHW = np.lib.format.open_memmap(partial, mode="w+", dtype=np.uint8, shape=shape)
        _fill(on_disk_NCHW, sources, on_progress, threads)
        on_disk_NCHW.flush()
        partial.replace(into)
    finally:
        partial.unlink(missing_ok=True)
    return ImageStore.open(into)


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
