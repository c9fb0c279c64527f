"""Folders of images: what is in them, with or without a folder for each class.

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
        InvalidData: no folder, an empty one, or fewer than two folders with images.
    """
    check_folder(folder)
    found = {child.name: _below(child) for child in sorted(folder.iterdir()) if child.is_dir()}
    found = {name: paths for name, paths in found.items() if paths}
    if len(found) < 2:
        raise InvalidData(f"{folder} must hold a folder of images for each of at least two classes. Got {list(found)}.")
    labels = [index for index, paths in enumerate(found.values()) for _ in paths]
    return [path for paths in found.values() for path in paths], np.array(labels, np.int64), tuple(found)


def images_below(folder: Path) -> list[Path]:
    """Every image of a folder, however deep, in alphabetical order.

    Raises:
        InvalidData: no folder, an empty one, or one without images.
    """
    check_folder(folder)
    if found := _below(folder):
        return found
    raise InvalidData(f"There is no image below {str(folder)!r}: no file that ends with {', '.join(sorted(SUFFIXES))}.")


def loose_images(folder: Path) -> int:
    """How many images lie in a folder itself, where none has a class."""
    return sum(_is_image(path) for path in folder.iterdir())


def check_folder(folder: Path) -> None:
    """Refuse what is no folder with something in it.

    Raises:
        InvalidData: nothing of that name, a file, or an empty folder.
    """
    if not folder.exists():
        raise InvalidData(f"There is no folder {str(folder)!r}.")
    if not folder.is_dir():
        raise InvalidData(f"{str(folder)!r} is a file, and must be a folder.")
    if not any(folder.iterdir()):
        raise InvalidData(f"The folder {str(folder)!r} is empty.")


def names_in(folder: Path, paths: Sequence[Path]) -> list[str]:
    """What the images of a folder are called, in their order: their places in it, the same on every system."""
    return [path.relative_to(folder).as_posix() for path in paths]


def read_images(paths: Sequence[Path], image_size: int) -> ImageStore:
    """All of them, decoded; a set too large for memory into the folder for temporary files.

    Raises:
        UnreadableImage: the first that cannot be read, by name.
    """
    return load_images(paths, image_size, scratch=Path(tempfile.gettempdir()))


def _below(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if _is_image(path))


def _is_image(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES and path.is_file()
