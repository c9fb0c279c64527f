"""Which pseudo-labels are accepted, which teach, and why the others do not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ssmae.config import RejectionReason
from ssmae.data import ImageStore, RoundData
from ssmae.gate import GateDecision
from ssmae.losses import NO_LABEL
from ssmae.proposals import Scores, evidence, propose, teaching_labels

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


def test_evidence__is_the_validation_sample_within_the_whole_unlabelled_pool(data, scores):
    seen = evidence(data, scores)
    assert seen.scores_V.tolist() == [0.95]
    assert seen.is_correct_V.tolist() == [True]
    assert seen.pool_scores_U.tolist() == [0.9, 0.8, 0.79, 0.0, 0.95]


def test_scores__are_zero_where_the_views_disagree():
    views = np.array([[[0.9, 0.1], [0.6, 0.4]], [[0.7, 0.3], [0.4, 0.6]]], np.float32)
    scores = Scores.of(views)
    assert scores.class_N.tolist() == [0, 0]
    assert scores.score_N.tolist() == pytest.approx([0.8, 0.0])
    assert scores.confidence_N.tolist() == pytest.approx([0.9, 0.6])
