"""Does it help to begin a round where the last one ended? Start rules, over growing label counts.

    python -m ssmae.experiments.resuming run --labels 20 50 100 200 --results resuming.jsonl
    python -m ssmae.experiments.resuming table resuming.jsonl

A chain trains a round at each label count, on nested label sets. *From scratch* spends the full schedule on every one.
The others begin from the round before, with the shorter schedule of a round that resumes; the same round is also tried
with parts of that schedule (`--lengths`), which answers how many steps reach the accuracy of a start from scratch: each
is trained to its end, so that no accuracy is read off before the learning rate has come down. No answer is spent on the
gate, which stays closed: those that taught the round before would be answers that a start from scratch is not given.

Sources: shrink and perturb, 1910.08475; that warm starts can generalise worse is also theirs.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from ssmae.commands.options import number
from ssmae.config import RoundConfig
from ssmae.data import RoundData
from ssmae.experiments import command
from ssmae.experiments.cells import Cell, Line, report
from ssmae.experiments.draw import draw_round
from ssmae.experiments.jobs import Job, Pause
from ssmae.experiments.packs import Pack
from ssmae.experiments.resuming_tables import table
from ssmae.experiments.starts import EXPERIMENT, FULL, LABEL_FREE, SCRATCH, STARTS
from ssmae.results import EncoderState, RoundResult
from ssmae.trainer import train_round


def jobs(options: argparse.Namespace) -> list[Job]:
    """A job for each seed and start rule: the whole chain."""
    pack, settings = command.chosen_pack(options)
    budgets, lengths = sorted(options.labels), sorted({FULL, *options.lengths}, reverse=True)
    return [
        _chain(pack, settings, start, budgets, lengths if start != SCRATCH else [FULL], seed)
        for seed in range(options.seeds)
        for start in options.starts
    ]


def _chain(
    pack: Pack, settings: RoundConfig, start: str, budgets: Sequence[int], lengths: Sequence[float], seed: int
) -> Job:
    """The first round has nothing to begin from, so it has one length and is the same for most rules."""
    cells, configs = [], []
    for place, budget in enumerate(budgets):
        for length in lengths if place else [FULL]:
            schedule = replace(settings.schedule, **STARTS[start].schedule)
            shorter = {name: round(length * getattr(schedule, name)) for name in _SHORTENED}
            cells.append(Cell(pack.name, len(pack.train), budget, 0, f"{start}/{length:g}", seed))
            configs.append(replace(settings, schedule=replace(schedule, **shorter)))
    run = partial(_run_chain, pack, settings, start, tuple(cells), tuple(configs))
    return Job(tuple(cells), settings, tuple(configs), run, can_pause=False)


_LENGTH = number("above 0, at most 1", lambda value: 0 < value <= FULL)
_SHORTENED = ("resume_reconstruct_steps", "labels_steps", "joint_steps")


def _run_chain(
    pack: Pack,
    settings: RoundConfig,
    start: str,
    cells: tuple[Cell, ...],
    configs: tuple[RoundConfig, ...],
    _: Pause | None,
) -> list[Line]:
    """All rounds of a chain; at each budget the one of full length, which comes first, is what the next begins from."""
    begin: EncoderState | None = None
    end: EncoderState | None = None
    lines: list[Line] = []
    for cell, config in zip(cells, configs, strict=True):
        if lines and cell.budget != lines[-1].cell.budget:
            begin = end
        data = draw_round(pack, budget=cell.budget, validation=cell.validation, seed=cell.seed)
        before, result = _run_round(data, config, start, begin, seed=1000 * cell.seed + cell.budget)
        if cell.arm == f"{start}/{FULL:g}" and start != SCRATCH:
            end = (before or (result,))[0].student
        lines.append(report(cell, pack, result, settings=settings, config=config, before=before))
    return lines


def _run_round(
    data: RoundData, config: RoundConfig, start: str, begin: EncoderState | None, *, seed: int
) -> tuple[tuple[RoundResult, ...], RoundResult]:
    """What led to a round, and the round: an encoder that is to see no label is carried on by itself."""
    if start != LABEL_FREE:
        return (), train_round(data, config, seed=seed, start_state=begin)
    encoder = train_round(_without_labels(data), config, seed=seed, start_state=begin)
    no_more = replace(config, schedule=replace(config.schedule, resume_reconstruct_steps=0))
    return (encoder,), train_round(data, no_more, seed=seed, start_state=encoder.student)


def _without_labels(data: RoundData) -> RoundData:
    nothing = np.zeros(0, np.int64)
    return RoundData(data.images, np.full(len(data.images), -1, np.int64), nothing, nothing, data.class_names)


def main(arguments: list[str] | None = None) -> int:
    """Run or print."""
    top, run = command.parser("resuming", __doc__, in_one_piece="A chain, all rounds of a seed and start, is run")
    command.add_pack_options(run)
    command.add_labels(run, [20, 50, 100, 200])
    starts, lengths = "how rounds begin", "parts of the schedule that a resumed round is tried with, beside the whole"
    run.add_argument("--starts", nargs="+", choices=STARTS, default=list(STARTS), metavar="START", help=starts)
    run.add_argument("--lengths", type=_LENGTH, nargs="+", default=[1.0, 0.5, 0.25], metavar="SHARE", help=lengths)
    return command.main(top, arguments, jobs, table, EXPERIMENT)


if __name__ == "__main__":
    sys.exit(main())
