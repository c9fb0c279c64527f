"""Which gate a configuration names. Adding one: a frozen dataclass that fits `Gate`, a member of `GateRule`, a line.

Dimensions: W views, N images, C classes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ssmae.config import GateConfig, GateRule
from ssmae.gate.bounds import FloatArray
from ssmae.gate.decision import GateDecision
from ssmae.gate.evidence import ValidationEvidence
from ssmae.gate.guard import LossGuard
from ssmae.gate.learn_then_test import LearnThenTestGate
from ssmae.gate.unproven import AlwaysOpenGate, PointEstimateGate


class Gate(Protocol):
    """What every gate does: score images by its own rule, and decide from what score they are accepted."""

    def score(self, probabilities_WNC: NDArray[np.floating]) -> tuple[FloatArray, NDArray[np.intp]]:
        """(scores_N, predicted_N): one number an image, 0 where its views differ, and the weak view's class.

        Args:
            probabilities_WNC: class probabilities of every view, the weak view first.
        """

    def affordable_checks(self, wanted: int, *, answered: int) -> int:
        """How many checks a round may make with so many answered validation images, `wanted` at the most."""

    def decide(
        self, evidence: ValidationEvidence, *, checks: int = 1, earlier: Sequence[GateDecision] = ()
    ) -> GateDecision:
        """Open or closed, and from what score.

        Args:
            evidence: answers, and scores by this gate's `score`.
            checks: how many checks the round may make in all.
            earlier: the round's decisions so far, in order.
        """


def build_gate(config: GateConfig) -> Gate:
    """The gate that a configuration names."""
    return _RULES[config.rule](config)


def build_guard(config: GateConfig) -> LossGuard | None:
    """The guard beside it, if one is asked for.

    Only the rule that proves its bound has one: the others are there to be compared as they are.
    """
    return LossGuard() if config.loss_guard and config.rule is GateRule.LEARN_THEN_TEST else None


_RULES: dict[GateRule, Callable[[GateConfig], Gate]] = {
    GateRule.LEARN_THEN_TEST: lambda config: LearnThenTestGate(config.alpha, config.delta),
    GateRule.POINT_ESTIMATE: lambda config: PointEstimateGate(opens_at=config.opens_at, confidence=config.confidence),
    GateRule.ALWAYS_OPEN: lambda config: AlwaysOpenGate(confidence=config.confidence),
}
