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

Given how many answers each class has at a level, those answers are a uniform sample of the class's images there, so the
choice of classes with enough answers costs nothing either.

Source: 2110.01052; Holm (1979); Vovk et al., Algorithmic Learning in a Random World (2005), section 4.5 (Mondrian).

Dimensions: V validation images, F images of the sampling frame, C classes, K classes with images at the level.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ssmae.gate.bounds import binomial_tail, excess_tail, holm
from ssmae.gate.decision import ClassEvidence
from ssmae.gate.evidence import PredictedClasses, ValidationEvidence
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
    """
    if evidence.classes is None:
        return ()
    accepted_C, n_C, errors_C = _counts(threshold, evidence, evidence.classes)
    present_K = np.flatnonzero(accepted_C)
    counts = [(int(errors_C[index]), int(n_C[index])) for index in present_K]
    is_certified_K = holm(
        np.array([binomial_tail(errors, n, alpha) for errors, n in counts]),
        np.array([binomial_tail(0, n, alpha) for _, n in counts]),
        certify,
    )
    is_blocked_K = holm(
        np.array([excess_tail(errors, n, alpha) for errors, n in counts]),
        np.array([excess_tail(n, n, alpha) for _, n in counts]),
        block,
    )
    judged = []
    for place, (errors, n) in enumerate(counts):
        low, high = accuracy_interval(errors, n, confidence)
        index = int(present_K[place])
        coverage = float(accepted_C[index] / len(evidence.frame_scores_F))
        is_certified, is_blocked = bool(is_certified_K[place]), bool(is_blocked_K[place])
        judged.append(ClassEvidence(index, coverage, errors, n, low, high, is_certified, is_blocked))
    return tuple(judged)


def _counts(
    threshold: float, evidence: ValidationEvidence, classes: PredictedClasses
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """Images of the frame, answered images and errors of each class at the level."""
    at_level_V = evidence.scores_V >= threshold
    of_frame = classes.of_frame_F[evidence.frame_scores_F >= threshold]
    of_sample = classes.of_sample_V[at_level_V]
    of_wrong = classes.of_sample_V[at_level_V & ~evidence.is_correct_V]
    frame_C, sample_C, wrong_C = (
        np.bincount(found, minlength=len(classes.names)) for found in (of_frame, of_sample, of_wrong)
    )
    return frame_C, sample_C, wrong_C
