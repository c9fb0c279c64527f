"""What a round's model says of every image, read from its published file without loading the file.

Of a million images in ten classes that file has 400 MB. It is an uncompressed zip of plain arrays, so each array is
mapped into memory where it lies, and only the rows that somebody asks for are read from the disk.

Dimensions: N images of the round's stream, C classes, D width of the embedding, K images that are asked for.
"""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.db.models import Round
from app.db.queries import rounds
from app.db.unit_of_work import UnitOfWork
from app.storage import Storage

FILE = "predictions.npz"
"""Its name among a round's files."""
_LOCAL_HEADER = 30  # bytes, before the member's name and its extra field


@dataclass(frozen=True, kw_only=True)
class RoundPredictions:
    """What one round published of every image of its stream, labelled ones included; test images are not in it.

    Attributes:
        class_ids: database ids, by column of the probabilities.
        image_ids_N: database ids, ascending.
        probabilities_NC: float16, of the unchanged image.
        embeddings_ND: float16, what the classifier reads.
    """

    class_ids: tuple[int, ...]
    image_ids_N: NDArray[np.int64]
    probabilities_NC: NDArray[np.float16]
    embeddings_ND: NDArray[np.float16]

    def rows(self, image_ids: Sequence[int] | NDArray[np.int64]) -> NDArray[np.int64]:
        """Where each of these images is, shape (K,); -1 for one that the round did not know."""
        wanted_K = np.asarray(image_ids, dtype=np.int64)
        if not len(self.image_ids_N):
            return np.full(len(wanted_K), -1, dtype=np.int64)
        found_K = np.minimum(np.searchsorted(self.image_ids_N, wanted_K), len(self.image_ids_N) - 1)
        return np.where(self.image_ids_N[found_K] == wanted_K, found_K, -1)

    def probabilities_of(self, image_id: int) -> dict[int, float] | None:
        """Probability by class id, likeliest first; None for an image that the round did not know."""
        (row,) = self.rows([image_id]).tolist()
        if row < 0:
            return None
        of_class = zip(self.class_ids, self.probabilities_NC[row].astype(float).tolist(), strict=True)
        return dict(sorted(of_class, key=lambda pair: -pair[1]))


def newest(uow: UnitOfWork, storage: Storage, project_id: int) -> tuple[Round, RoundPredictions] | None:
    """The newest round that learnt classes and published what it says of the images; None if there is none."""
    last = rounds.last_succeeded(uow.session, project_id)
    if last is None or last.snapshot_id is None or not last.manifest.get("learnt_classes", True):
        return None
    key = last.files.get(FILE)
    if key is None or not storage.path(key).is_file():
        return None
    class_ids = rounds.snapshot(uow.session, last.snapshot_id).class_ids
    return last, _open(storage.path(key), tuple(class_ids))


@lru_cache(maxsize=8)
def _open(path: Path, class_ids: tuple[int, ...]) -> RoundPredictions:
    """Map a published file; it never changes, because attempts never share a folder."""
    return RoundPredictions(
        class_ids=class_ids,
        image_ids_N=_mapped(path, "image_ids"),
        probabilities_NC=_mapped(path, "probabilities"),
        embeddings_ND=_mapped(path, "embeddings"),
    )


def _mapped(path: Path, name: str) -> NDArray[Any]:
    """One array of an uncompressed npz, read as it is needed."""
    with zipfile.ZipFile(path) as archive, path.open("rb") as file:
        member = archive.getinfo(f"{name}.npy")
        assert member.compress_type == zipfile.ZIP_STORED, "a compressed array cannot be mapped"
        file.seek(member.header_offset)
        of_name, of_extra = struct.unpack("<26x2H", file.read(_LOCAL_HEADER))
        file.seek(of_name + of_extra, 1)
        version = np.lib.format.read_magic(file)
        read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, is_fortran, dtype = read_header(file)
        if 0 in shape:  # nothing to map, which the system refuses
            return np.zeros(shape, dtype)
        return np.memmap(path, dtype, "r", file.tell(), shape, "F" if is_fortran else "C")
