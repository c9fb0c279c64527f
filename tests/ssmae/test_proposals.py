"""Which pseudo-labels are accepted, which teach, and why the others do not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ssmae.config import RejectionReason
from ssmae.data import ImageStore, RoundData
from ssmae.errors import InvalidData
from ssmae.gate import GateDecision, LearnThenTestGate, PointEstimateGate
from ssmae.losses import NO_LABEL
from ssmae.proposals import Scores, accepted, evidence, propose, teaching_labels

OPEN = GateDecision(True, 0.8, 0.5, 0.05, 0, 60, 0.1, 0.025, 1, "Open: for this test.")
CLOSED = replace(OPEN, is_open=False, threshold=None)


@pytest.fixture
def data():
    """Image 0 is labelled, image 5 is of the validation sample, the others have no answer."""
    return RoundData(
        ImageStore(np.zeros((6, 3, 8, 8), np.uint8)),
        np.array([1, -1, -1, -1, -1, -1]),
        np.array([5]),
        np.array([0]),
        ("a", "b"),
    )


@pytest.fixture
def in_part(data):
    """The same round; the validation sample was drawn before images 1 and 4 arrived."""
    return replace(data, in_frame_N=np.array([True, False, True, True, False, True]))


@pytest.fixture
def scores():
    return Scores(
        np.array([1, 1, 0, 1, 0, 0]), np.array([0.99, 0.9, 0.8, 0.79, 0.0, 0.95]), np.full(6, 0.9, np.float32)
    )


def test_propose__accepts_from_the_threshold_upwards(data, scores):
    proposals = propose(data, scores, OPEN)
    assert proposals.index_K.tolist() == [1, 2, 3, 4]
    assert proposals.accepted_K.tolist() == [True, True, False, False]
    assert proposals.reason_K == (None, None, RejectionReason.LOW_CONFIDENCE, RejectionReason.INCONSISTENT)


@pytest.mark.parametrize("decision", [CLOSED, None])
def test_propose__accepts_nothing_while_the_gate_is_closed(data, scores, decision):
    proposals = propose(data, scores, decision)
    assert not proposals.accepted_K.any()
    assert proposals.reason_K == (*[RejectionReason.GATE_CLOSED] * 3, RejectionReason.INCONSISTENT)


def test_propose__never_accepts_views_that_disagree_even_at_threshold_zero(data, scores):
    proposals = propose(data, scores, replace(OPEN, threshold=0.0))
    assert proposals.accepted_K.tolist() == [True, True, True, False]


def test_teaching_labels__treat_validation_images_like_the_rest_of_the_pool(data, scores):
    assert teaching_labels(data, scores, OPEN).tolist() == [NO_LABEL, 1, 0, NO_LABEL, NO_LABEL, 0]
    assert (teaching_labels(data, scores, CLOSED) == NO_LABEL).all()


def test_propose__of_a_blocked_class_nothing_is_accepted_and_only_what_would_have_been_is_called_so(data, scores):
    proposals = propose(data, scores, replace(OPEN, blocked=(1,)))
    assert proposals.accepted_K.tolist() == [False, True, False, False]
    assert proposals.reason_K == (
        RejectionReason.CLASS_BLOCKED,
        None,
        RejectionReason.LOW_CONFIDENCE,
        RejectionReason.INCONSISTENT,
    )
    teaching_N = teaching_labels(data, scores, replace(OPEN, blocked=(1,)))
    assert np.flatnonzero(teaching_N != NO_LABEL).tolist() == [2, 5]


@pytest.mark.parametrize("decision", [OPEN, CLOSED, None])
def test_propose__outside_the_sampling_frame_nothing_is_accepted(in_part, scores, decision):
    proposals = propose(in_part, scores, decision)
    assert proposals.index_K.tolist() == [1, 2, 3, 4]
    assert not proposals.accepted_K[[0, 3]].any()
    assert [proposals.reason_K[place] for place in (0, 3)] == [RejectionReason.OUTSIDE_FRAME] * 2
    assert proposals.reason_K[1] == (None if decision is OPEN else RejectionReason.GATE_CLOSED)


def test_teaching_labels__outside_the_sampling_frame_nothing_teaches(in_part, scores):
    assert teaching_labels(in_part, scores, OPEN).tolist() == [NO_LABEL, NO_LABEL, 0, NO_LABEL, NO_LABEL, 0]
    assert accepted(in_part, scores, OPEN).tolist() == [False, False, True, False, False, True]


def test_evidence__is_the_validation_sample_within_the_whole_unlabelled_pool(data, scores):
    seen = evidence(data, scores)
    assert seen.scores_V.tolist() == [0.95]
    assert seen.is_correct_V.tolist() == [True]
    assert seen.frame_scores_F.tolist() == [0.9, 0.8, 0.79, 0.0, 0.95]
    assert seen.classes is not None
    assert seen.classes.names == ("a", "b")
    assert seen.classes.of_sample_V.tolist() == [0]
    assert seen.classes.of_frame_F.tolist() == [1, 0, 1, 0, 0]


def test_evidence__is_of_the_sampling_frame_alone(in_part, scores):
    seen = evidence(in_part, scores)
    assert seen.frame_scores_F.tolist() == [0.8, 0.79, 0.95]
    assert seen.classes is not None
    assert seen.classes.of_frame_F.tolist() == [0, 1, 0]


def test_round_data__refuses_a_validation_image_from_outside_the_frame(data):
    with pytest.raises(InvalidData, match=r"of the sampling frame\. Got others: \[5\]"):
        replace(data, in_frame_N=np.array([False, True, True, True, True, False]))


def test_scores__are_zero_where_the_views_disagree():
    views = np.array([[[0.9, 0.1], [0.6, 0.4]], [[0.7, 0.3], [0.4, 0.6]]], np.float32)
    scores = Scores.of(views)
    assert scores.class_N.tolist() == [0, 0]
    assert scores.score_N.tolist() == pytest.approx([0.8, 0.0])
    assert scores.confidence_N.tolist() == pytest.approx([0.9, 0.6])


def test_scores__are_those_of_the_gate_that_is_to_judge():
    views = np.array([[[0.9, 0.1]], [[0.7, 0.3]]], np.float32)
    assert Scores.of(views, LearnThenTestGate().score).score_N.tolist() == pytest.approx([0.8])
    assert Scores.of(views, PointEstimateGate().score).score_N.tolist() == pytest.approx([0.7])
