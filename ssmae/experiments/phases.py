"""How an arm comes to its accuracy: its teacher on the images without a label, at points of a round.

    python -m ssmae.experiments.phases --pack digits --labels 50 --arms mae_finetune ssmae --out phases.json

At each point, for 1,000 of the *training* images without any answer, whose true classes are known to this report alone:
how many the teacher's classifier gets right, how many its embeddings alone do (nearest neighbours among the labelled
images, so that reconstruction alone shows too), how many are confident enough to be pseudo-labels (0.95) and how many
of these are wrong. Nothing of it reaches the training, and the test split is not looked at.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict, dataclass

import numpy as np

from ssmae.commands.options import new_file, whole
from ssmae.commands.status import exit_status
from ssmae.config import Phase, RoundConfig
from ssmae.data import ImageStore, RoundData
from ssmae.experiments import command
from ssmae.experiments.comparison import EVERY_ARM, TITLES
from ssmae.experiments.draw import draw_round
from ssmae.experiments.jobs import evidence_of
from ssmae.experiments.packs import Pack
from ssmae.experiments.tables import markdown
from ssmae.inference import predict
from ssmae.model import SSMAE
from ssmae.readouts import nearest_neighbours
from ssmae.trainer import train_round

LOOKED_AT = 1000
"""Images without an answer that are looked at, drawn uniformly."""

CONFIDENT = 0.95
"""As the rules without a proof ask for."""


@dataclass(frozen=True)
class Point:
    """What the teacher was like at one moment; shares of the images looked at.

    Attributes:
        arm: key of the way to train.
        seed: of answers and training.
        phase: what comes next, or "end".
        step: steps done of the whole round.
        right: images that the classifier gets right.
        neighbours: images that nearest neighbours in the embedding get right.
        confident: images whose likeliest class has a probability of `CONFIDENT` or more.
        wrong: share of *these* that are wrong; None if there are none.
    """

    arm: str
    seed: int
    phase: str
    step: int
    right: float
    neighbours: float
    confident: float
    wrong: float | None


class Watch:
    """Looks at the teacher where a phase begins, and every so many steps."""

    def __init__(self, pack: Pack, data: RoundData, arm: str, seed: int, every: int) -> None:
        self._arm, self._seed, self._every = arm, seed, every
        hidden = np.setdiff1d(np.flatnonzero(data.labels_N < 0), data.validation_index_V)
        seen = np.random.default_rng(seed).permutation(hidden)[:LOOKED_AT]
        labelled = data.labelled_index_L
        self._seen, self._classes = ImageStore(pack.train.images_NCHW[seen]), pack.classes_N[seen]
        self._labelled, self._labels = ImageStore(pack.train.images_NCHW[labelled]), data.labels_N[labelled]
        self._done = 0
        self.points: list[Point] = []

    def __call__(self, phase: Phase, step: int, teacher: SSMAE) -> None:
        """Add a point if it is time; called before every step."""
        if step == 0 or self._done % self._every == 0:
            self.look(phase, teacher)
        self._done += 1

    def look(self, phase: str, teacher: SSMAE) -> None:
        """Add a point."""
        said, known = predict(teacher, self._seen), predict(teacher, self._labelled)
        is_right = said.probabilities_NC.argmax(axis=1) == self._classes
        is_sure = said.probabilities_NC.max(axis=1) >= CONFIDENT
        near = nearest_neighbours(known.embeddings_ND, self._labels, said.embeddings_ND, self._classes, neighbours=5)
        wrong = float(1 - is_right[is_sure].mean()) if is_sure.any() else None
        shares = float(is_right.mean()), near.accuracy, float(is_sure.mean())
        self.points.append(Point(self._arm, self._seed, phase, self._done, *shares, wrong))


def run(pack: Pack, settings: RoundConfig, arm: str, *, labels: int, seed: int, every: int) -> list[Point]:
    """One round of one arm, watched.

    Args:
        pack: the data.
        settings: of SSMAE.
        arm: key of the way to train.
        labels: answers in all.
        seed: of answers and training.
        every: steps between two points.

    Raises:
        InvalidData: more answers than there are.
    """
    config = EVERY_ARM[arm].config(settings)
    evidence = evidence_of(EVERY_ARM[arm], config, labels)
    data = draw_round(pack, budget=labels, validation=evidence, seed=seed)
    watch = Watch(pack, data, arm, seed, every)
    result = train_round(data, config, seed=seed, observe=watch)
    watch.look("end", result.model)
    return watch.points


def table(points: list[Point]) -> str:
    """A row for each arm and moment, mean over seeds in %, as Markdown."""
    head = ["arm", "next", "steps done", "right", "right by neighbours", "confident", "wrong of these"]
    rows = []
    for arm, phase, step in dict.fromkeys((point.arm, point.phase, point.step) for point in points):
        here = [point for point in points if (point.arm, point.phase, point.step) == (arm, phase, step)]
        columns = zip(*((point.right, point.neighbours, point.confident, point.wrong) for point in here), strict=True)
        rows.append([TITLES[arm], phase, str(step), *map(_mean, columns)])
    return markdown(head, rows)


def _mean(shares: tuple[float | None, ...]) -> str:
    known = [share for share in shares if share is not None]
    return f"{100 * np.mean(known):.1f}" if known else "–"


def main(arguments: list[str] | None = None) -> int:
    """Run, print the table, write every point as JSON."""
    parser = argparse.ArgumentParser(prog="python -m ssmae.experiments.phases", description=__doc__)
    parser.formatter_class = command.HelpFormatter
    command.add_pack_options(parser)
    parser.add_argument("--labels", type=whole(1), default=50, metavar="N", help="answers in all")
    arms, text = ["mae_finetune", "ssmae"], "ways to train"
    parser.add_argument("--arms", nargs="+", choices=EVERY_ARM, default=arms, metavar="ARM", help=text)
    command.add_seeds(parser)
    parser.add_argument("--every", type=whole(1), default=250, metavar="STEPS", help="steps between two points")
    command.add_machine_options(parser)
    parser.add_argument("--out", type=new_file, metavar="FILE", help="write the points as JSON (default: only print)")
    options = parser.parse_args(arguments)
    return exit_status(lambda: _report(options))


def _report(options: argparse.Namespace) -> None:
    pack, settings = command.chosen_pack(options)
    points: list[Point] = []
    for seed in range(options.seeds):
        for arm in options.arms:
            points += run(pack, settings, arm, labels=options.labels, seed=seed, every=options.every)
            print(f"seed {seed}, {arm}: {points[-1].right:.1%} right at the end", flush=True)
            if options.out:
                options.out.write_text(json.dumps([asdict(point) for point in points], indent=1))
    print(table(points))


if __name__ == "__main__":
    sys.exit(main())
