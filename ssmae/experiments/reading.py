"""Files of results, read as a whole: no cell twice, one version of the learner, the same settings, one experiment.

Every refusal names the file and the line. Nothing is skipped or repaired.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from ssmae.errors import InvalidData
from ssmae.experiments.cells import Cell, Line
from ssmae.experiments.parsing import line_of


@dataclass(frozen=True)
class Experiment:
    """Which cells a command makes, and its tables show.

    Attributes:
        name: of the command.
        cells: these, in words.
        holds: whether a cell is one of them.
    """

    name: str
    cells: str
    holds: Callable[[Cell], bool]


@dataclass(frozen=True)
class Made:
    """What a cell was made with, or is to be.

    Attributes:
        place: file and line, or the command that is to make it; for refusals.
        cell: which.
        settings: digest of what all arms of the pack share.
        config: digest of what this arm made of it.
        code: digest of the sources of the learner.
    """

    place: str
    cell: Cell
    settings: str
    config: str
    code: str


def read(paths: Iterable[Path], experiment: Experiment | None = None, planned: Iterable[Made] = ()) -> list[Line]:
    """All lines of some files; a file that is not there yet has none.

    Args:
        paths: of the files.
        experiment: whose files they must be; None for any.
        planned: what is to be added to them; it has to fit as well.

    Raises:
        InvalidData: something else stands there, a cell has two results, results are of different settings or of
            different versions of the learner, or of another experiment.
    """
    lines: list[Line] = []
    made: dict[Cell, Made] = {}
    for path in paths:
        for number, text in enumerate(_texts(path), 1):
            place = f"{path}, line {number}"
            try:
                line = line_of(text)
            except InvalidData as error:
                raise InvalidData(f"{place}: {error}") from error
            if experiment and not experiment.holds(line.cell):
                raise InvalidData(
                    f"{place}: It must be a cell of the experiment {experiment.name!r}: {experiment.cells}. "
                    f"Got {line.cell.words}."
                )
            if earlier := made.get(line.cell):
                raise InvalidData(
                    f"{place}: Every cell must have one result. Got a second one for {line.cell.words}; "
                    f"the first is {earlier.place}. Remove one of the two lines."
                )
            made[line.cell] = Made(place, line.cell, line.settings, line.config, line.code)
            lines.append(line)
    _check_sources([*made.values(), *planned])
    _check_settings([*made.values(), *planned])
    return lines


def check_end(path: Path) -> None:
    """Refuse to append to a line that has no end.

    Raises:
        InvalidData: the last line of the file does not end with a line break.
    """
    if path.exists() and (content := path.read_bytes()) and not content.endswith(b"\n"):
        last = content.count(b"\n") + 1
        raise InvalidData(f"{path}, line {last}: It must end with a line break, to append to. Got none. Add one.")


def _texts(path: Path) -> list[str]:
    """The lines of a file."""
    if path.is_dir():
        raise InvalidData(f"{path} must be a file of results, as `run` writes it. Got a folder.")
    texts = []
    contents = path.read_bytes().removesuffix(b"\n").split(b"\n") if path.exists() and path.stat().st_size else []
    for number, content in enumerate(contents, 1):
        try:
            texts.append(content.decode())
        except UnicodeDecodeError as error:
            raise InvalidData(
                f"{path}, line {number}: It must be text in UTF-8, as `run` writes it. "
                f"Got the byte 0x{content[error.start]:02x} after {error.start} others."
            ) from error
    return texts


def _check_settings(made: Iterable[Made]) -> None:
    """One digest of shared settings for a pack; for an arm at a budget one digest, and one division of the answers."""
    known: dict[tuple[object, ...], Made] = {}
    for each in made:
        cell = each.cell
        of_pack = known.setdefault((cell.pack, cell.images), each)
        of_arm = known.setdefault((cell.pack, cell.images, cell.budget, cell.arm), each)
        for name, first, expected, got in (
            ("settings", of_pack, of_pack.settings, each.settings),
            ("settings of the arm", of_arm, of_arm.config, each.config),
            ("answers for the gate", of_arm, of_arm.cell.validation, cell.validation),
        ):
            if expected != got:
                raise InvalidData(
                    f"{first.place} ({first.cell.words}) and {each.place} ({cell.words}) must share their settings. "
                    f"Got {name} {expected} and {got}. Go on with those that began the file, or begin another file."
                )


def _check_sources(made: Iterable[Made]) -> None:
    """A row trained before a change of the learner, and a row trained after it, are no comparison."""
    first: dict[str, str] = {}
    for each in made:
        first.setdefault(each.code, each.place)
    if len(first) > 1:
        raise InvalidData(
            "Results of one table must come from one version of the learner. "
            f"Got {', '.join(f'{code} ({place})' for code, place in first.items())}. "
            "Go on with the version that began the file, or begin another file."
        )
