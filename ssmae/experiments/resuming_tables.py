"""The tables of `resuming`: accuracy of each start rule, paired differences, and the steps that reach scratch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import mean

from ssmae.experiments.cells import Line
from ssmae.experiments.starts import FULL, SCRATCH, STARTS
from ssmae.experiments.tables import ABSENT, Column, accuracy_table, by_pack, columns_of, lead_table, markdown


def table(lines: list[Line]) -> str:
    """For each pack: accuracy, how far a start from the last weights is ahead of others, and what reaches scratch."""
    return "\n\n".join(f"### {pack}\n\n{_tables(of_pack)}" for pack, of_pack in by_pack(lines))


def _tables(lines: Sequence[Line]) -> str:
    """Of one pack."""
    columns, titles = columns_of(lines), _titles(lines)
    later = columns[1:]  # in the first round there is nothing yet to begin from
    full = {arm: title for arm, title in titles.items() if arm.endswith(f"/{FULL:g}")}
    shorter = {arm: title for arm, title in titles.items() if arm not in full}
    parts = [accuracy_table([line for line in lines if line.cell.arm in full], columns, full)]
    parts += [lead_table(lines, later, full, leader) for leader in full if leader.startswith("last/")]
    if shorter:
        parts.append(accuracy_table([line for line in lines if line.cell.arm in shorter], later, shorter))
    return "\n\n".join(part for part in [*parts, reach_table(lines)] if part)


def reach_table(lines: Sequence[Line]) -> str:
    """The shortest schedule of each start rule whose mean accuracy is at least that of a start from scratch.

    Args:
        lines: of one pack.

    Returns:
        The table, over the seeds that every arm of a column has; "" where no round has one before it.
    """
    columns = columns_of(lines)[1:]
    if not columns:
        return ""
    paired = [_paired(lines, column) for column in columns]
    rows = [
        [rule.title, *(_reached(each, start) for each in paired)]
        for start, rule in STARTS.items()
        if any(line.cell.arm.startswith(f"{start}/") for line in lines)
    ]
    seeds = [", ".join(map(str, sorted({line.cell.seed for line in each}))) or "none" for each in paired]
    over = "; ".join(f"at {column.title} {each}" for column, each in zip(columns, seeds, strict=True))
    return (
        f"{markdown(['start', *(column.title for column in columns)], rows)}\n\n"
        "Fewest steps, and their seconds, that reach the accuracy of a start from scratch. Compared are means, without "
        f"an interval, over the seeds that every start and length of the column has: {over}."
    )


def _paired(lines: Sequence[Line], column: Column) -> list[Line]:
    """Those of a column whose seed every arm in it has."""
    here = [line for line in lines if column.holds(line.cell)]
    of_arms = [{line.cell.seed for line in here if line.cell.arm == arm} for arm in {line.cell.arm for line in here}]
    return [line for line in here if all(line.cell.seed in seeds for seeds in of_arms)]


def _reached(lines: Sequence[Line], start: str) -> str:
    """Of the lines of one column, every arm with the same seeds."""
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
