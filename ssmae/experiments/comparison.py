"""Any pack, any arms: every way to train with the same network, the same budget of answers and the same steps.

    python -m ssmae.experiments.comparison run --pack digits --labels 20 50 100 --results digits.jsonl
    python -m ssmae.experiments.comparison table digits.jsonl

Stop it at any time and call it again: finished cells are skipped. `--minutes 9` ends it in time, with status 3 while
cells are left. Two processes share the work with `--part 1/2` and `--part 2/2`. To choose settings use `--tune`, which
judges on a quarter of the training images and leaves the test split alone, and `--set`.
"""

from __future__ import annotations

import argparse
import sys

from ssmae.baselines import ABLATIONS, ARMS, Arm
from ssmae.experiments import command
from ssmae.experiments.cells import Line
from ssmae.experiments.jobs import Job, comparison_jobs
from ssmae.experiments.reading import Experiment
from ssmae.experiments.tables import all_tables

EVERY_ARM: dict[str, Arm] = ARMS | ABLATIONS
TITLES = {key: arm.title for key, arm in EVERY_ARM.items()}
LEADER = "ssmae"
EXPERIMENT = Experiment("comparison", f"arms {', '.join(EVERY_ARM)}", lambda cell: cell.arm in EVERY_ARM)


def jobs(options: argparse.Namespace) -> list[Job]:
    """All cells asked for."""
    pack, settings = command.chosen_pack(options)
    return comparison_jobs(pack, settings, {key: EVERY_ARM[key] for key in options.arms}, options.labels, options.seeds)


def table(lines: list[Line]) -> str:
    """Every pack's tables."""
    return all_tables(lines, TITLES, LEADER)


def main(arguments: list[str] | None = None) -> int:
    """Run or print."""
    top, run = command.parser("comparison", __doc__)
    command.add_pack_options(run)
    command.add_labels(run, [20, 50, 100])
    text = "ways to train"
    run.add_argument("--arms", nargs="+", choices=EVERY_ARM, default=list(ARMS), metavar="ARM", help=text)
    return command.main(top, arguments, jobs, table, EXPERIMENT)


if __name__ == "__main__":
    sys.exit(main())
