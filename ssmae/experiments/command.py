"""What the commands of all experiments share: options, `run` in pieces, `table` from files of results."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from ssmae.commands.options import add_settings, whole, with_settings
from ssmae.commands.status import exit_status
from ssmae.config import Preset, RoundConfig, preset_config
from ssmae.errors import InvalidData
from ssmae.experiments.cells import Line
from ssmae.experiments.jobs import Job
from ssmae.experiments.packs import CACHE, DIGITS, Pack, load_pack, native_side
from ssmae.experiments.running import Share, read, run_jobs

UNFINISHED = 3
"""Exit status of `run` when the time was up before the work was: call it again."""


def parser(program: str, description: str | None) -> tuple[argparse.ArgumentParser, argparse.ArgumentParser]:
    """The command line with `run` and `table`, and its `run` to add options to."""
    top = argparse.ArgumentParser(prog=f"python -m ssmae.experiments.{program}", description=description)
    top.formatter_class = argparse.RawDescriptionHelpFormatter
    commands = top.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="run the cells that have no result yet")
    run.add_argument("--results", type=Path, required=True, metavar="FILE", help="lines of JSON, appended to")
    run.add_argument("--seeds", type=whole(1), default=3, metavar="N")
    run.add_argument("--minutes", type=float, metavar="M", help="begin nothing that would end later than this")
    half_way = "cut a run when the time is up, and keep its half-way state here for the next call"
    run.add_argument("--midway", type=Path, metavar="FOLDER", help=half_way)
    of_two = "every N-th cell, from the I-th: 1/2 and 2/2 for two processes"
    run.add_argument("--part", type=Share.parse, default=Share(), metavar="I/N", help=of_two)
    add_machine_options(run)
    table = commands.add_parser("table", help="print the tables of finished cells")
    table.add_argument("results", type=Path, nargs="+", metavar="FILE")
    return top, run


def add_machine_options(run: argparse.ArgumentParser) -> None:
    """How many threads, and where decoded images are kept."""
    run.add_argument("--threads", type=whole(0), default=1, metavar="N", help="CPU threads, 0 for all")
    run.add_argument("--cache", type=Path, default=CACHE, metavar="FOLDER", help="for decoded images")


def add_pack_options(run: argparse.ArgumentParser) -> None:
    """Which pack, how much of it, and with which settings; `chosen_pack` reads them."""
    run.add_argument("--pack", default=DIGITS, metavar="PATH", help="digits, NAME.tar.xz, or a folder of that form")
    run.add_argument("--images", type=whole(1), metavar="N", help="use a class-balanced part of the training images")
    run.add_argument("--preset", choices=[str(preset) for preset in Preset], default=str(Preset.QUICK))
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


def main(
    top: argparse.ArgumentParser,
    arguments: Sequence[str] | None,
    jobs: Callable[[argparse.Namespace], list[Job]],
    table: Callable[[list[Line]], str],
) -> int:
    """Run a command.

    Args:
        top: from `parser`.
        arguments: of the command line; None for those of the process.
        jobs: what there is to run, in an order that is always the same.
        table: renders results.

    Returns:
        0, `UNFINISHED`, or 2 for an expected refusal, which is one line on stderr.
    """
    options = top.parse_args(arguments)

    def print_table() -> None:
        print(table(_finished(options.results)))

    return exit_status(print_table if options.command == "table" else lambda: _run(jobs(options), options))


def _run(jobs: list[Job], options: argparse.Namespace) -> int:
    left = run_jobs(
        jobs,
        options.results,
        minutes=options.minutes,
        share=options.part,
        midway=options.midway,
        say=lambda text: print(text, flush=True),
    )
    return UNFINISHED if left else 0


def _finished(paths: Sequence[Path]) -> list[Line]:
    """Results to print, of files that `run` has written.

    Raises:
        InvalidData: no such file, or see `read`.
    """
    if missing := [str(path) for path in paths if not path.is_file()]:
        raise InvalidData(f"A table is made of files that `run` has written. There is no {', '.join(missing)}.")
    return read(paths)
