"""Many files become one store of images. Must never import trainer or model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

import numpy as np

from ssmae.decoding import decode_image
from ssmae.images import ImageStore


def load_images(
    sources: Sequence[Path | bytes],
    image_size: int,
    on_progress: Callable[[int, int], None] | None = None,
    threads: int = 4,
) -> ImageStore:
    """Decode many files with a pool of threads (Pillow releases the interpreter lock while it decodes).

    Args:
        sources: files, in the order wanted.
        image_size: side in pixels.
        on_progress: called with (done, total), about a hundred times.
        threads: how many decode at once.

    Raises:
        UnreadableImage: the first file that cannot be read, by name. Nothing is skipped silently.
    """
    total = len(sources)
    images_NCHW = np.empty((total, 3, image_size, image_size), dtype=np.uint8)
    report_every = max(1, total // 100)
    with ThreadPoolExecutor(max_workers=threads) as pool:
        pending = iter(sources)
        done = 0
        # A bounded window: a million futures at once would cost more memory than the images.
        while window := list(islice(pending, 64 * threads)):
            for pixels_CHW in pool.map(lambda source: decode_image(source, image_size), window):
                images_NCHW[done] = pixels_CHW
                done += 1
                if on_progress is not None and (done % report_every == 0 or done == total):
                    on_progress(done, total)
    return ImageStore(images_NCHW)
