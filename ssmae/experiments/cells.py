"""One cell of a table: what it is, what it gave, and the line of JSON that keeps both.

The test split is looked at here and nowhere else, once a cell, after training.

Dimensions: K images without an answer, A of them with an accepted pseudo-label.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ssmae import sources
from ssmae.config import GateConfig, RoundConfig
from ssmae.experiments.packs import Pack
from ssmae.gate import Audit, audit_sample, in_force
from ssmae.results import HistoryPoint, RoundResult

CURVE_POINTS = 40
"""Points of the training curves that a line keeps, at most about."""

AUDIT_ANSWERS = 1000
"""So many random pseudo-labels are looked at by an audit, at most."""

_WHERE_NOT_WHAT = ("device", "threads", "compile")


@dataclass(frozen=True, order=True)
class Cell:
    """The coordinates of one run.

    Attributes:
        pack: name of the data set.
        images: training images in it.
        budget: human answers in all.
        validation: how many of these only judge the gate.
        arm: key of the way to train.
        seed: of the answers drawn, and of the training.
    """

    pack: str
    images: int
    budget: int
    validation: int
    arm: str
    seed: int

    @property
    def words(self) -> str:
        """Which cell, for a person."""
        return f"{self.pack}, {self.budget} answers, {self.arm}, seed {self.seed}"


@dataclass(frozen=True)
class Check:
    """What the gate said once; fields as in `GateDecision`."""

    is_open: bool
    coverage: float
    threshold: float | None
    errors: int
    n: int
    discards: bool


@dataclass(frozen=True)
class Line:
    """What one run gave.

    Attributes:
        cell: which run.
        settings: digest of the settings that all arms of a pack share.
        config: digest of the settings of this arm.
        code: digest of the sources of the learner.
        accuracy: on the test split.
        test_images: size of that.
        checks: the gate's answers, in order.
        accepted: share of the images without any answer whose pseudo-label is accepted at the end.
        wrong: share of these whose true class is another; None if nothing was accepted.
        steps: optimiser steps taken.
        seconds: wall time of training, inference on the stream included.
        device: where it ran.
        threads: of the CPU; 0 for all.
        versions: of what the result depends on.
        notes: what the round did otherwise than asked.
        history: training curves, thinned: phase, step, losses.
        audit: answers after which an audit of what is accepted would have certified it; None if it would not have
            within `AUDIT_ANSWERS`, or nothing is accepted.
    """

    cell: Cell
    settings: str
    config: str
    code: str
    accuracy: float
    test_images: int
    checks: tuple[Check, ...]
    accepted: float
    wrong: float | None
    steps: int
    seconds: float
    device: str
    threads: int
    versions: dict[str, str]
    notes: tuple[str, ...]
    history: tuple[dict[str, Any], ...]
    audit: int | None = None

    @property
    def lets_in(self) -> bool:
        """Whether a snapshot is in force at the end: opened by a check, and not taken back by a later one."""
        return in_force(self.checks) is not None

    def to_json(self) -> str:
        """One line of text, which `parsing.line_of` reads."""
        return json.dumps(asdict(self))


def report(
    cell: Cell,
    pack: Pack,
    result: RoundResult,
    *,
    settings: RoundConfig,
    config: RoundConfig,
    before: tuple[RoundResult, ...] = (),
) -> Line:
    """Count a trained round on the test split.

    Args:
        cell: which run it was.
        pack: what it was drawn from.
        result: what came out.
        settings: what all arms of the pack share.
        config: what this arm made of them.
        before: rounds whose steps and time count as well, because this one started from them.
    """
    taken_K = result.proposals.accepted_K
    wrong_K = result.proposals.class_K != pack.classes_N[result.proposals.index_K]
    rounds = (*before, result)
    return Line(
        cell=cell,
        settings=digest(settings),
        config=digest(config),
        code=CODE,
        accuracy=pack.test.accuracy(result.model, config),
        test_images=len(pack.test),
        checks=tuple(Check(d.is_open, d.coverage, d.threshold, d.errors, d.n, d.discards) for d in result.decisions),
        accepted=float(taken_K.mean()) if len(taken_K) else 0.0,
        wrong=float(wrong_K[taken_K].mean()) if taken_K.any() else None,
        steps=sum(each.history[-1].step for each in rounds if each.history),
        seconds=sum(each.seconds for each in rounds),
        device=torch.cuda.get_device_name() if result.device.startswith("cuda") else result.device,
        threads=config.threads,
        versions=result.versions,
        notes=result.notes,
        history=_thinned(result.history),
        audit=audited(wrong_K[taken_K], config.gate, cell.seed),
    )


def audited(is_wrong_A: NDArray[np.bool_], gate: GateConfig, seed: int) -> int | None:
    """How many answers an audit of accepted pseudo-labels takes.

    Args:
        is_wrong_A: of each accepted pseudo-label; shape (A,).
        gate: its alpha and delta are those of the audit.
        seed: of the images that are looked at.

    Returns:
        Answers until it is proven that at most alpha of them are wrong; None where `AUDIT_ANSWERS` do not prove it, or
        nothing is accepted.
    """
    if not len(is_wrong_A):
        return None
    audit = Audit(gate.alpha, gate.delta)
    for index in audit_sample(np.arange(len(is_wrong_A)), AUDIT_ANSWERS, seed):
        audit = audit.answer(is_right=not is_wrong_A[index])
        if audit.certified:
            return audit.right + audit.wrong
    return None


def digest(config: RoundConfig) -> str:
    """Twelve hexadecimal digits that stand for the settings, leaving out where and how fast they run."""
    values = {name: value for name, value in config.to_dict().items() if name not in _WHERE_NOT_WHAT}
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:12]


CODE = sources.digest()
"""The learner as it was imported."""


def _thinned(history: tuple[HistoryPoint, ...]) -> tuple[dict[str, Any], ...]:
    every = -(-len(history) // CURVE_POINTS) or 1
    return tuple(
        {
            "phase": str(point.phase),
            "step": point.step,
            "losses": {name: float(f"{loss:.5g}") for name, loss in point.losses.items()},
        }
        for index, point in enumerate(history)
        if index % every == 0 or index == len(history) - 1
    )
