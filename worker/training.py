"""Training that outlives its worker: the half-way state of a round, in the storage, shared by its attempts.

The file belongs to the round, not to an attempt: whoever takes a lost round over goes on from where it was. Two
attempts can never harm each other by it: both write states of the same round, whole or not at all.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from app.storage import Storage, midway_key
from ssmae.config import RoundConfig
from ssmae.data import RoundData
from ssmae.errors import CheckpointMismatch
from ssmae.midway import going_on
from ssmae.results import Progress, RoundResult
from ssmae.trainer import train_round
from worker.starting import Start

SECONDS_BETWEEN_STATES = 60.0
"""Hence the work that a lost worker can cost."""

log = logging.getLogger(__name__)


def midway_path(storage: Storage, round_id: int) -> Path:
    """Where the half-way state of a round is; the folder is made."""
    path = storage.path(midway_key(round_id))
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def train(
    data: RoundData,
    config: RoundConfig,
    *,
    seed: int,
    start: Start,
    class_ids: list[int],
    midway: Path,
    on_progress: Callable[[Progress], None],
    should_stop: Callable[[], bool],
) -> tuple[RoundResult, list[str]]:
    """Train a round, from its half-way state if an earlier attempt left one that fits.

    Args:
        data: what the learner may see.
        config: the round's settings.
        seed: of the round.
        start: the weights it begins with.
        class_ids: the round's classes by index.
        midway: the half-way state.
        on_progress: see `train_round`.
        should_stop: see `train_round`.

    Returns:
        The result, and sentences for the manifest.
    """

    def attempt() -> RoundResult:
        return train_round(
            data,
            config,
            seed=seed,
            start_state=start.state,
            class_map=start.class_map(class_ids),
            on_progress=on_progress,
            should_stop=should_stop,
            midway=midway,
            midway_seconds=SECONDS_BETWEEN_STATES,
        )

    notes = ["Went on from the half-way state of an earlier attempt."] if midway.exists() else []

    def starting_over(mismatch: CheckpointMismatch) -> None:
        # Left by another device or other libraries.
        log.warning("Starting over: %s", mismatch)
        notes[:] = ["An earlier attempt's half-way state did not fit this worker: trained from the beginning."]

    return going_on(midway, attempt, starting_over), notes
