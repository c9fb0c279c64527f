"""How a round may begin, by name, and the arms that follow: a start, and a part of the schedule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ssmae.config import Head
from ssmae.experiments.cells import Cell
from ssmae.experiments.reading import Experiment

SCRATCH = "scratch"
LABEL_FREE = "label_free"
FULL = 1.0


@dataclass(frozen=True)
class Start:
    """How a round begins.

    Attributes:
        title: in tables.
        schedule: what it changes in the schedule.
    """

    title: str
    schedule: dict[str, Any]


STARTS = {
    SCRATCH: Start("from scratch", {}),
    "last": Start("last weights", {}),
    "shrink_70": Start("0.7 last + 0.1 fresh", {"shrink": 0.7, "perturb": 0.1}),
    "shrink_40": Start("0.4 last + 0.1 fresh", {"shrink": 0.4, "perturb": 0.1}),
    "keep_head": Start("last weights and classifier", {"head": Head.KEEP}),
    LABEL_FREE: Start("encoder that saw no label", {}),
}


def _holds(cell: Cell) -> bool:
    start, _, length = cell.arm.partition("/")
    try:
        return start in STARTS and 0 < float(length) <= FULL
    except ValueError:
        return False


EXPERIMENT = Experiment("resuming", f"arms START/LENGTH with START one of {', '.join(STARTS)}", _holds)
