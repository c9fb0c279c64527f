"""What the commands of all experiments share: options, their help, `run` in pieces, `table` from files of results."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from ssmae.commands.help import WithDefaults
from ssmae.commands.options import add_settings, new_file, new_folder, number, whole, with_settings
from ssmae.commands.status import exit_status
from ssmae.config import Preset, RoundConfig, preset_config
from ssmae.errors import InvalidData
from ssmae.experiments.cells import Line
from ssmae.experiments.jobs import Job
from ssmae.experiments.packs import CACHE, DIGITS, Pack, load_pack, native_side
from ssmae.experiments.reading import Experiment, read
from ssmae.experiments.running import Share, run_jobs

UNFINISHED = 3
"""Exit status of `run` when the time was up before the work was: call it again."""


_MINUTES = number("above 0", lambda value: 0 < value < math.inf)


class HelpFormatter(WithDefaults, argparse.RawDescriptionHelpFormatter):
    """A program's docstring as it is written, and the default of every option."""


def parser(
    program: str, description: str | None, *, in_one_piece: str = ""
) -> tuple[argparse.ArgumentParser, argparse.ArgumentParser]:
    """The command line with `run` and `table`, and its `run` to add options to.

    Args:
        program: the name of the module.
        description: its docstring.
        in_one_piece: what cannot be cut when the time is up, in words; without, runs can.
    """
    top = argparse.ArgumentParser(prog=f"python -m ssmae.experiments.{program}", description=description)
    top.formatter_class = HelpFormatter
    commands = top.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="run the cells that have no result yet", formatter_class=HelpFormatter)
    run.add_argument(
        "--results", type=new_file, required=True, metavar="FILE", help="lines of JSON, appended to; its folder exists"
    )
    add_seeds(run)
    minutes = (
        "begin nothing that, going by the runs before, would end later than this; the first of its kind is run to its "
        "end all the same"
    )
    if in_one_piece:
        minutes += f". {in_one_piece} in one piece: give more minutes than one takes"
    run.add_argument("--minutes", type=_MINUTES, metavar="M", help=f"{minutes} (default: no limit)")
    if in_one_piece:
        run.set_defaults(midway=None)
    else:
        half_way = "cut a run when --minutes are up, and keep its half-way state here for the next call"
        run.add_argument("--midway", type=new_folder, metavar="FOLDER", help=f"{half_way} (default: cut none)")
    of_two = "every N-th cell, from the I-th: 1/2 and 2/2 for two processes"
    run.add_argument("--part", type=Share.parse, default=Share(), metavar="I/N", help=of_two)
    add_machine_options(run)
    table = commands.add_parser("table", help="print the tables of finished cells", formatter_class=HelpFormatter)
    table.add_argument("results", type=Path, nargs="+", metavar="FILE", help="lines of JSON that `run` has written")
    return top, run


def add_seeds(run: argparse.ArgumentParser) -> None:
    """How often everything is run."""
    run.add_argument("--seeds", type=whole(1), default=3, metavar="N", help="runs of each cell: seeds 0 to N - 1")


def add_labels(run: argparse.ArgumentParser, default: Sequence[int], what: str = "answers in all") -> None:
    """How many labels; a column for each."""
    text = f"{what}, one count or more"
    run.add_argument("--labels", type=whole(1), nargs="+", default=default, metavar="N", help=text)


def add_machine_options(run: argparse.ArgumentParser) -> None:
    """How many threads, and where decoded images are kept."""
    run.add_argument("--threads", type=whole(0), default=1, metavar="N", help="CPU threads, 0 for all")
    run.add_argument("--cache", type=Path, default=CACHE, metavar="FOLDER", help="for decoded images, made if need be")


def add_pack_options(run: argparse.ArgumentParser) -> None:
    """Which pack, how much of it, and with which settings; `chosen_pack` reads them."""
    run.add_argument("--pack", default=DIGITS, metavar="PATH", help="digits, NAME.tar.xz, or a folder of that form")
    part = "use a class-balanced part of the training images"
    run.add_argument("--images", type=whole(1), metavar="N", help=f"{part} (default: all)")
    presets = [str(preset) for preset in Preset]
    run.add_argument(
        "--preset", choices=presets, default=str(Preset.QUICK), metavar="PRESET", help="settings to begin with"
    )
    add_settings(run)
    run.add_argument("--tune", action="store_true", help="judge on training images, not on the test split")


def chosen_pack(options: argparse.Namespace) -> tuple[Pack, RoundConfig]:
    """The pack that `add_pack_options` and `add_machine_options` describe, and the settings for it.

    Raises:
        InvalidConfig: see `with_settings`.
        InvalidData: see `load_pack`.
    """
    settings = with_settings(preset_config(Preset(options.preset), native_side(options.pack)), options.set)
    pack = load_pack(options.pack, settings.model.image_size, options.cache)
    pack = pack.part(options.images) if options.images else pack
    return pack.for_tuning() if options.tune else pack, replace(settings, threads=options.threads)


def check_there(packs: Iterable[Path]) -> None:
    """Refuse before anything is decoded.

    Args:
        packs: files or folders that a table is made of.

    Raises:
        InvalidData: some are not there.
    """
    if missing := [str(path) for path in packs if not path.exists()]:
        raise InvalidData(f"There is no {', no '.join(missing)}: --data must be the folder of the packs of this table.")


def main(
    top: argparse.ArgumentParser,
    arguments: Sequence[str] | None,
    jobs: Callable[[argparse.Namespace], list[Job]],
    table: Callable[[list[Line]], str],
    experiment: Experiment,
) -> int:
    """Run a command.

    Args:
        top: from `parser`.
        arguments: of the command line; None for those of the process.
        jobs: what there is to run, in an order that is always the same.
        table: renders results.
        experiment: whose results the files must hold.

    Returns:
        0, `UNFINISHED`, or 2 for an expected refusal, which is one line on stderr.
    """
    options = top.parse_args(arguments)

    def print_table() -> None:
        print(table(_finished(options.results, experiment)))

    return exit_status(print_table if options.command == "table" else lambda: _run(jobs, options, experiment))


def _run(jobs: Callable[[argparse.Namespace], list[Job]], options: argparse.Namespace, experiment: Experiment) -> int:
    read([options.results], experiment)  # a broken file is refused before packs are decoded
    left = run_jobs(
        jobs(options),
        options.results,
        minutes=options.minutes,
        share=options.part,
        midway=options.midway,
        experiment=experiment,
        say=lambda text: print(text, flush=True),
    )
    return UNFINISHED if left else 0


def _finished(paths: Sequence[Path], experiment: Experiment) -> list[Line]:
    """Results to print, of files that `run` has written.

    Raises:
        InvalidData: no such file, nothing in it, or see `read`.
    """
    if missing := [str(path) for path in paths if not path.exists()]:
        raise InvalidData(f"A table is made of files that `run` has written. There is no {', no '.join(missing)}.")
    if lines := read(paths, experiment):
        return lines
    raise InvalidData(f"{', '.join(map(str, paths))} must hold results: `run` writes them. Got no line.")
