"""A folder with one folder of images per class: what is in it, and how an experiment divides it.

The commands share this, so that the same seed holds the same images out.

Dimensions: N images, M images that are not held out, T held-out images.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ssmae.data import ImageStore, load_images
from ssmae.errors import InvalidData

SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff"}


def read_folder(folder: Path) -> tuple[list[Path], NDArray[np.int64], tuple[str, ...]]:
    """Paths, class indices and class names of a folder-per-class directory.

    Raises:
        InvalidData: fewer than two folders with images.
    """
    found = {
        child.name: sorted(path for path in child.rglob("*") if path.suffix.lower() in SUFFIXES)
        for child in (sorted(folder.iterdir()) if folder.is_dir() else [])
        if child.is_dir()
    }
    found = {name: paths for name, paths in found.items() if paths}
    if len(found) < 2:
        raise InvalidData(f"{folder} must hold a folder of images for each of at least two classes. Got {list(found)}.")
    labels = [index for index, paths in enumerate(found.values()) for _ in paths]
    return [path for paths in found.values() for path in paths], np.array(labels, np.int64), tuple(found)


def read_images(paths: Sequence[Path], image_size: int) -> ImageStore:
    """All of them, decoded; a set too large for memory into the folder for temporary files.

    Raises:
        UnreadableImage: the first that cannot be read, by name.
    """
    return load_images(paths, image_size, scratch=Path(tempfile.gettempdir()))


def hold_out(
    images: int, test_share: float, generator: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Indices of the images that may teach, and of a uniform test split, both in random order."""
    order, test = generator.permutation(images), round(test_share * images)
    return order[test:], order[:test]


def keep_few_labels(
    classes_M: NDArray[np.int64], class_names: tuple[str, ...], labels_per_class: int
) -> NDArray[np.int64]:
    """The first labels of each class, -1 for the other images.

    Raises:
        InvalidData: a class has fewer images than that.
    """
    labels_M = np.full(len(classes_M), -1, dtype=np.int64)
    for index, name in enumerate(class_names):
        chosen = np.flatnonzero(classes_M == index)[:labels_per_class]
        if len(chosen) < labels_per_class:
            raise InvalidData(
                f"Class {name!r} must have {labels_per_class} images outside the test split. Got {len(chosen)}."
            )
        labels_M[chosen] = index
    return labels_M
