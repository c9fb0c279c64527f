"""Digits, from 0 to 200 labels: does resuming help, and does choosing the images help?

    python -m ssmae.experiments.learning_curve --out curve.json      # 3 arms, 3 seeds, 4 rounds each

Three arms, the same code, settings and seeds for all:

* *resumed, chosen*: what the server does. A round starts from the last round's encoder; images are chosen by TypiClust
  for the first labels and by diverse margin after, with a fifth drawn at random.
* *from scratch, chosen*: the same, but every round starts from fresh weights, and so trains the full reconstruction
  phase, five times as many steps of it as a resumed round. The arms share the label budget, not the compute: the
  table gives the minutes.
* *resumed, random*: the same as the first, but all images are drawn at random.

A round without a validation sample has its gate closed. Of the last round's new labels, 84 are a validation sample:
the fewest that can open the gate with one check. They are counted as labels, like all others.

Data: the 1,797 digits of scikit-learn; 500 are the fixed test split, which is looked at once a round and steers
nothing. A seed draws everything else.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import asdict, dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ssmae.acquisition import pixel_embeddings, select
from ssmae.commands.options import new_file, whole
from ssmae.commands.status import exit_status
from ssmae.config import Acquisition, Preset, RoundConfig, preset_config
from ssmae.data import ImageStore, RoundData
from ssmae.experiments.command import HelpFormatter
from ssmae.experiments.packs import DIGITS, load_pack
from ssmae.experiments.tables import markdown
from ssmae.gate import in_force
from ssmae.inference import Predictions
from ssmae.results import EncoderState
from ssmae.trainer import train_round


@dataclass(frozen=True)
class Arm:
    """One way to run the loop."""

    name: str
    resumes: bool
    strategy: Acquisition


@dataclass(frozen=True)
class Point:
    """One round of one arm with one seed."""

    arm: str
    seed: int
    labels: int
    accuracy: float
    gate_open: bool
    seconds: float


ARMS = (
    Arm("resumed, chosen", resumes=True, strategy=Acquisition.DIVERSE),
    Arm("from scratch, chosen", resumes=False, strategy=Acquisition.DIVERSE),
    Arm("resumed, random", resumes=True, strategy=Acquisition.RANDOM),
)
STAGES = ((20, 0), (30, 0), (50, 0), (16, 84))
"""(images chosen, validation images) of each round: 20, 50, 100 and 200 labels in all."""


def run(arm: Arm, config: RoundConfig, seed: int) -> list[Point]:
    """All rounds of one arm."""
    pack = load_pack(DIGITS, config.model.image_size)
    images, classes_N = pack.train, pack.classes_N
    generator = np.random.default_rng(seed)
    labels_N = np.full(len(classes_N), -1, np.int64)
    predictions: Predictions | None = None
    state: EncoderState | None = None
    points = []
    for number, (chosen, validation) in enumerate(STAGES):
        asked = _choose(arm.strategy, chosen, images, labels_N, predictions, generator)
        labels_N[asked] = classes_N[asked]
        sample_V = np.sort(generator.choice(np.flatnonzero(labels_N < 0), validation, replace=False))
        data = RoundData(images, labels_N.copy(), sample_V, classes_N[sample_V], pack.class_names)
        started = time.monotonic()
        result = train_round(data, config, seed=1000 * seed + number, start_state=state if arm.resumes else None)
        seconds = time.monotonic() - started
        predictions, state = result.predictions, result.student
        labels_N[sample_V] = classes_N[sample_V]
        points.append(
            Point(
                arm=arm.name,
                seed=seed,
                labels=int((labels_N >= 0).sum()),
                accuracy=pack.test.accuracy(result.model, config),
                gate_open=in_force(result.decisions) is not None,
                seconds=seconds,
            )
        )
    return points


def _choose(
    strategy: Acquisition,
    size: int,
    images: ImageStore,
    labels_N: NDArray[np.int64],
    predictions: Predictions | None,
    generator: np.random.Generator,
) -> NDArray[np.int64]:
    """Indices to ask about; before the first round every strategy but random is TypiClust on pixels."""
    labelled_L = np.flatnonzero(labels_N >= 0)
    cold = predictions is None and strategy is not Acquisition.RANDOM
    picks = select(
        Acquisition.TYPICLUST if cold else strategy,
        size,
        probabilities_NC=None if predictions is None else predictions.probabilities_NC,
        embeddings_ND=pixel_embeddings(images.images_NCHW) if predictions is None else predictions.embeddings_ND,
        candidates_K=np.flatnonzero(labels_N < 0),
        labelled_L=labelled_L,
        labelled_classes_L=labels_N[labelled_L],
        generator=generator,
    )
    return np.array([pick.index for pick in picks], dtype=np.int64)


def table(points: list[Point]) -> str:
    """Mean and standard deviation over seeds, as a Markdown table."""
    counts = sorted({point.labels for point in points})
    head = ["arm", *(f"{count} labels" for count in counts), "minutes, all rounds"]
    rows = []
    for name in dict.fromkeys(point.arm for point in points):
        cells = []
        for count in counts:
            values = 100 * np.array([p.accuracy for p in points if p.arm == name and p.labels == count])
            spread = f" ± {values.std(ddof=1):.1f}" if len(values) > 1 else ""
            cells.append(f"{values.mean():.1f}{spread}")
        of_arm = [point for point in points if point.arm == name]
        minutes = sum(point.seconds for point in of_arm) / 60 / len({point.seed for point in of_arm})
        rows.append([name, *cells, f"{minutes:.1f}"])
    return markdown(head, rows)


def main(arguments: list[str] | None = None) -> int:
    """Run, print the table, write every point as JSON."""
    parser = argparse.ArgumentParser(prog="python -m ssmae.experiments.learning_curve", description=__doc__)
    parser.formatter_class = HelpFormatter
    parser.add_argument("--seeds", type=whole(0), nargs="+", default=[0, 1, 2], metavar="SEED", help="one or more")
    parser.add_argument("--threads", type=whole(0), default=1, metavar="N", help="CPU threads, 0 for all")
    text = "write the points as JSON (default: only print)"
    parser.add_argument("--out", type=new_file, metavar="FILE", help=text)
    options = parser.parse_args(arguments)
    return exit_status(lambda: _report(options))


def _report(options: argparse.Namespace) -> None:
    quick = preset_config(Preset.QUICK, median_side=8)
    config = replace(quick, threads=options.threads, gate=replace(quick.gate, checks=1))
    points: list[Point] = []
    for seed in options.seeds:
        for arm in ARMS:
            points += run(arm, config, seed)
            print(
                f"seed {seed}, {arm.name}: {[round(point.accuracy, 3) for point in points[-len(STAGES) :]]}", flush=True
            )
            if options.out:
                options.out.write_text(json.dumps([asdict(point) for point in points], indent=1))
    print(table(points))


if __name__ == "__main__":
    sys.exit(main())
