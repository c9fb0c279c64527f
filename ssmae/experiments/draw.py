"""Which answers an experiment may see: the label budget, drawn and divided by a seed.

Every arm gets the same number of human answers. An arm whose gate asks for evidence pays for it out of that budget: its
validation answers judge the gate and teach nobody. Two arms with the same seed see the same training labels, except
that the one without a validation sample has more of them.

Dimensions: N images of the stream.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ssmae.config import GateConfig
from ssmae.data import RoundData
from ssmae.errors import InvalidData
from ssmae.experiments.packs import Pack, balanced_order
from ssmae.gate import required_validation_size

WORTH_IT = 3
"""A budget this many times the size of the smallest useful validation sample can afford one."""


def validation_answers(budget: int, gate: GateConfig) -> int:
    """How many of `budget` answers to spend on the gate: as many as one check needs, or none if that is too dear.

    Without any the gate stays closed: a third of a small budget teaches more as labels than it can prove as evidence.
    """
    needed = required_validation_size(gate.alpha, gate.delta, checks=1)
    return needed if budget >= WORTH_IT * needed else 0


def draw_round(pack: Pack, *, budget: int, validation: int, seed: int) -> RoundData:
    """Reveal `budget` answers of a pack's training images and hide the others.

    Args:
        pack: images and their true classes.
        budget: answers in all.
        validation: how many of these only judge the gate.
        seed: decides which images.

    Returns:
        `budget - validation` training labels, class-balanced, and the validation sample: uniform among the images
        without a training label, as the gate's bound requires.

    Raises:
        InvalidData: more answers than images, or more labels than a class can give.
    """
    (for_labels,) = np.random.default_rng(seed).spawn(1)  # the labels of the published tables
    order = balanced_order(pack.classes_N, for_labels)
    teaching = order[: budget - validation]
    labels_N: NDArray[np.int64] = np.full(len(pack.train), -1, np.int64)
    labels_N[teaching] = pack.classes_N[teaching]
    rest = np.flatnonzero(labels_N < 0)
    if not 0 <= validation < budget or len(teaching) < budget - validation or len(rest) < validation:
        raise InvalidData(
            f"{pack.name} has {len(pack.train)} images and {len(order)} class-balanced ones to draw answers from. "
            f"Got a budget of {budget}, {validation} of it for validation."
        )
    # Afresh for every budget: a round that begins from one with a smaller budget must not meet its sample again.
    for_validation = np.random.default_rng([seed, budget])
    sample_V = np.sort(for_validation.choice(rest, validation, replace=False)).astype(np.int64)
    return RoundData(pack.train, labels_N, sample_V, pack.classes_N[sample_V], pack.class_names)
