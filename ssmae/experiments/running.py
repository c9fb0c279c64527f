"""Cells one after the other, each kept as soon as it is done: stop at any time, start again, share with a neighbour.

Results are lines of JSON. A line is appended by one write, so two processes may add to one file.
"""

from __future__ import annotations

import math
import os
import re
import time
from argparse import ArgumentTypeError
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

from ssmae.errors import InvalidData, Stopped
from ssmae.experiments.cells import CODE, Cell, Line, digest
from ssmae.experiments.jobs import Job, Pause


@dataclass(frozen=True)
class Share:
    """Every `of`-th job, from the `number`-th, counted from 1."""

    number: int = 1
    of: int = 1

    @classmethod
    def parse(cls, text: str) -> Share:
        """Read "1/2".

        Raises:
            ArgumentTypeError: it is something else.
        """
        if not (found := re.fullmatch(r"(\d+)/(\d+)", text)) or not 1 <= int(found[1]) <= int(found[2]):
            raise ArgumentTypeError(f"must be I/N with I from 1 to N. Got {text!r}.")
        return cls(int(found[1]), int(found[2]))


def read(paths: Iterable[Path]) -> list[Line]:
    """All lines of some files; a file that is not there yet has none.

    Raises:
        InvalidData: a line that is no result (its file and number are named), two results for one cell, or results of
            different settings or of different sources of the learner.
    """
    lines: list[Line] = []
    for path in paths:
        texts = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        for number, text in enumerate(texts, 1):
            try:
                lines.append(Line.from_json(text))
            except (ValueError, KeyError, TypeError) as error:
                raise InvalidData(
                    f"{path}, line {number}, must be a result of an experiment. Got {error!r}."
                ) from error
    seen: set[Cell] = set()
    for line in lines:
        if line.cell in seen:
            raise InvalidData(f"Every cell must have one result. Got two for {line.cell}.")
        seen.add(line.cell)
    _check_sources(line.code for line in lines)
    _check_settings((line.cell, line.settings, line.config) for line in lines)
    return lines


def run_jobs(
    jobs: Sequence[Job],
    results: Path,
    *,
    minutes: float | None = None,
    share: Share | None = None,
    midway: Path | None = None,
    say: Callable[[str], None] = print,
) -> int:
    """Run what is not done yet.

    Args:
        jobs: all of them, the same ones in the same order at every call.
        results: file of lines; read first, then appended to.
        minutes: begin no job that, going by earlier ones, would end later than this; None for no limit.
        midway: folder for half-way states. With it a job that can be paused is begun all the same, cut when the time is
            up, and continued by the next call.
        share: the part of the jobs that is this process's.
        say: told about each line.

    Returns:
        How many jobs of the share are left.

    Raises:
        InvalidData: the file holds results of other settings, or of other sources; found before anything is run.
    """
    started = time.monotonic()
    share = share or Share()
    planned = [
        (cell, digest(job.settings), digest(config))
        for job in jobs
        for cell, config in zip(job.cells, job.configs, strict=True)
    ]
    done = read([results])
    _check_sources([*(line.code for line in done), CODE])
    _check_settings([*((line.cell, line.settings, line.config) for line in done), *planned])
    mine = [job for place, job in enumerate(jobs) if place % share.of == share.number - 1]
    left = [job for job in mine if not set(job.cells) <= {line.cell for line in done}]
    deadline = math.inf if minutes is None else started + 60 * minutes
    pause = None if midway is None else Pause(midway, lambda: time.monotonic() > deadline)
    while left:
        job = left[0]
        takes_pause = pause if job.can_pause else None
        expected = expected_seconds(job, read([results])) if takes_pause is None else 0.0
        if time.monotonic() + expected > deadline:
            say(f"{len(left)} of {len(mine)} left" + (f"; the next needs about {expected:.0f} s." if expected else "."))
            break
        try:
            lines = job.run(takes_pause)
        except Stopped as stopped:
            say(f"{len(left)} of {len(mine)} left, the next one begun. {stopped}")
            break
        left.pop(0)
        _append(results, lines)
        if takes_pause is not None:
            takes_pause.forget(job.cells)
        for line in lines:
            say(f"{_sentence(line)} ({len(mine) - len(left)} of {len(mine)})")
    return len(left)


def expected_seconds(job: Job, lines: Sequence[Line]) -> float:
    """Going by earlier runs of the same arm on the same pack, or of the whole pack; 0 if there are none."""
    total = 0.0
    for cell in job.cells:
        of_pack = [line for line in lines if (line.cell.pack, line.cell.images) == (cell.pack, cell.images)]
        of_arm = [line for line in of_pack if line.cell.arm == cell.arm]
        total += mean(line.seconds for line in of_arm or of_pack) if of_pack else 0.0
    return total


def _check_settings(trained: Iterable[tuple[Cell, str, str]]) -> None:
    """One digest of shared settings for a pack; for an arm at a budget one digest, and one division of the answers."""
    known: dict[tuple[object, ...], str] = {}
    for cell, settings, config in trained:
        of_pack = (cell.pack, cell.images)
        for key, got in ((of_pack, settings), ((*of_pack, cell.budget, cell.arm), f"{config} {cell.validation}")):
            if known.setdefault(key, got) != got:
                raise InvalidData(f"Results of one file must share their settings. Got two for {key}.")


def _check_sources(digests: Iterable[str]) -> None:
    """A row trained before a change of the learner, and a row trained after it, are no comparison."""
    if len(found := set(digests)) > 1:
        raise InvalidData(
            f"Results of one table must come from one version of the learner. Got {', '.join(sorted(found))}. "
            "Go on with the version that began the file, or begin another file."
        )


def _append(path: Path, lines: Sequence[Line]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        os.write(handle, "".join(line.to_json() + "\n" for line in lines).encode())
    finally:
        os.close(handle)


def _sentence(line: Line) -> str:
    cell = line.cell
    gate = "".join(f", gate {'open' if check.is_open else 'closed'}" for check in line.checks)
    wrong = "" if line.wrong is None else f", {line.accepted:.0%} accepted, {line.wrong:.1%} of these wrong"
    where = f"{cell.pack}, {cell.budget} answers, {cell.arm}, seed {cell.seed}"
    return f"{where}: {line.accuracy:.1%}{gate}{wrong}, {line.seconds:.0f} s"
