"""What a lost worker leaves, the next one goes on from."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from app.storage import Storage
from ssmae.config import ModelConfig, RoundConfig, ScheduleConfig, StartFrom
from ssmae.data import ImageStore, RoundData
from ssmae.errors import Stopped
from worker import training
from worker.starting import Start
from worker.training import midway_path, train

CLASSES = list(range(10))
CONFIG = RoundConfig(
    model=ModelConfig(image_size=8, patch_size=4, embed_dim=16, depth=1, heads=2, decoder_dim=8, decoder_heads=2),
    schedule=ScheduleConfig(reconstruct_steps=4, labels_steps=4, joint_steps=4, unlabelled_batch=16, labelled_batch=8),
    device="cpu",
    threads=1,
)


@pytest.fixture
def data():
    loaded = load_digits()
    pixels = np.repeat(np.round(loaded.images[:100] / 16 * 255).astype(np.uint8)[:, None], 3, axis=1)
    labels_N = np.where(np.arange(100) < 40, loaded.target[:100], -1).astype(np.int64)
    nothing = np.zeros(0, np.int64)
    return RoundData(ImageStore(pixels), labels_N, nothing, nothing, tuple("0123456789"))


def trained(data, midway, *, stop_after=1_000_000):
    asked = []

    def should_stop():
        asked.append(True)
        return len(asked) > stop_after

    start = Start(asked=StartFrom.SCRATCH, state=None)
    return train(
        data,
        CONFIG,
        seed=0,
        start=start,
        class_ids=CLASSES,
        midway=midway,
        on_progress=lambda _: None,
        should_stop=should_stop,
    )


def test_train__goes_on_from_what_a_lost_worker_left_and_ends_the_same(data, tmp_path, monkeypatch):
    monkeypatch.setattr(training, "SECONDS_BETWEEN_STATES", 0.0)
    undisturbed, notes = trained(data, midway_path(Storage(tmp_path), 1))
    assert notes == []
    shared = midway_path(Storage(tmp_path), 2)
    with pytest.raises(Stopped):
        trained(data, shared, stop_after=13)
    resumed, notes = trained(data, shared)
    assert notes == ["Went on from the half-way state of an earlier attempt."]
    assert np.array_equal(resumed.predictions.probabilities_NC, undisturbed.predictions.probabilities_NC)
    assert all(torch.equal(undisturbed.student.weights[name], value) for name, value in resumed.student.weights.items())


def test_train__starts_over_from_a_state_that_does_not_fit_and_says_so(data, tmp_path):
    path = midway_path(Storage(tmp_path), 1)
    path.write_bytes(b"half of a file")
    result, (note,) = trained(data, path)
    assert result.learnt_classes
    assert "did not fit this worker" in note
