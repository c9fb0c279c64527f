"""Digits: SSMAE against supervised training with the same network, the same labels and the same number of steps.

    python -m ssmae.experiments.digits                 # 4 label counts, 3 seeds, both arms

Data: the 1,797 handwritten digits of scikit-learn (8 x 8 pixels). 500 images, fixed, are the test split; the settings
were chosen on the other 1,297 alone. A seed draws the class-balanced labels, a uniform validation sample of 150 images
for the gate (whose answers teach nobody), and the initial weights.

Reached (torch 2.15 on a CPU, `--threads 1`, two busy shared cores; mean ± sd of 3 seeds, 500 test images each; a run
took 70 to 150 s there):

    labels   supervised    SSMAE         gate opened   accepted   wrong among accepted (allowed: 10 %)
        20   66.6 ± 3.3    82.3 ± 3.3    0 of 2        0 %        -
        50   83.1 ± 3.1    91.5 ± 0.5    2 of 2        79.4 %     3.8 %
       100   89.5 ± 0.8    95.5 ± 0.5    2 of 2        85.1 %     1.2 %
       200   94.7 ± 0.7    97.7 ± 0.7    2 of 2        85.6 %     0.2 %

Both arms are given the labels named; SSMAE's gate uses 150 further answers as evidence. A project that spent those on
labels instead would do better by plain supervision at 20 or 50 labels: in the product they join the training labels
when the round closes. Equal steps are not equal time: a step of SSMAE costs up to four times as much.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits

from ssmae.config import Preset, RoundConfig, preset_config
from ssmae.data import ImageStore, RoundData
from ssmae.inference import predict
from ssmae.trainer import train_round

TEST_IMAGES = 500
VALIDATION_IMAGES = 150
CLASS_NAMES = tuple("0123456789")


@dataclass(frozen=True)
class Outcome:
    """One run of one arm."""

    accuracy: float
    opened: int
    accepted: float
    wrong_among_accepted: float
    seconds: float


def divided_digits() -> tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.uint8], NDArray[np.int64]]:
    """(stream images, their classes, test images, their classes); the division is fixed."""
    loaded = load_digits()
    pixels_NHW = np.round(loaded.images / 16 * 255).astype(np.uint8)
    images_NCHW, classes_N = np.repeat(pixels_NHW[:, None], 3, axis=1), loaded.target.astype(np.int64)
    order = np.random.default_rng(0).permutation(len(classes_N))
    stream, test = order[:-TEST_IMAGES], order[-TEST_IMAGES:]
    return images_NCHW[stream], classes_N[stream], images_NCHW[test], classes_N[test]


def draw_labels(classes_N: NDArray[np.int64], images: ImageStore, labels: int, seed: int) -> RoundData:
    """Keep `labels` answers, class-balanced, and a uniform validation sample of the rest; hide the others."""
    generator = np.random.default_rng(seed)
    labels_N = np.full(len(classes_N), -1, np.int64)
    for index in range(len(CLASS_NAMES)):
        members = np.flatnonzero(classes_N == index)
        labels_N[generator.choice(members, labels // len(CLASS_NAMES), replace=False)] = index
    sample_V = np.sort(generator.choice(np.flatnonzero(labels_N < 0), VALIDATION_IMAGES, replace=False))
    return RoundData(images, labels_N, sample_V, classes_N[sample_V], CLASS_NAMES)


def supervised_only(config: RoundConfig) -> RoundConfig:
    """The same number of optimiser steps, all of them on labels alone."""
    schedule = config.schedule
    steps = schedule.reconstruct_steps + schedule.labels_steps + schedule.joint_steps
    return replace(
        config,
        loss=replace(config.loss, reconstruction_weight=0.0),
        schedule=replace(schedule, reconstruct_steps=0, labels_steps=steps, joint_steps=0),
    )


def run(config: RoundConfig, labels: int, seed: int) -> Outcome:
    """Train one arm and look at the test split once."""
    stream, classes_N, test, test_classes_T = divided_digits()
    data = draw_labels(classes_N, ImageStore(stream), labels, seed)
    started = time.monotonic()
    result = train_round(data, config, seed=seed)
    seconds = time.monotonic() - started
    predicted_T = predict(result.model, ImageStore(test)).probabilities_NC.argmax(axis=1)
    proposals = result.proposals
    taken_K = proposals.accepted_K
    wrong = proposals.class_K[taken_K] != classes_N[proposals.index_K[taken_K]]
    return Outcome(
        accuracy=float((predicted_T == test_classes_T).mean()),
        opened=sum(decision.is_open for decision in result.decisions),
        accepted=float(taken_K.mean()),
        wrong_among_accepted=float(wrong.mean()) if taken_K.any() else 0.0,
        seconds=seconds,
    )


def main(arguments: list[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m ssmae.experiments.digits", description=__doc__)
    parser.add_argument("--labels", type=int, nargs="+", default=[20, 50, 100, 200])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=0)
    options = parser.parse_args(arguments)
    quick = replace(preset_config(Preset.QUICK, median_side=8), threads=options.threads)
    arms = {"supervised": supervised_only(quick), "SSMAE": quick}
    print("labels  arm         accuracy (mean ± sd over seeds)  gate opened  accepted  wrong of these  seconds")
    for labels in options.labels:
        for name, config in arms.items():
            outcomes = [run(config, labels, seed) for seed in range(options.seeds)]
            accuracies = 100 * np.array([outcome.accuracy for outcome in outcomes])
            spread = accuracies.std(ddof=1) if len(outcomes) > 1 else 0.0
            means = [
                np.mean([getattr(outcome, field) for outcome in outcomes])
                for field in ("opened", "accepted", "wrong_among_accepted", "seconds")
            ]
            each = " ".join(f"{accuracy:.1f}" for accuracy in accuracies)
            print(
                f"{labels:>6}  {name:<10}  {accuracies.mean():5.1f} ± {spread:3.1f} ({each})  "
                f"{means[0]:.1f} of 2  {means[1]:.1%}  {means[2]:.1%}  {means[3]:.0f}",
                flush=True,
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
