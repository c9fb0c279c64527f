"""The published tables for a GPU: CIFAR-10 and CIFAR-100 at 1 %, 5 % and 10 % labels.

    python -m ssmae.experiments.cifar run --data FOLDER --results cifar.jsonl --minutes 8 --midway STATES
    python -m ssmae.experiments.cifar table cifar.jsonl
    python -m ssmae.experiments.cifar run --data FOLDER --results toy.jsonl --toy            # on a CPU, a minute

The first is called again until its status is 0: a run that does not fit into a piece is cut, and continued by the next
call; a piece ends some half a minute after its time, when the run at hand is counted on the test split.

FOLDER holds `cifar10.tar.xz` and `cifar100.tar.xz`, or folders of these names (see `packs`). SSMAE and the strongest
baselines come first, so that a short lease of a GPU fills the columns that matter; `--arms`, `--packs` and `--shares`
choose fewer. `--toy` runs every cell on 2,600 training images with a few steps of a tiny network: its accuracies mean
nothing, it proves that the whole table can be run.

The network is a small ViT on small patches of images at their own size (as in 2402.03752), not ViT-B on images brought
to 224 pixels. Decoder as in SSAT (2310.20704), seven unlabelled images to a labelled one as in FixMatch (2001.07685),
CutMix as in the table for a CPU. Nothing was tuned on these packs.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from ssmae.baselines import ARMS
from ssmae.config import AugmentConfig, LossConfig, ModelConfig, RoundConfig, ScheduleConfig
from ssmae.errors import InvalidData
from ssmae.experiments import command
from ssmae.experiments.cells import Cell, Line
from ssmae.experiments.comparison import LEADER, TITLES
from ssmae.experiments.jobs import Job, comparison_jobs
from ssmae.experiments.packs import Pack, load_pack
from ssmae.experiments.reading import Experiment
from ssmae.experiments.tables import Column, accuracy_table, gate_table, lead_table

PACKS = {"cifar10": "CIFAR-10", "cifar100": "CIFAR-100"}
SHARES = (1, 5, 10)
"""Percentages of the training images that are labelled, validation answers included."""

FIRST = ("ssmae", "freematch_cutmix", "fixmatch", "supervised", "mae_finetune")
TO_BEAT = {
    "to beat (asked for; no source known)": ["78.9", "86.4", "–", "49.6", "64.3", "–"],
    "SSMAE paper, ViT-B at 224 pixels (2601.20072)": ["–", "–", "56.8", "–", "–", "22.65"],
}
"""In the order of the columns. Answers for the gate count here; the paper's public code judges its gate on test."""

SMALL32 = RoundConfig(
    model=ModelConfig(
        image_size=32, patch_size=4, embed_dim=256, depth=9, heads=4, decoder_dim=128, decoder_depth=2, drop_path=0.1
    ),
    # As in the table for a CPU, but for the share that is masked: there are more patches here.
    loss=LossConfig(mask_ratio=0.75, alignment=True),
    augment=AugmentConfig(flip=True, shift=0.125, rotate=30.0, zoom=0.3, tone=0.5, cutmix=0.5, cutout=0.5),
    schedule=ScheduleConfig(
        reconstruct_steps=9000,  # 160 epochs of 50,000 images
        labels_steps=300,
        joint_steps=8400,  # 150 epochs
        reconstruct_batch=896,
        unlabelled_batch=896,
        labelled_batch=128,
        learning_rate=1e-3,
        teacher_decay=0.999,
    ),
    compile=True,
)
"""7 million weights, 64 patches."""

_TOY_IMAGES, _TOY_TEST_IMAGES = 2600, 1000  # a tenth of 2,600 is a budget that affords the gate


def toy(config: RoundConfig) -> RoundConfig:
    """The same course of a round, as short and as small as it can be."""
    model = replace(config.model, patch_size=16, embed_dim=32, depth=1, heads=2, decoder_dim=16, decoder_depth=1)
    schedule = replace(
        config.schedule,
        reconstruct_steps=2,
        labels_steps=2,
        joint_steps=4,
        reconstruct_batch=16,
        unlabelled_batch=16,
        labelled_batch=8,
    )
    return replace(
        config, model=model, schedule=schedule, gate=replace(config.gate, views=1), compile=False, device="cpu"
    )


def jobs(options: argparse.Namespace) -> list[Job]:
    """Seeds outermost, then arms, then columns.

    Raises:
        InvalidData: a pack is missing.
    """
    config = toy(SMALL32) if options.toy else SMALL32
    config = replace(config, threads=options.threads, compile=config.compile and not options.no_compile)
    places = [_place(options.data, name) for name in options.packs]
    command.check_there(places)
    packs = [load_pack(place, config.model.image_size, options.cache) for place in places]
    found = []
    for pack in packs:
        used = _toy_part(pack) if options.toy else pack
        budgets = [len(used.train) * share // 100 for share in options.shares]
        found += comparison_jobs(used, config, {key: ARMS[key] for key in options.arms}, budgets, options.seeds)
    return sorted(found, key=lambda job: (job.cells[0].seed, options.arms.index(job.cells[0].arm)))


def table(lines: list[Line]) -> str:
    """One table for both packs, beside what was to be beaten; then the lead of SSMAE, and its gate.

    Raises:
        InvalidData: results of `--toy` among others.
    """
    for pack in PACKS:
        if len(sizes := sorted({line.cell.images for line in lines if line.cell.pack == pack})) > 1:
            raise InvalidData(f"Results of {pack} must be of one number of training images. Got {sizes}.")
    columns = _columns()
    arms = {key: TITLES[key] for key in ARMS}
    parts = [
        accuracy_table(lines, columns, arms, TO_BEAT),
        lead_table(lines, columns, arms, LEADER),
        gate_table(lines, columns, arms),
    ]
    return "\n\n".join(part for part in parts if part)


def _columns() -> list[Column]:
    return [_column(pack, title, share) for pack, title in PACKS.items() for share in SHARES]


def _column(pack: str, title: str, share: int) -> Column:
    def holds(cell: Cell) -> bool:
        return cell.pack == pack and cell.budget == cell.images * share // 100

    return Column(f"{title}, {share} %", holds)


EXPERIMENT = Experiment(
    "cifar",
    f"arms {', '.join(ARMS)} on {' and '.join(PACKS)} with {', '.join(map(str, SHARES))} % of the images labelled",
    lambda cell: cell.arm in ARMS and any(column.holds(cell) for column in _columns()),
)


def _place(folder: Path, name: str) -> Path:
    return folder / name if (folder / name).is_dir() else folder / f"{name}.tar.xz"


def _toy_part(pack: Pack) -> Pack:
    """Few images of either split, spread over the classes."""
    every = -(-len(pack.test) // _TOY_TEST_IMAGES)
    return replace(pack.part(min(_TOY_IMAGES, len(pack.train))), test=pack.test.every(every))


def main(arguments: list[str] | None = None) -> int:
    """Run or print."""
    top, run = command.parser("cifar", __doc__)
    run.add_argument("--data", type=Path, required=True, metavar="FOLDER", help="where the packs are")
    run.add_argument("--packs", nargs="+", choices=PACKS, default=list(PACKS), metavar="PACK", help="columns")
    shares = "labelled training images in percent, answers for the gate included"
    run.add_argument(
        "--shares", nargs="+", type=int, choices=SHARES, default=list(SHARES), metavar="PERCENT", help=shares
    )
    order = [*FIRST, *(key for key in ARMS if key not in FIRST)]
    run.add_argument(
        "--arms", nargs="+", choices=ARMS, default=order, metavar="ARM", help="ways to train, in this order"
    )
    run.add_argument("--no-compile", action="store_true", help="for a machine without a C compiler; slower")
    run.add_argument("--toy", action="store_true", help="a few steps of a tiny network on a part of the images")
    return command.main(top, arguments, jobs, table, EXPERIMENT)


if __name__ == "__main__":
    sys.exit(main())
