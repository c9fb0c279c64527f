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
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from statistics import mean
from typing import Any

import numpy as np

from ssmae.commands.options import whole
from ssmae.config import Head, RoundConfig
from ssmae.data import RoundData
from ssmae.experiments import command
from ssmae.experiments.cells import Cell, Line, report
from ssmae.experiments.draw import draw_round
from ssmae.experiments.jobs import Job, Pause
from ssmae.experiments.packs import Pack
from ssmae.experiments.tables import ABSENT, accuracy_table, columns_of, lead_table
from ssmae.results import EncoderState, RoundResult
from ssmae.trainer import train_round

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


def table(lines: list[Line]) -> str:
    """Accuracy, differences to a start from scratch, and the steps that reach its accuracy."""
    columns, titles = columns_of(lines), _titles(lines)
    later = columns[1:]  # in the first round there is nothing yet to begin from
    full = {arm: title for arm, title in titles.items() if arm.endswith(f"/{FULL:g}")}
    shorter = {arm: title for arm, title in titles.items() if arm not in full}
    parts = [accuracy_table([line for line in lines if line.cell.arm in full], columns, full)]
    parts += [lead_table(lines, later, full, leader) for leader in full if leader.startswith("last/")]
    if shorter:
        parts.append(accuracy_table([line for line in lines if line.cell.arm in shorter], later, shorter))
    return "\n\n".join([*filter(None, parts), reach_table(lines)])


def reach_table(lines: Sequence[Line]) -> str:
    """The shortest schedule of each start rule whose mean accuracy is at least that of a start from scratch."""
    columns = columns_of(lines)[1:]
    rows = [["start", *(column.title for column in columns)], ["---"] * (1 + len(columns))]
    for start, rule in STARTS.items():
        if any(line.cell.arm.startswith(f"{start}/") for line in lines):
            rows.append([rule.title, *(_reached([x for x in lines if c.holds(x.cell)], start) for c in columns)])
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return f"{table}\n\nFewest steps, and their seconds, that reach the mean accuracy of a start from scratch."


def _reached(lines: Sequence[Line], start: str) -> str:
    """Of the lines of one column."""
    wanted = [line.accuracy for line in lines if line.cell.arm == f"{SCRATCH}/{FULL:g}"]
    arms = {line.cell.arm for line in lines if line.cell.arm.startswith(f"{start}/")}
    if not wanted or not arms:
        return ABSENT
    of_arms = [[line for line in lines if line.cell.arm == arm] for arm in arms]
    enough = [
        (mean(line.steps for line in runs), mean(line.seconds for line in runs))
        for runs in of_arms
        if mean(line.accuracy for line in runs) >= mean(wanted)
    ]
    return f"{min(enough)[0]:.0f} steps, {min(enough)[1]:.0f} s" if enough else "not reached"


def _titles(lines: Iterable[Line]) -> dict[str, str]:
    """Of the arms that have lines: start rules in their order, the longest schedule of each first."""
    order = list(STARTS)
    arms = [arm.split("/") for arm in {line.cell.arm for line in lines}]
    arms.sort(key=lambda parts: (order.index(parts[0]), -float(parts[1])))
    return {
        f"{start}/{length}": STARTS[start].title + ("" if float(length) == FULL else f", {length} of the steps")
        for start, length in arms
    }


def main(arguments: list[str] | None = None) -> int:
    """Run or print."""
    top, run = command.parser("resuming", __doc__)
    command.add_pack_options(run)
    run.add_argument("--labels", type=whole(1), nargs="+", default=[20, 50, 100, 200], metavar="N")
    run.add_argument("--starts", nargs="+", choices=STARTS, default=list(STARTS), metavar="START")
    run.add_argument("--lengths", type=float, nargs="+", default=[1.0, 0.5, 0.25], metavar="SHARE")
    return command.main(top, arguments, jobs, table)


if __name__ == "__main__":
    sys.exit(main())
