"""Which weights a round begins with, and what its manifest says of that."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.db.models import Round
from app.storage import Storage
from ssmae.checkpoint import load_encoder_state
from ssmae.config import StartFrom
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
        notes: what is otherwise than asked.
    """

    asked: StartFrom
    state: EncoderState | None
    parent: int | None = None
    file: str | None = None
    notes: tuple[str, ...] = ()

    def manifest(self) -> dict[str, Any]:
        """For the round's manifest."""
        return {
            "asked": self.asked.value,
            "resumed": self.state is not None,
            "parent_round": self.parent,
            "file": self.file,
        }


def start_of(storage: Storage, claimed: Round, parent: Round | None) -> Start:
    """Read the weights that a round asked for.

    Raises:
        NotFound: the parent's checkpoint is gone.
        CheckpointMismatch: the file is no checkpoint.
    """
    asked = claimed.start_from
    if asked is StartFrom.CHECKPOINT:
        assert claimed.start_file is not None
        return Start(asked=asked, state=load_encoder_state(Path(claimed.start_file)), file=claimed.start_file)
    if asked is StartFrom.LAST and parent is not None:
        state = load_encoder_state(storage.existing(parent.files[FileName.CHECKPOINT]))
        return Start(asked=asked, state=state, parent=parent.number)
    notes = ("Started from scratch: no earlier round has succeeded.",) if asked is StartFrom.LAST else ()
    return Start(asked=asked, state=None, notes=notes)
