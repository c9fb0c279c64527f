"""Class by class (Mondrian): which classes are proven good, which are proven bad and therefore left out.

Two statements, each on its own delta.

*Certificates.* At the level that was accepted, Holm's procedure over the classes that have enough answers. The level
was chosen by looking at the same answers, so each reachable level is a family of its own and gets an equal part of what
the check spends. The probability that any class certified in a round is wrong more often than alpha is at most delta.
Certificates steer nothing, so they cost later checks nothing. That all classes *and* the whole hold together has
probability 1 - 2 delta.

*Blocks.* A class is left out if its error rate is proven to be above alpha. Leaving out can break the promise about the
whole in one way only: the class was good after all. For if at most alpha of everything accepted is wrong, and more than
alpha of the class, then less than alpha of the rest. So the promise holds for what is left if no certificate of a level
and no block is false, and by the union bound it is enough that blocks take their delta from the same purse: a share
`BLOCKING_SHARE` of what the check spends, split over the reachable levels as above, the chains of levels having the
rest. What training then learns, the set of blocked classes, is paid for by later checks (`spending.outcome_weight`).

Where images of a class were taken out of the frame since the sample was drawn, both statements hold in the worst case:
all of these right for a certificate (see `levels`), all of them wrong for a block.

Given how many answers each class has at a level, those answers are a uniform sample of the class's images there, so the
choice of classes with enough answers costs nothing either.

Source: 2110.01052; Holm (1979); Vovk et al., Algorithmic Learning in a Random World (2005), section 4.5 (Mondrian).

Dimensions: V validation images, F images of the sampling frame, T images taken out of it, C classes, K classes with
images at the level.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ssmae.gate.bounds import binomial_tail, excess_tail, holm
from ssmae.gate.decision import ClassEvidence
from ssmae.gate.evidence import PredictedClasses, ValidationEvidence, share_left
from ssmae.metrics import accuracy_interval


def judge_classes(
    threshold: float,
    evidence: ValidationEvidence,
    *,
    alpha: float,
    certify: float,
    block: float,
    confidence: float,
) -> tuple[ClassEvidence, ...]:
    """Certify and block classes at one level.

    Args:
        threshold: of the level.
        evidence: answers, scores and classes.
        alpha: largest error rate allowed.
        certify: what the certificates of this level may spend, all together.
        block: what the blocks of this level may spend, all together; 0 blocks nothing.
        confidence: of the interval of each class.

    Returns:
        One entry a class that has images of the frame at the level, in the order of their indices; none if the
        evidence says nothing of classes.

    Source: Mondrian, Vovk et al. (2005), section 4.5; Holm (1979); how delta is split is own, see the module's
    docstring.
    """
    if evidence.classes is None:
        return ()
    counts_C = _counts(threshold, evidence, evidence.classes)
    present_K = np.flatnonzero([count.accepted for count in counts_C])
    counts_K = [counts_C[index] for index in present_K]
    is_certified_K = holm(
        np.array([count.p_if_bad(count.errors, alpha) for count in counts_K]),
        np.array([count.p_if_bad(0, alpha) for count in counts_K]),
        certify,
    )
    is_blocked_K = holm(
        np.array([count.p_if_good(count.errors, alpha) for count in counts_K]),
        np.array([count.p_if_good(count.n, alpha) for count in counts_K]),
        block,
    )
    judged = []
    for place, count in enumerate(counts_K):
        low, high = accuracy_interval(count.errors, count.n, confidence)
        coverage = count.accepted / len(evidence.frame_scores_F)
        is_certified, is_blocked = bool(is_certified_K[place]), bool(is_blocked_K[place])
        judged.append(
            ClassEvidence(int(present_K[place]), coverage, count.errors, count.n, low, high, is_certified, is_blocked)
        )
    return tuple(judged)


@dataclass(frozen=True)
class _Count:
    """What a level accepts of one class: images of the frame, answered images, errors, and the share that is left."""

    accepted: int
    n: int
    errors: int
    left: float

    def p_if_bad(self, errors: int, alpha: float) -> float:
        """Largest probability of so few errors if more than alpha of what is left were wrong: all taken ones right."""
        return binomial_tail(errors, self.n, alpha * self.left)

    def p_if_good(self, errors: int, alpha: float) -> float:
        """Largest probability of so many errors if at most alpha of what is left were wrong: all taken ones wrong."""
        return excess_tail(errors, self.n, alpha * self.left + (1 - self.left))


def _counts(threshold: float, evidence: ValidationEvidence, classes: PredictedClasses) -> list[_Count]:
    at_level_V = evidence.scores_V >= threshold
    found = (
        classes.of_frame_F[evidence.frame_scores_F >= threshold],
        classes.of_sample_V[at_level_V],
        classes.of_sample_V[at_level_V & ~evidence.is_correct_V],
        classes.of_taken_T[evidence.taken_scores_T >= threshold],
    )
    by_class = zip(*(np.bincount(each, minlength=len(classes.names)).tolist() for each in found), strict=True)
    return [_Count(accepted, n, errors, share_left(accepted, taken)) for accepted, n, errors, taken in by_class]
