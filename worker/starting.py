"""Which weights a round begins with, which classes they know, and what its manifest says of that.

A class is its database id, whatever its name and place: ids are kept in the snapshot of each round, and not in the
checkpoint, because in the database of another server the same id is another class.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from app.db.models import Round
from app.domain.pools import Split
from app.services import snapshots
from app.storage import Storage
from ssmae.checkpoint import load_encoder_state
from ssmae.config import Head, RoundConfig, StartFrom
from ssmae.head import ClassMap
from ssmae.results import EncoderState
from worker.results import FileName


@dataclass(frozen=True, kw_only=True)
class Start:
    """The weights, and where they are from.

    Attributes:
        asked: what the lead chose.
        state: None for a start from scratch.
        parent: number of the round whose encoder it is.
        file: path of a given checkpoint.
        row_classes: for each row of the parent's classifier its class id, or None if the row never saw a label of its
            class and so knows only what is none; not set if the classifier is fresh, or from a file whose classes have
            names alone.
        notes: what is otherwise than asked.
    """

    asked: StartFrom
    state: EncoderState | None
    parent: int | None = None
    file: str | None = None
    row_classes: tuple[int | None, ...] | None = None
    notes: tuple[str, ...] = ()

    def manifest(self) -> dict[str, Any]:
        """For the round's manifest."""
        return {
            "asked": self.asked.value,
            "resumed": self.state is not None,
            "parent_round": self.parent,
            "file": self.file,
        }

    def class_map(self, class_ids: Sequence[int]) -> ClassMap | None:
        """Which row of the parent's classifier goes on as which class of this round.

        Args:
            class_ids: of this round's snapshot, by class index.

        Returns:
            A class that was renamed or moved keeps its row. None: rows go by the names of their classes.
        """
        if self.row_classes is None:
            return None
        index_of = {class_id: index for index, class_id in enumerate(class_ids)}
        return tuple(None if class_id is None else index_of.get(class_id) for class_id in self.row_classes)


def start_of(storage: Storage, claimed: Round, parent: Round | None) -> Start:
    """Read the weights that a round asked for.

    Raises:
        NotFound: the parent's checkpoint is gone, or its snapshot while its classifier is to be kept.
        CheckpointMismatch: the file is no checkpoint.
    """
    asked = claimed.start_from
    if asked is StartFrom.CHECKPOINT:
        assert claimed.start_file is not None
        return Start(asked=asked, state=load_encoder_state(Path(claimed.start_file)), file=claimed.start_file)
    if asked is StartFrom.LAST and parent is not None:
        state = load_encoder_state(storage.existing(parent.files[FileName.CHECKPOINT]))
        keeps = RoundConfig.from_dict(claimed.config).schedule.head is Head.KEEP
        rows = _row_classes(storage, parent.manifest["snapshot"]) if keeps else None
        return Start(asked=asked, state=state, parent=parent.number, row_classes=rows)
    notes = ("Started from scratch: no earlier round has succeeded.",) if asked is StartFrom.LAST else ()
    return Start(asked=asked, state=None, notes=notes)


def _row_classes(storage: Storage, digest: str) -> tuple[int | None, ...]:
    rows = snapshots.load(storage, digest)
    taught = set(np.unique(rows.class_index_N[rows.where(Split.TRAIN)]).tolist())
    # An id tells classes apart only among those with labels: SQLite gives that of a removed class, which never had
    # one, to the next class that is added.
    return tuple(class_id if index in taught else None for index, class_id in enumerate(rows.class_ids))
