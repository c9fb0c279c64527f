"""Cells one after the other, each kept as soon as it is done: stop at any time, start again, share with a neighbour.

Results are lines of JSON. A line is appended by one write, so two processes may add to one file.
"""

from __future__ import annotations

import errno
import math
import os
import re
import time
from argparse import ArgumentTypeError
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

from ssmae.errors import InvalidData, Stopped
from ssmae.experiments.cells import CODE, Line, digest
from ssmae.experiments.jobs import Job, Pause
from ssmae.experiments.reading import Experiment, Made, check_end, read


@dataclass(frozen=True)
class Share:
    """Every `of`-th job, from the `number`-th, counted from 1."""

    number: int = 1
    of: int = 1

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    @classmethod
    def parse(cls, text: str) -> Share:
        """Read "1/2".

        Raises:
            ArgumentTypeError: it is something else.
        """
        if not (found := re.fullmatch(r"(\d+)/(\d+)", text)) or not 1 <= int(found[1]) <= int(found[2]):
            raise ArgumentTypeError(f"must be I/N with I from 1 to N. Got {text!r}.")
        return cls(int(found[1]), int(found[2]))


def run_jobs(
    jobs: Sequence[Job],
    results: Path,
    *,
    minutes: float | None = None,
    share: Share | None = None,
    midway: Path | None = None,
    experiment: Experiment | None = None,
    say: Callable[[str], None] = print,
) -> int:
    """Run what is not done yet.

    Args:
        jobs: all of them, the same ones in the same order at every call.
        results: file of lines, in a folder that exists; read first, then appended to.
        minutes: begin no job that, going by earlier ones, would end later than this; None for no limit.
        midway: folder for half-way states. With it a job that can be paused is begun all the same, cut when the time is
            up, and continued by the next call.
        share: the part of the jobs that is this process's.
        experiment: whose results the file must hold; None for any.
        say: told about each line.

    Returns:
        How many jobs of the share are left.

    Raises:
        InvalidData: the file holds something else, or results of other settings or of other sources, or a cell is asked
            for twice; found before anything is run.
    """
    started = time.monotonic()
    share = share or Share()
    done = read([results], experiment, _planned(jobs))
    check_end(results)
    known = {line.cell for line in done}
    mine = [job for place, job in enumerate(jobs) if place % share.of == share.number - 1]
    left = [job for job in mine if not set(job.cells) <= known]
    deadline = math.inf if minutes is None else started + 60 * minutes
    pause = None if midway is None else Pause(midway, lambda: time.monotonic() > deadline)
    while left:
        job = left[0]
        takes_pause = pause if job.can_pause else None
        expected = expected_seconds(job, read([results])) if takes_pause is None else 0.0
        if time.monotonic() + expected > deadline:
            say(f"{len(left)} of {len(mine)} left{_needs(expected, minutes)}.")
            break
        if minutes is not None and takes_pause is None and not expected:
            say("How long the next one takes is not known yet: it is run to its end, even if that is later.")
        try:
            lines = job.run(takes_pause)
        except Stopped as stopped:
            say(f"{len(left)} of {len(mine)} left, the next one begun. {stopped}")
            break
        left.pop(0)
        new = [line for line in lines if line.cell not in known]  # of a chain some cells may be there already
        _append(results, new)
        if takes_pause is not None:
            takes_pause.forget(job.cells)
        for line in new:
            say(f"{_sentence(line)} ({len(mine) - len(left)} of {len(mine)})")
    return len(left)


def _planned(jobs: Sequence[Job]) -> list[Made]:
    """What the jobs will add to a file."""
    made = [
        Made("this command", cell, digest(job.settings), digest(config), CODE)
        for job in jobs
        for cell, config in zip(job.cells, job.configs, strict=True)
    ]
    seen = set()
    for each in made:
        if each.cell in seen:
            raise InvalidData(f"Every cell must be asked for once. Got {each.cell.words} twice.")
        seen.add(each.cell)
    return made


def _needs(expected: float, minutes: float | None) -> str:
    """What to know about a job for which no time is left."""
    if not expected:
        return ""
    text = f"; the next needs about {expected:.0f} s in one piece"
    if minutes is None or expected <= 60 * minutes:
        return text
    return f"{text}, for which --minutes {minutes:g} is never enough: give {math.ceil(expected / 60) + 1}"


def expected_seconds(job: Job, lines: Sequence[Line]) -> float:
    """Going by earlier runs of the same arm on the same pack, or of the whole pack; 0 if there are none."""
    total = 0.0
    for cell in job.cells:
        of_pack = [line for line in lines if (line.cell.pack, line.cell.images) == (cell.pack, cell.images)]
        of_arm = [line for line in of_pack if line.cell.arm == cell.arm]
        total += mean(line.seconds for line in of_arm or of_pack) if of_pack else 0.0
    return total


def _append(path: Path, lines: Sequence[Line]) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        text = "".join(line.to_json() + "\n" for line in lines).encode()
        if (written := os.write(handle, text)) < len(text):
            what = f"wrote {written} of {len(text)} bytes: remove the last, broken line"
            raise OSError(errno.ENOSPC, what, str(path))
    finally:
        os.close(handle)


def _sentence(line: Line) -> str:
    gate = "".join(f", gate {'open' if check.is_open else 'closed'}" for check in line.checks)
    wrong = "" if line.wrong is None else f", {line.accepted:.0%} accepted, {line.wrong:.1%} of these wrong"
    return f"{line.cell.words}: {line.accuracy:.1%}{gate}{wrong}, {line.seconds:.0f} s"
