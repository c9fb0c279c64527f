"""Evidence for the gate's tests: worked by hand, drawn by Hypothesis, or of made-up projects whose truth is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

from ssmae.gate import GateDecision, LearnThenTestGate, PredictedClasses, ValidationEvidence

GATE = LearnThenTestGate(alpha=0.10, delta=0.05)
NOTHING = ValidationEvidence(np.array([]), np.array([], dtype=bool), np.full(50, 0.99))
NAMES = tuple("abcdefghij")


def evidence(n: int, errors: int, *, frame: int = 1000, score: float = 0.97) -> ValidationEvidence:
    """Every image has the same score, so that every level accepts everything."""
    is_correct_V = np.arange(n) >= errors
    return ValidationEvidence(np.full(n, score), is_correct_V, np.full(frame, score))


def decide(case: ValidationEvidence, check: int = 1, checks: int = 1) -> GateDecision:
    """The decision of a check before which nothing was told but that the gate stayed closed."""
    earlier: list[GateDecision] = []
    while len(earlier) < check - 1:
        earlier.append(GATE.decide(NOTHING, checks=checks, earlier=earlier))
    return GATE.decide(case, checks=checks, earlier=earlier)


@st.composite
def evidences(draw: st.DrawFn) -> ValidationEvidence:
    """Frames with ties, zeros, classes and any quality of model; validation images drawn from the frame."""
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    frame = draw(st.integers(1, 400))
    scores_F = generator.integers(0, draw(st.integers(2, 50)), frame) / 50
    classes_F = generator.integers(0, draw(st.integers(1, 4)), frame)
    error = draw(st.floats(0, 0.3))
    picked = generator.permutation(frame)[: draw(st.integers(0, frame))]
    is_correct_V = generator.random(len(picked)) > error * (1 - scores_F[picked])
    classes = PredictedClasses(tuple("abcd"), classes_F[picked], classes_F)
    return ValidationEvidence(scores_F[picked], is_correct_V, scores_F, classes)


@dataclass(frozen=True)
class Project:
    """A frame of which everything is known: scores, proposed classes, and whether each proposal is right."""

    scores_F: np.ndarray
    is_correct_F: np.ndarray
    classes_F: np.ndarray

    def evidence(self, picked: np.ndarray, *, with_classes: bool = False) -> ValidationEvidence:
        classes = PredictedClasses(NAMES, self.classes_F[picked], self.classes_F) if with_classes else None
        return ValidationEvidence(self.scores_F[picked], self.is_correct_F[picked], self.scores_F, classes)

    def accepted(self, decision: GateDecision) -> np.ndarray:
        """Which images a decision accepts, (F,)."""
        if decision.threshold is None:
            return np.zeros(len(self.scores_F), bool)
        return (self.scores_F >= decision.threshold) & ~np.isin(self.classes_F, decision.blocked)

    def is_broken(self, decision: GateDecision, alpha: float) -> bool:
        """Whether truly more than alpha of what is accepted is wrong."""
        accepted_F = self.accepted(decision)
        return bool(accepted_F.any() and (~self.is_correct_F[accepted_F]).mean() > alpha)


def project(
    generator: np.random.Generator,
    error: float,
    sharpness: float,
    *,
    frame: int = 2000,
    class_error_C: np.ndarray | None = None,
    class_share_C: np.ndarray | None = None,
) -> Project:
    """A made-up project: errors become rarer with the score; sharpness 0 makes them equally likely.

    Args:
        generator: of its random numbers.
        error: mean error rate of all proposals, but for what the classes change.
        sharpness: of the score as a predictor of errors.
        frame: number of images.
        class_error_C: factor of each class's error rate; all alike if None.
        class_share_C: how frequent each class is; all alike if None.
    """
    share_C = np.full(len(NAMES), 1 / len(NAMES)) if class_share_C is None else class_share_C
    scores_F = generator.random(frame) ** 0.25 * (generator.random(frame) > 0.1)
    classes_F = np.searchsorted(np.cumsum(share_C)[:-1], generator.random(frame), side="right")
    weight_F = np.exp(-sharpness * scores_F)
    chance_F = error * weight_F / weight_F.mean()
    if class_error_C is not None:
        chance_F *= class_error_C[classes_F]
    return Project(scores_F, generator.random(frame) >= chance_F, classes_F)


def on_the_edge(generator: np.random.Generator, *, frame: int = 2000) -> Project:
    """A project in which whatever is let in is a little too bad: at every threshold just above 10 % are wrong.

    The hardest case for a gate of alpha 10 %: opening at all breaks the promise, and nothing is closer to it.
    """
    rank_F = generator.permutation(frame)
    is_correct_F = (rank_F % 10 > 0) & (rank_F != 1)
    return Project(1 - rank_F / frame, is_correct_F, generator.integers(0, len(NAMES), frame))
