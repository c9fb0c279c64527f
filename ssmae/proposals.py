"""From the teacher's views of every image to pseudo-labels that are accepted, or rejected with a reason.

A snapshot is taken at a gate check and frozen: what teaches is exactly what was judged. The gate speaks of the sampling
frame, the images that the validation sample was drawn from, so nothing outside of it is ever accepted. Must never
import trainer.

Dimensions: N images of the stream, F unlabelled images of the sampling frame, V validation images, K proposals,
W views, C classes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ssmae.config import RejectionReason
from ssmae.data import RoundData
from ssmae.gate import GateDecision, PredictedClasses, ValidationEvidence, consistency_scores
from ssmae.losses import NO_LABEL

Score = Callable[[NDArray[np.floating]], tuple[NDArray[np.float64], NDArray[np.intp]]]
"""A gate's `score`: probabilities of every view to one number and one class an image."""


@dataclass(frozen=True)
class Scores:
    """What the teacher proposes for every image of the stream, and how sure it is.

    Attributes:
        class_N: int64, the weak view's likeliest class.
        score_N: float64, what the gate's threshold is compared with; 0 where the views disagree.
        confidence_N: float32, the weak view's largest probability.
    """

    class_N: NDArray[np.int64]
    score_N: NDArray[np.float64]
    confidence_N: NDArray[np.float32]

    @classmethod
    def of(cls, probabilities_WNC: NDArray[np.float32], score: Score = consistency_scores) -> Scores:
        """Score the views of every image, the weak one first: class_N, score_N and confidence_N.

        Args:
            probabilities_WNC: class probabilities of every view.
            score: the `score` of the gate that is to judge.

        Source: FixMatch, 2001.07685, section 2 (the weak view gives the class); `score` names its own.
        """
        score_N, class_N = score(probabilities_WNC)
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
    """What the gate may look at: the validation sample, and scores and classes of the sampling frame around it.

    Source: own; a sample says something of the images that it was drawn from, and of no others.
    """
    sample_V, frame_F, taken_T = data.validation_index_V, data.frame_index_F, data.taken_index_T
    return ValidationEvidence(
        scores_V=scores.score_N[sample_V],
        is_correct_V=scores.class_N[sample_V] == data.validation_labels_V,
        frame_scores_F=scores.score_N[frame_F],
        classes=PredictedClasses(
            data.class_names, scores.class_N[sample_V], scores.class_N[frame_F], scores.class_N[taken_T]
        ),
        taken_scores_T=scores.score_N[taken_T],
    )


def accepted(data: RoundData, scores: Scores, decision: GateDecision | None) -> NDArray[np.bool_]:
    """Which images of the stream the gate lets in, (N,): of the frame, sure enough, and of a class that is not blocked.

    Validation images are among them. A score of 0, whose views disagree, is never let in.

    Source: SSMAE, 2601.20072 (sure, and of one class on all views); frame and blocked classes are own, as in `gate`.
    """
    if decision is None or not decision.is_open or decision.threshold is None:
        return np.zeros(len(scores.score_N), np.bool_)
    is_sure_N = (scores.score_N >= decision.threshold) & (scores.score_N > 0)
    return _in_frame(data) & is_sure_N & ~np.isin(scores.class_N, decision.blocked)


def teaching_labels(data: RoundData, scores: Scores, decision: GateDecision | None) -> NDArray[np.int64]:
    """Pseudo-label of each image of the stream, (N,), NO_LABEL where there is none.

    Validation images are in it like any other image of the frame: were they left out, the model would treat them
    differently from the frame, and the gate's bound would be void.

    Source: own; the gate's bound asks that validation images be treated like the frame.
    """
    return np.where(accepted(data, scores, decision), scores.class_N, NO_LABEL)


def propose(data: RoundData, scores: Scores, decision: GateDecision | None) -> Proposals:
    """One proposal for each image without any human label, with the first reason that applies if it is rejected.

    Args:
        data: of the round.
        scores: those that the decision was made on.
        decision: the one in force; None or a closed one if nothing is.

    Source: own; a rejection helps people if they are told why.
    """
    has_no_answer_N = data.labels_N < 0
    has_no_answer_N[data.validation_index_V] = False
    index_K = np.flatnonzero(has_no_answer_N)
    score_K, class_K = scores.score_N[index_K], scores.class_N[index_K]
    threshold = decision.threshold if decision is not None and decision.is_open else None
    accepted_K = accepted(data, scores, decision)[index_K]
    reasons = {
        None: accepted_K,
        RejectionReason.OUTSIDE_FRAME: ~_in_frame(data)[index_K],
        RejectionReason.INCONSISTENT: score_K <= 0,
        RejectionReason.GATE_CLOSED: np.full(len(index_K), threshold is None),
        RejectionReason.LOW_CONFIDENCE: score_K < (threshold or 0.0),
        RejectionReason.CLASS_BLOCKED: np.full(len(index_K), fill_value=True),
    }
    names = tuple(reasons)
    first_K = np.argmax(np.stack(list(reasons.values())), axis=0)
    reason_K = tuple(names[place] for place in first_K.tolist())
    return Proposals(index_K, class_K, score_K, scores.confidence_N[index_K], accepted_K, reason_K)


def _in_frame(data: RoundData) -> NDArray[np.bool_]:
    """Images that may be accepted: of the frame, and without a training label."""
    in_frame_N = np.zeros(len(data.images), np.bool_)
    in_frame_N[data.frame_index_F] = True
    return in_frame_N
