"""What a round's process hands to the learner, and what it keeps of the gate's answers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.domain.pools import Split
from app.services.snapshots import UNLABELLED, SnapshotRows
from ssmae.data import ImageStore
from ssmae.gate import ClassEvidence, GateDecision
from worker.learner_data import frame_notes, learner_data
from worker.results import gate_rows

TRAIN, VALIDATION, TEST = range(3)


@pytest.fixture
def rows() -> SnapshotRows:
    """Two training, four validation and two test images; the third validation image was skipped, the last not asked."""
    return SnapshotRows(
        image_ids_N=np.arange(10, 18),
        sha256_N=np.array([str(number) for number in range(8)]),
        suffix_N=np.array([".png"] * 8),
        split_N=np.array([TRAIN, VALIDATION, TEST, VALIDATION, VALIDATION, TRAIN, VALIDATION, TEST], np.int8),
        class_index_N=np.array([1, 0, 1, 1, UNLABELLED, UNLABELLED, 0, 0], np.int32),
        judges_N=np.array([0, 1, 0, 1, 1, 0, 0, 0], np.bool_),
        in_frame_N=np.array([0, 1, 0, 1, 1, 0, 1, 0], np.bool_),
        class_ids=[7, 9],
        class_names=["elm", "oak"],
    )


def images_of(stream_N: np.ndarray) -> ImageStore:
    return ImageStore(np.zeros((len(stream_N), 3, 8, 8), np.uint8))


def test_learner_data__has_the_frame_and_the_answers_that_judge_and_no_test_image(rows):
    stream_N = rows.where(Split.TRAIN, Split.VALIDATION)

    data = learner_data(rows, stream_N, images_of(stream_N))

    assert len(data.images) == 6
    assert data.labels_N.tolist() == [1, -1, -1, -1, -1, -1]
    assert data.in_frame_N is not None
    assert data.in_frame_N.tolist() == [False, True, True, True, False, True]
    # The last validation image has an answer, but the sample was not asked up to it; the third was skipped.
    assert data.validation_index_V.tolist() == [1, 2, 3]
    assert data.validation_labels_V.tolist() == [0, 1, -1]


def test_learner_data__of_an_older_snapshot_covers_every_image_and_the_manifest_says_so(rows):
    older = replace(rows, in_frame_N=None)
    stream_N = older.where(Split.TRAIN, Split.VALIDATION)

    assert learner_data(older, stream_N, images_of(stream_N)).in_frame_N is None
    assert "not known which images the validation sample was drawn from" in frame_notes(older)[0]
    assert frame_notes(rows) == []


def test_frame_notes__a_round_without_a_sample_owes_no_explanation(rows):
    assert frame_notes(replace(rows, in_frame_N=None, judges_N=np.zeros(8, np.bool_))) == []


def test_gate_rows__name_classes_by_what_they_are_called_in_the_database(rows):
    oak = ClassEvidence(
        class_index=1, coverage=np.float64(0.2), errors=12, n=30, low=0.2, high=0.6, is_certified=False, is_blocked=True
    )
    decision = GateDecision(True, 0.9, 0.5, 0.08, 0, 55, 0.1, 0.025, 1, "Because.", blocked=(1,), classes=(oak,))

    [row] = gate_rows([decision], rows.class_ids)

    assert row["classes"] == [
        {"class_id": 9, "coverage": 0.2, "errors": 12, "n": 30, "low": 0.2, "high": 0.6, "is_certified": False,
         "is_blocked": True},
    ]  # fmt: skip
    assert row["discards"] is False
