"""The published table for a CPU: every baseline and SSMAE on three packs, at three or four label counts each.

    python -m ssmae.experiments.cpu run --data FOLDER --results cpu.jsonl --part 1/2 --minutes 9    # until status 0
    python -m ssmae.experiments.cpu run --data FOLDER --results cpu.jsonl --part 2/2 --minutes 9    # beside it
    python -m ssmae.experiments.cpu table cpu.jsonl

FOLDER holds `fashion12000.tar.xz` and `eurosat5400.tar.xz` (see `packs`); the digits come with scikit-learn. Network,
learning rate and losses, those of preset `quick`, were chosen on training images of the digits; alignment, mixing,
batches and the lengths of the phases on training images of digits and fashion12000; nothing on eurosat5400.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from ssmae.baselines import ARMS
from ssmae.config import Preset, RoundConfig, preset_config
from ssmae.experiments import command
from ssmae.experiments.comparison import EXPERIMENT, table
from ssmae.experiments.jobs import Job, comparison_jobs
from ssmae.experiments.packs import DIGITS, load_pack


@dataclass(frozen=True)
class Entry:
    """What is run on one pack.

    Attributes:
        file: in the folder of packs, or `digits`.
        side: of its images in pixels.
        labels: the budgets.
        images: training images used, a class-balanced part; None for all.
        flip: whether a mirrored image means the same.
    """

    file: str
    side: int
    labels: tuple[int, ...]
    images: int | None = None
    flip: bool = False


ENTRIES = (
    Entry(DIGITS, side=8, labels=(20, 50, 100, 300)),  # the last is the first that can afford evidence for the gate
    Entry("fashion12000.tar.xz", side=28, labels=(50, 100, 500), images=4000),
    Entry("eurosat5400.tar.xz", side=64, labels=(50, 100, 500), flip=True),
)


def settings(entry: Entry) -> RoundConfig:
    """The settings of SSMAE for a pack, which every arm starts from."""
    config = preset_config(Preset.QUICK, entry.side)
    return replace(
        config,
        loss=replace(config.loss, alignment=True),
        augment=replace(config.augment, flip=entry.flip),
        schedule=replace(
            config.schedule,
            reconstruct_steps=500,
            labels_steps=50,
            joint_steps=1550,
            reconstruct_batch=128,
            unlabelled_batch=32,
        ),
        device="cpu",
    )


def jobs(options: argparse.Namespace) -> list[Job]:
    """All cells of the table, seed by seed: an unfinished run is a table of fewer seeds.

    Raises:
        InvalidData: a pack is missing.
    """
    command.check_there(options.data / entry.file for entry in ENTRIES if entry.file != DIGITS)
    found = []
    for entry in ENTRIES:
        config = replace(settings(entry), threads=options.threads)
        source = DIGITS if entry.file == DIGITS else options.data / entry.file
        pack = load_pack(source, config.model.image_size, options.cache)
        pack = pack.part(entry.images) if entry.images else pack
        arms = {key: ARMS[key] for key in options.arms}
        found += comparison_jobs(pack, config, arms, entry.labels, options.seeds)
    return sorted(found, key=lambda job: job.cells[0].seed)


def main(arguments: list[str] | None = None) -> int:
    """Run or print."""
    top, run = command.parser("cpu", __doc__)
    run.add_argument("--data", type=Path, required=True, metavar="FOLDER", help="where the packs are")
    run.add_argument("--arms", nargs="+", choices=ARMS, default=list(ARMS), metavar="ARM", help="ways to train")
    return command.main(top, arguments, jobs, table, replace(EXPERIMENT, name="cpu"))


if __name__ == "__main__":
    sys.exit(main())
