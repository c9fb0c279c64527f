"""Which thresholds are tested, and in which order: coverages of the sampling frame, chosen without looking at answers.

Source: 2110.01052, fixed-sequence testing with several starts. In one chain a false acceptance needs the first level
that is truly too bad to pass its test, which happens with probability at most the chain's share, whether or not errors
become rarer with the score; the chains add up by the union bound.

A sample drawn before some images of the frame got a training label speaks of these, too. With a share s of a level's
images left, at most alpha of what is left is wrong if at most s * alpha of all of them is, even if those taken were all
right; so that is what the level is tested for.

Dimensions: V validation images, F images of the sampling frame, T images taken out of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ssmae.config import WIDEST_START
from ssmae.gate.bounds import FloatArray, binomial_tail, error_upper_bound, smallest_sample
from ssmae.gate.evidence import ValidationEvidence, share_left

COVERAGE_LEVELS = (10, 25, 40, 55, 70, 85)
"""Percentages of the frame that may be accepted, strictest first; whole numbers, so that products are exact."""

CHAIN_STARTS = (10, 25, WIDEST_START)
"""Levels at which a chain of tests may begin; several starts because a single strict one has no power."""


@dataclass(frozen=True)
class Level:
    """One candidate threshold with its evidence.

    Attributes:
        threshold: accept scores from here upwards.
        coverage: share of the frame accepted so.
        errors: validation images accepted so that the model got wrong.
        n: validation images accepted so.
        left: share of the images accepted so, of the frame as the sample was drawn from it, that are still in it.
    """

    threshold: float
    coverage: float
    errors: int
    n: int
    left: float = 1.0

    def p_value(self, alpha: float) -> float:
        """Largest probability of so few errors if more than alpha of what is left were wrong.

        Source: the exact binomial tail as p-value of Learn-then-Test, 2110.01052; for the share left see the module's
        docstring.
        """
        return binomial_tail(self.errors, self.n, alpha * self.left)

    def error_bound(self, delta: float) -> float:
        """With probability 1 - delta at most this share of what is left is wrong.

        Source: Clopper and Pearson, Biometrika 26 (1934); for the share left see the module's docstring.
        """
        return min(1.0, error_upper_bound(self.errors, self.n, delta) / self.left) if self.left else 1.0


def affordable_starts(answered: int, alpha: float, delta_of_chains: float) -> tuple[int, ...]:
    """As many chain starts as the sample can feed, the widest ones; each must survive one error.

    Args:
        answered: validation images with an answer.
        alpha: largest error rate allowed.
        delta_of_chains: what all chains of the check together may spend.

    Source: 2110.01052, fixed-sequence testing with several starts; how many is own: a start that the sample cannot feed
    would only cost the others.
    """
    for chains in range(len(CHAIN_STARTS), 0, -1):
        starts = CHAIN_STARTS[-chains:]
        if starts[0] * answered >= 100 * smallest_sample(1, alpha, delta_of_chains / chains):
            return starts
    return ()


def reachable_levels(starts: tuple[int, ...]) -> tuple[int, ...]:
    """The levels that chains with these starts may end at.

    Source: 2110.01052, fixed-sequence testing.
    """
    return COVERAGE_LEVELS[COVERAGE_LEVELS.index(starts[0]) :]


def tested_levels(
    starts: tuple[int, ...], ranked_F: FloatArray, evidence: ValidationEvidence, alpha: float, share: float
) -> tuple[list[Level], list[Level]]:
    """Run the chains: each tests its levels in order, at `share`, and stops at the first that fails.

    Args:
        starts: where the chains begin.
        ranked_F: the frame's scores in descending order, the first above 0.
        evidence: what the levels are judged by.
        alpha: largest error rate allowed.
        share: what each chain may spend of delta.

    Returns:
        (proven, failed), at most one failed level a chain.

    Source: 2110.01052, fixed-sequence testing with several starts; union bound over the chains.
    """
    reachable = reachable_levels(starts)
    levels = [level_at(percent, ranked_F, evidence) for percent in reachable]
    proven: list[Level] = []
    failed: list[Level] = []
    for start in starts:
        for level in levels[reachable.index(start) :]:
            if level.p_value(alpha) > share:
                failed.append(level)
                break
            proven.append(level)
    return proven, failed


def level_at(percent: int, ranked_F: FloatArray, evidence: ValidationEvidence) -> Level:
    """The threshold that accepts this percentage of the frame, ties included, but never a score of 0.

    Source: own; a threshold that the frame's scores alone decide costs nothing of delta.
    """
    threshold = ranked_F[-(-percent * ranked_F.size // 100) - 1]
    if threshold <= 0:
        threshold = ranked_F[ranked_F > 0][-1]
    return level_from(float(threshold), evidence)


def level_from(threshold: float, evidence: ValidationEvidence) -> Level:
    """What a threshold accepts of the frame and of the sample.

    Source: own; the counts that a threshold is tested by.
    """
    is_accepted_V = evidence.scores_V >= threshold
    n = int(np.count_nonzero(is_accepted_V))
    errors = int(np.count_nonzero(is_accepted_V & ~evidence.is_correct_V))
    accepted = int(np.count_nonzero(evidence.frame_scores_F >= threshold))
    taken = int(np.count_nonzero(evidence.taken_scores_T >= threshold))
    return Level(threshold, accepted / max(1, evidence.frame_scores_F.size), errors, n, share_left(accepted, taken))
