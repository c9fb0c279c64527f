"""Images without a label that join a round: `python -m ssmae train FOLDER --unlabelled MORE`.

They teach by being reconstructed and by consistency. None is held out. The validation sample is not drawn from them, so
the gate's bound does not speak of them, and they lie outside its sampling frame: none ever gets a pseudo-label.

Dimensions: N images of the labelled folder, U images without a label.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ssmae.commands.content import content_numbers
from ssmae.commands.folders import images_below
from ssmae.errors import InvalidData


@dataclass(frozen=True)
class Unlabelled:
    """Images without a label.

    Attributes:
        paths: of the images.
        number_U: of `content_numbers`.
        known: how many were left out, because the labelled folder has them, too.
    """

    paths: list[Path]
    number_U: NDArray[np.float64]
    known: int


NONE = Unlabelled([], np.empty(0), 0)


def find_unlabelled(folder: Path | None, labelled_folder: Path, number_N: NDArray[np.float64]) -> Unlabelled:
    """Every image below a folder whose content the labelled folder has not.

    Args:
        folder: None for no images.
        labelled_folder: the one with a folder for each class.
        number_N: of `content_numbers`, of its images.

    Raises:
        InvalidData: no folder, one without images, or one inside the labelled folder.
    """
    if folder is None:
        return NONE
    paths = images_below(folder)
    if folder.resolve().is_relative_to(labelled_folder.resolve()):
        raise InvalidData(
            f"--unlabelled must be a folder outside {str(labelled_folder)!r}, whose folders are classes. "
            f"Got {str(folder)!r}."
        )
    number_U = content_numbers(paths)
    # An image in both folders is the labelled folder's: one that is held out must not come in by the other door.
    new_K = np.flatnonzero(~np.isin(number_U, number_N))
    return Unlabelled([paths[index] for index in new_K], number_U[new_K], len(paths) - len(new_K))
