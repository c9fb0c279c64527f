"""What there is to run: the cells of a comparison, each with its settings and the call that fills it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ssmae.baselines import Arm
from ssmae.config import RoundConfig, unreachable
from ssmae.data import RoundData
from ssmae.errors import InvalidConfig
from ssmae.experiments.cells import Cell, Line, report
from ssmae.experiments.draw import draw_round, validation_answers
from ssmae.experiments.packs import Pack
from ssmae.midway import going_on
from ssmae.results import RoundResult
from ssmae.trainer import train_round

SECONDS_BETWEEN_STATES = 30.0
"""What an interruption can cost of a round that keeps its half-way state."""


@dataclass(frozen=True)
class Pause:
    """How a round is cut in pieces.

    Attributes:
        folder: where it leaves its half-way state, and finds it again.
        should_stop: asked between every two steps.
    """

    folder: Path
    should_stop: Callable[[], bool]

    def state_of(self, cell: Cell) -> Path:
        """Where the half-way state of a cell lies."""
        return self.folder / f"{cell.pack}-{cell.images}-{cell.budget}-{cell.arm}-{cell.seed}.safetensors"

    def forget(self, cells: Iterable[Cell]) -> None:
        """Remove the half-way states of cells whose lines are written."""
        for cell in cells:
            self.state_of(cell).unlink(missing_ok=True)


@dataclass(frozen=True)
class Job:
    """Cells that are run together, and how.

    Attributes:
        cells: what it fills, in this order.
        settings: what all arms of the pack share.
        configs: what the arm makes of them, for each cell.
        run: does it; one line for each cell. Given a pause it may raise `Stopped`, and goes on at the next call.
        can_pause: whether `run` takes a pause; without, it has to be run in one piece.
    """

    cells: tuple[Cell, ...]
    settings: RoundConfig
    configs: tuple[RoundConfig, ...]
    run: Callable[[Pause | None], list[Line]]
    can_pause: bool = True


def comparison_jobs(
    pack: Pack,
    settings: RoundConfig,
    arms: Mapping[str, Arm],
    budgets: Iterable[int],
    seeds: int,
    *,
    evidence: int | None = None,
) -> list[Job]:
    """A job for each seed, budget and arm, seeds outermost: after a part of the time every row has something.

    Args:
        pack: the data.
        settings: of SSMAE; each arm makes its own of them.
        arms: by key.
        budgets: human answers for every arm.
        seeds: how many, from 0.
        evidence: validation answers that every arm is given on top of the budget; None for those that the arm's gate
            buys out of its budget.

    Raises:
        InvalidConfig: an arm asks for a confidence that its own label smoothing keeps out of reach; it would be
            another arm in disguise.
    """
    configs = {key: arm.config(settings) for key, arm in arms.items()}
    for key, config in configs.items():
        if out_of_reach := unreachable(config, classes=len(pack.class_names)):
            raise InvalidConfig(f"the settings of {key}", "thresholds that can be reached", out_of_reach[0])
    jobs = []
    for seed in range(seeds):
        for budget in budgets:
            for key, arm in arms.items():
                config = configs[key]
                validation = evidence_of(arm, config, budget)
                answers = (budget, validation) if evidence is None else (budget + evidence, evidence)
                cell = Cell(pack.name, len(pack.train), *answers, key, seed)
                jobs.append(Job((cell,), settings, (config,), partial(_train, cell, pack, settings, config)))
    return jobs


def evidence_of(arm: Arm, config: RoundConfig, budget: int) -> int:
    """How many answers of a budget an arm spends on its gate.

    Args:
        arm: the way to train.
        config: what it makes of the settings.
        budget: answers in all.
    """
    return validation_answers(budget, config.gate) if arm.needs_validation else 0


def _train_in_pieces(
    data: RoundData, config: RoundConfig, seed: int, state: Path, should_stop: Callable[[], bool]
) -> RoundResult:
    state.parent.mkdir(parents=True, exist_ok=True)
    attempt = partial(
        train_round,
        data,
        config,
        seed=seed,
        should_stop=should_stop,
        midway=state,
        midway_seconds=SECONDS_BETWEEN_STATES,
    )
    return going_on(state, attempt, lambda mismatch: print(f"begun anew: {mismatch}", file=sys.stderr))


def _train(cell: Cell, pack: Pack, settings: RoundConfig, config: RoundConfig, pause: Pause | None) -> list[Line]:
    data = draw_round(pack, budget=cell.budget, validation=cell.validation, seed=cell.seed)
    if pause is None:
        result = train_round(data, config, seed=cell.seed)
    else:
        result = _train_in_pieces(data, config, cell.seed, pause.state_of(cell), pause.should_stop)
    return [report(cell, pack, result, settings=settings, config=config)]
