"""Reading what a round published of its images: only the rows that are asked for."""

from __future__ import annotations

import io
import resource
import time

import numpy as np
import pytest

from app.db.queries import rounds
from app.services import predictions
from tests.predictions import publish_predictions
from worker.results import FileName


@pytest.fixture
def pets(world):
    world.make_project(train=6, test=2, validation_size=0)
    return world


def newest(world):
    with world.reading() as uow:
        return predictions.newest(uow, world.storage, world.project_id)


def test_file__has_the_name_that_the_worker_gives_it():
    assert FileName.PREDICTIONS.value == predictions.FILE


def test_newest__gives_probabilities_by_class_and_finds_rows_by_image(pets):
    round_id = pets.play_round(is_open=False)
    publish_predictions(pets, round_id, {3: (0.25, 0.75), 5: (1.0, 0.0)}, {5: (0.5, 2.0)})
    found, said = newest(pets)
    assert found.id == round_id
    assert said.rows([5, 4, 3, 99]).tolist() == [1, -1, 0, -1]
    assert said.probabilities_of(3) == {pets.class_ids[1]: 0.75, pets.class_ids[0]: 0.25}
    assert said.probabilities_of(4) is None
    assert said.embeddings_ND[1].tolist() == [0.5, 2.0]


def test_newest__none_without_a_round_without_its_file_and_if_it_learnt_no_classes(pets):
    assert newest(pets) is None
    round_id = pets.play_round(is_open=False)
    assert newest(pets) is None
    publish_predictions(pets, round_id, {})
    assert newest(pets)[1].rows([1]).tolist() == [-1]
    with pets.writing() as uow:
        rounds.one(uow.session, round_id).manifest = {"learnt_classes": False}
    assert newest(pets) is None


def test_open__of_a_million_images_takes_neither_seconds_nor_memory(tmp_path):
    count, width = 1_000_000, 96
    path = tmp_path / predictions.FILE
    buffer = io.BytesIO()
    np.savez(
        buffer,
        image_ids=np.arange(count, dtype=np.int64) * 2,
        probabilities=np.zeros((count, 2), np.float16),
        embeddings=np.zeros((count, width), np.float16),
    )
    path.write_bytes(buffer.getbuffer())
    del buffer
    before, begun = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    said = predictions._open(path, (1, 2))
    assert said.rows([0, 999_998, 1_999_998, 7]).tolist() == [0, 499_999, 999_999, -1]
    assert said.embeddings_ND[said.rows([999_998])].shape == (1, width)
    assert time.process_time() - begun < 1.0
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000  # kilobytes; the file has 200 MB
