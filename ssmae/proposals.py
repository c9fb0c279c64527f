"""From the teacher's views of every image to pseudo-labels that are accepted, or rejected with a reason.

A snapshot is taken at a gate check and frozen until the next one: what teaches is exactly what was judged. Must never
import trainer.

Dimensions: N images of the stream, U images without a training label, V validation images, K proposals, W views,
C classes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ssmae.config import RejectionReason
from ssmae.data import RoundData
from ssmae.gate import GateDecision, ValidationEvidence, consistency_scores
from ssmae.losses import NO_LABEL


@dataclass(frozen=True)
class Scores:
    """What the teacher proposes for every image of the stream, and how sure it is.

    Attributes:
        class_N: int64, the weak view's likeliest class.
        score_N: float64, mean probability of that class over the views; 0 where the views disagree.
        confidence_N: float32, the weak view's largest probability.
    """

    class_N: NDArray[np.int64]
    score_N: NDArray[np.float64]
    confidence_N: NDArray[np.float32]

    @classmethod
    def of(cls, probabilities_WNC: NDArray[np.float32]) -> Scores:
        """Score the views of every image, the weak one first. Source: method of `consistency_scores`."""
        score_N, class_N = consistency_scores(probabilities_WNC)
        return cls(class_N.astype(np.int64), score_N, probabilities_WNC[0].max(axis=1))


@dataclass(frozen=True)
class Proposals:
    """Pseudo-labels for the K images that have neither a training nor a validation label.

    Attributes:
        index_K: int64, the image's place in the stream.
        class_K: int64, the class proposed.
        score_K: float64, what the gate's threshold is compared with.
        confidence_K: float32, the weak view's largest probability.
        accepted_K: bool, whether it taught, or may teach, as far as the gate knows.
        reason_K: why not, None where accepted.
    """

    index_K: NDArray[np.int64]
    class_K: NDArray[np.int64]
    score_K: NDArray[np.float64]
    confidence_K: NDArray[np.float32]
    accepted_K: NDArray[np.bool_]
    reason_K: tuple[RejectionReason | None, ...]

    @classmethod
    def none(cls) -> Proposals:
        """Of a round that learnt no classes: it has nothing to propose."""
        whole, real = np.zeros(0, np.int64), np.zeros(0, np.float64)
        return cls(whole, whole, real, np.zeros(0, np.float32), np.zeros(0, np.bool_), ())


def evidence(data: RoundData, scores: Scores) -> ValidationEvidence:
    """What the gate may look at: the validation sample, and the scores of the whole unlabelled pool around it."""
    sample_V = data.validation_index_V
    return ValidationEvidence(
        scores_V=scores.score_N[sample_V],
        is_correct_V=scores.class_N[sample_V] == data.validation_labels_V,
        pool_scores_U=scores.score_N[data.unlabelled_index_U],
    )


def accepted(scores: Scores, decision: GateDecision | None) -> NDArray[np.bool_]:
    """Which scores the gate lets in; never one of 0, whose views disagree."""
    if decision is None or not decision.is_open or decision.threshold is None:
        return np.zeros(len(scores.score_N), np.bool_)
    return (scores.score_N >= decision.threshold) & (scores.score_N > 0)


def teaching_labels(data: RoundData, scores: Scores, decision: GateDecision) -> NDArray[np.int64]:
    """Pseudo-label of each image of the stream, NO_LABEL where there is none.

    Validation images are in it like any other unlabelled image: were they left out, the model would treat them
    differently from the pool, and the gate's bound would be void.
    """
    teaches_N = accepted(scores, decision) & (data.labels_N < 0)
    return np.where(teaches_N, scores.class_N, NO_LABEL)


def propose(data: RoundData, scores: Scores, decision: GateDecision | None) -> Proposals:
    """One proposal for each image without any human label, with the first reason that applies if it is rejected."""
    has_no_answer_N = data.labels_N < 0
    has_no_answer_N[data.validation_index_V] = False
    index_K = np.flatnonzero(has_no_answer_N)
    accepted_K = accepted(scores, decision)[index_K]
    is_open = decision is not None and decision.is_open

    def reason(score: float, *, is_accepted: bool) -> RejectionReason | None:
        if is_accepted:
            return None
        if score <= 0:
            return RejectionReason.INCONSISTENT
        return RejectionReason.LOW_CONFIDENCE if is_open else RejectionReason.GATE_CLOSED

    score_K = scores.score_N[index_K]
    pairs = zip(score_K.tolist(), accepted_K.tolist(), strict=True)
    reasons = tuple(reason(score, is_accepted=taken) for score, taken in pairs)
    return Proposals(index_K, scores.class_N[index_K], score_K, scores.confidence_N[index_K], accepted_K, reasons)
