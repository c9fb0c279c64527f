"""Take the labels of a moment and keep them, hashed and immutable: what a round trains on, and nothing else."""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from app.db.models import Snapshot
from app.db.queries import images, projects, rounds
from app.db.unit_of_work import UnitOfWork
from app.domain.pools import Split
from app.services import validation
from app.storage import Storage, image_key, snapshot_key

UNLABELLED = -1
_SPLITS = [Split.TRAIN, Split.VALIDATION, Split.TEST]
_UNKNOWN_FRAME = np.zeros(0, np.bool_)


@dataclass(frozen=True, kw_only=True)
class SnapshotRows:
    """The images of a snapshot, in the order of their ids.

    Attributes:
        image_ids_N: database ids.
        sha256_N, suffix_N: what finds each file in the storage.
        split_N: index into train, validation, test.
        class_index_N: index into `class_names`, or -1 without a label.
        judges_N: validation images that judge the gate; one of them without a label counts as an error.
        in_frame_N: images that the validation sample was drawn from. None where that is not known: there was no draw,
            or the snapshot is from before it was kept.
        class_ids, class_names: the classes by class index.
    """

    image_ids_N: NDArray[np.int64]
    sha256_N: NDArray[np.str_]
    suffix_N: NDArray[np.str_]
    split_N: NDArray[np.int8]
    class_index_N: NDArray[np.int32]
    judges_N: NDArray[np.bool_]
    in_frame_N: NDArray[np.bool_] | None
    class_ids: list[int]
    class_names: list[str]

    def where(self, *splits: Split) -> NDArray[np.int64]:
        """Positions of the images of these splits."""
        return np.flatnonzero(np.isin(self.split_N, [_SPLITS.index(split) for split in splits]))

    def keys(self, positions: NDArray[np.int64]) -> list[str]:
        """Storage keys of these images."""
        return [image_key(str(self.sha256_N[at]), str(self.suffix_N[at])) for at in positions]


def take(uow: UnitOfWork, storage: Storage, project_id: int) -> Snapshot:
    """Freeze the project's images, labels and splits, and what its draft's validation sample can speak of.

    The same content gives the same snapshot.
    """
    classes = projects.classes(uow.session, project_id)
    index_of = {one.id: index for index, one in enumerate(classes)}
    found = images.for_snapshot(uow.session, project_id)
    image_ids_N = np.array([row.id for row in found], dtype=np.int64)
    draft = rounds.draft(uow.session, project_id)
    frame_digest = draft.frame_digest if draft else None
    judges = [one.image_id for one in validation.judges(uow, draft.id)] if draft else []
    rows = SnapshotRows(
        image_ids_N=image_ids_N,
        sha256_N=np.array([row.sha256 for row in found], dtype="U64"),
        suffix_N=np.array([row.suffix for row in found], dtype="U8"),
        split_N=np.array([_SPLITS.index(row.split) for row in found], dtype=np.int8),
        class_index_N=np.array(
            [UNLABELLED if row.label_class_id is None else index_of[row.label_class_id] for row in found],
            dtype=np.int32,
        ),
        judges_N=np.isin(image_ids_N, judges),
        in_frame_N=None if frame_digest is None else np.isin(image_ids_N, validation.frame(storage, frame_digest)),
        class_ids=[one.id for one in classes],
        class_names=[one.name for one in classes],
    )
    digest = _digest(rows)
    if (known := rounds.snapshot_by_digest(uow.session, project_id, digest)) is not None:
        return known
    storage.write(snapshot_key(digest), _to_bytes(rows))
    labelled = rows.class_index_N != UNLABELLED
    counts = {split: int(labelled[rows.where(split)].sum()) for split in _SPLITS}
    snapshot = Snapshot(
        project_id=project_id,
        digest=digest,
        class_ids=rows.class_ids,
        images=len(found),
        labelled=counts[Split.TRAIN],
        validation=counts[Split.VALIDATION],
        test=counts[Split.TEST],
    )
    uow.session.add(snapshot)
    uow.session.flush()
    return snapshot


def load(storage: Storage, digest: str) -> SnapshotRows:
    """Read a snapshot back.

    Raises:
        NotFound: its file is gone.
    """
    with np.load(storage.existing(snapshot_key(digest)), allow_pickle=False) as file:
        classes = json.loads(str(file["classes"]))
        split_N, class_index_N = file["split"], file["class_index"]
        is_answered_N = (split_N == _SPLITS.index(Split.VALIDATION)) & (class_index_N != UNLABELLED)
        # Snapshots of the first release have neither of these: every answer judged, and the frame was not known.
        judges_N = file.get("judges", is_answered_N)
        in_frame_N = file.get("in_frame", _UNKNOWN_FRAME)
        return SnapshotRows(
            image_ids_N=file["image_ids"],
            sha256_N=file["sha256"],
            suffix_N=file["suffix"],
            split_N=split_N,
            class_index_N=class_index_N,
            judges_N=judges_N,
            in_frame_N=in_frame_N if in_frame_N.size else None,
            class_ids=classes["ids"],
            class_names=classes["names"],
        )


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One image of a snapshot; `class_id` is None without a label."""

    split: Split
    class_id: int | None
    judges: bool


@lru_cache(maxsize=4096)
def entry(storage: Storage, digest: str, image_id: int) -> Entry | None:
    """What a snapshot says of one image; None if the image is not in it. Reads no more columns than it needs.

    Raises:
        NotFound: the snapshot's file is gone.
    """
    with np.load(storage.existing(snapshot_key(digest)), allow_pickle=False) as file:
        image_ids_N = file["image_ids"]
        at = int(np.searchsorted(image_ids_N, image_id))
        if at == len(image_ids_N) or image_ids_N[at] != image_id:
            return None
        split, class_index = _SPLITS[file["split"][at]], int(file["class_index"][at])
        is_answered = split is Split.VALIDATION and class_index != UNLABELLED
        return Entry(
            split=split,
            class_id=None if class_index == UNLABELLED else json.loads(str(file["classes"]))["ids"][class_index],
            judges=bool(file["judges"][at]) if "judges" in file else is_answered,
        )


def _classes_json(rows: SnapshotRows) -> str:
    return json.dumps({"ids": rows.class_ids, "names": rows.class_names}, sort_keys=True)


def _digest(rows: SnapshotRows) -> str:
    digest = hashlib.sha256(_classes_json(rows).encode())
    columns = (rows.image_ids_N, rows.sha256_N, rows.split_N, rows.class_index_N, rows.judges_N, _frame_column(rows))
    for column in columns:
        digest.update(np.ascontiguousarray(column).tobytes())
    return digest.hexdigest()


def _to_bytes(rows: SnapshotRows) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer,
        image_ids=rows.image_ids_N,
        sha256=rows.sha256_N,
        suffix=rows.suffix_N,
        split=rows.split_N,
        class_index=rows.class_index_N,
        judges=rows.judges_N,
        classes=np.array(_classes_json(rows)),
        in_frame=_frame_column(rows),
    )
    return buffer.getvalue()


def _frame_column(rows: SnapshotRows) -> NDArray[np.bool_]:
    """The frame as it is kept."""
    return _UNKNOWN_FRAME if rows.in_frame_N is None else rows.in_frame_N
