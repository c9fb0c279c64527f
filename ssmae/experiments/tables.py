"""From lines of results to Markdown: accuracy, paired differences, and what the gate did. Trains and reads nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import mean, stdev

from ssmae.experiments.cells import AUDIT_ANSWERS, Cell, Line
from ssmae.experiments.paired import CONFIDENCE, Lead, Verdict, lead

ABSENT = "not yet run"

LEAD_NOTE = (
    f"Points: mean of the differences seed by seed and, in brackets, its {100 * CONFIDENCE:.0f} % t-interval; ahead or "
    "behind is said only where that leaves out 0, as one interval in twenty does by chance alone, and nothing corrects "
    "for there being many columns and rows. One seed, or differences all the same, give no interval and no claim."
)


@dataclass(frozen=True)
class Column:
    """A data set with a label budget.

    Attributes:
        title: over the column.
        holds: whether a cell belongs here.
    """

    title: str
    holds: Callable[[Cell], bool]


def columns_of(lines: Sequence[Line]) -> list[Column]:
    """One for each budget, for lines of one pack."""

    def column(budget: int) -> Column:
        for_gate = {line.cell.validation for line in lines if line.cell.budget == budget}
        if for_gate == {0} or len(for_gate) > 1:  # of arms that share a budget, each divides it as it needs
            return Column(f"{budget} labels", lambda cell: cell.budget == budget)
        (validation,) = for_gate
        return Column(f"{budget - validation} labels + {validation}", lambda cell: cell.budget == budget)

    return [column(budget) for budget in sorted({line.cell.budget for line in lines})]


def accuracy_table(
    lines: Sequence[Line],
    columns: Sequence[Column],
    titles: Mapping[str, str],
    beside: Mapping[str, Sequence[str]] | None = None,
) -> str:
    """Mean ± standard deviation over seeds, in %; the best of each column in bold; then what they were measured on.

    Args:
        lines: results.
        columns: in order.
        titles: of the arms by key, in the order of the rows.
        beside: further rows, a text for each column.
    """
    cells = {key: [_of(lines, column, key) for column in columns] for key in titles}
    means = [[mean(runs.values()) for runs in each if runs] for each in zip(*cells.values(), strict=True)]
    most = max((len(runs) for each in cells.values() for runs in each), default=0)
    rows = []
    for key, title in titles.items():
        texts = [
            _accuracy(runs, most=most, is_best=bool(runs) and mean(runs.values()) == max(of_column))
            for runs, of_column in zip(cells[key], means, strict=True)
        ]
        seconds = [line.seconds for line in lines if line.cell.arm == key]
        rows.append([title, *texts, f"{mean(seconds) / 60:.1f}" if seconds else ""])
    rows += [[title, *texts, ""] for title, texts in (beside or {}).items()]
    table = markdown(["arm", *(column.title for column in columns), "minutes a run"], rows)
    return f"{table}\n\n{_caption(lines)}" if lines else table


def lead_table(lines: Sequence[Line], columns: Sequence[Column], titles: Mapping[str, str], leader: str) -> str:
    """How far one arm is ahead of each other, paired by seed, and in words what may be claimed; "" without that arm."""
    ours = [_of(lines, column, leader) for column in columns]
    leads = {
        title: [lead(of_leader, _of(lines, column, key)) for of_leader, column in zip(ours, columns, strict=True)]
        for key, title in titles.items()
        if key != leader
    }
    rows = [[title, *(each.text if each else ABSENT for each in row)] for title, row in leads.items() if any(row)]
    if not rows or leader not in titles:
        return ""
    claims = [
        f"at {column.title} {said}"
        for place, column in enumerate(columns)
        if (said := _claims({title: row[place] for title, row in leads.items()}))
    ]
    table = markdown([f"{titles[leader]} minus", *(column.title for column in columns)], rows)
    return f"{table}\n\n{LEAD_NOTE}" + (f" {titles[leader]} is {'; '.join(claims)}." if claims else "")


def _claims(leads: Mapping[str, Lead | None]) -> str:
    """Of one column: first what the leader is ahead of."""
    verdicts = {title: each.verdict for title, each in leads.items() if each}
    by_verdict = {verdict: [title for title in verdicts if verdicts[title] is verdict] for verdict in Verdict}
    if len(verdicts) > 1 and (of_all := [word for word, titles in by_verdict.items() if len(titles) == len(verdicts)]):
        return f"{of_all[0]} every other arm"
    return ", ".join(f"{word} {', '.join(map(_quoted, titles))}" for word, titles in by_verdict.items() if titles)


def _quoted(title: str) -> str:
    """Titles have commas of their own."""
    return f"“{title}”"


def gate_table(lines: Sequence[Line], columns: Sequence[Column], titles: Mapping[str, str]) -> str:
    """What each gate let in and how much of it was wrong; "" if none could have opened."""
    rows = []
    for key, title in titles.items():
        for column in columns:
            runs = [line for line in lines if line.cell.arm == key and column.holds(line.cell)]
            if any(line.cell.validation or any(check.is_open for check in line.checks) for line in runs):
                rows.append([title, column.title, *_gate(runs)])
    head = [
        "arm",
        "budget",
        "of it for the gate",
        "open at the end",
        "accepted",
        "wrong of these",
        "worst run",
        "audit",
    ]
    note = (
        "A budget that is not listed has no answers for the gate, which then stays closed. Audit: runs whose accepted "
        f"pseudo-labels a random audit would have certified within {AUDIT_ANSWERS} answers, and after how many."
    )
    return f"{markdown(head, rows)}\n\n{note}" if rows else ""


def all_tables(lines: Sequence[Line], titles: Mapping[str, str], leader: str) -> str:
    """The three tables of each pack."""
    parts = []
    for pack, of_pack in by_pack(lines):
        known = {key: title for key, title in titles.items() if any(line.cell.arm == key for line in of_pack)}
        columns = columns_of(of_pack)
        parts += [
            f"### {pack}",
            accuracy_table(of_pack, columns, known),
            lead_table(of_pack, columns, known, leader),
            gate_table(of_pack, columns, known),
        ]
    return "\n\n".join(part for part in parts if part)


def by_pack(lines: Sequence[Line]) -> Iterator[tuple[str, list[Line]]]:
    """Name and lines of each pack; a part of its training images is another pack."""
    for pack, images in dict.fromkeys((line.cell.pack, line.cell.images) for line in lines):
        yield pack, [line for line in lines if (line.cell.pack, line.cell.images) == (pack, images)]


def _of(lines: Sequence[Line], column: Column, arm: str) -> dict[int, float]:
    """Accuracy by seed."""
    return {line.cell.seed: line.accuracy for line in lines if line.cell.arm == arm and column.holds(line.cell)}


def _accuracy(runs: Mapping[int, float], *, most: int, is_best: bool) -> str:
    if not runs:
        return ABSENT
    values = [100 * accuracy for accuracy in runs.values()]
    text = f"{mean(values):.1f}{_spread(values)}"
    text = f"**{text}**" if is_best else text
    return text if len(values) == most else f"{text} (n = {len(values)})"


def _spread(values: Sequence[float]) -> str:
    return f" ± {stdev(values):.1f}" if len(values) > 1 else ""


def _gate(runs: Sequence[Line]) -> list[str]:
    asked = [line for line in runs if line.checks]
    wrong = [line.wrong for line in runs if line.wrong is not None]
    return [
        str(runs[0].cell.validation),
        f"{sum(line.lets_in for line in asked)} of {len(runs)}" if asked else "not asked",
        _percent(mean(line.accepted for line in runs)),
        _percent(mean(wrong)) if wrong else "–",
        _percent(max(wrong)) if wrong else "–",
        _audit([line.audit for line in runs if line.wrong is not None]),
    ]


def _audit(answers: Sequence[int | None]) -> str:
    certified = [count for count in answers if count is not None]
    after = f", after {mean(certified):.0f} answers" if certified else ""
    return f"{len(certified)} of {len(answers)}{after}" if answers else "–"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _caption(lines: Sequence[Line]) -> str:
    """What every published number needs beside it."""
    seeds, minutes = len({line.cell.seed for line in lines}), sum(line.seconds for line in lines) / 60
    over = "one seed, with" if seeds == 1 else f"mean ± standard deviation over {seeds} seeds, each with"
    return (
        f"Accuracy in %, {over} its own labels; "
        f"test images: {_each(line.test_images for line in lines)}; "
        f"training images: {_each(line.cell.images for line in lines)}; "
        f"steps a run: {_each(line.steps for line in lines)}; "
        f"device: {_each(line.device for line in lines)}; threads: {_each(line.threads for line in lines)}; "
        f"torch {_each(line.versions['torch'] for line in lines)}; {len(lines)} runs in {minutes:.0f} min; "
        f"settings {_each(line.settings for line in lines)}, code {_each(line.code for line in lines)}."
        + "".join(f" Note: {note}" for note in dict.fromkeys(note for line in lines for note in line.notes))
    )


def _each(values: Iterable[int | str]) -> str:
    """Every different value once."""
    return ", ".join(f"{value:,}" if isinstance(value, int) else value for value in dict.fromkeys(values))


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
