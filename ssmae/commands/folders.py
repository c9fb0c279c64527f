"""A folder with one folder of images per class: what is in it.

Dimensions: N images.
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
    """(paths, classes_N, class_names) of a folder-per-class directory.

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


def names_in(folder: Path, paths: Sequence[Path]) -> list[str]:
    """What the images of a folder are called, in their order: their places in it, the same on every system."""
    return [path.relative_to(folder).as_posix() for path in paths]


def read_images(paths: Sequence[Path], image_size: int) -> ImageStore:
    """All of them, decoded; a set too large for memory into the folder for temporary files.

    Raises:
        UnreadableImage: the first that cannot be read, by name.
    """
    return load_images(paths, image_size, scratch=Path(tempfile.gettempdir()))
