"""The large project of the benchmarks is one that the services could have made."""

from __future__ import annotations

import hashlib

import pytest
from sqlalchemy import func, select

from app.db.models import Image
from app.db.queries import images
from app.db.unit_of_work import Database
from app.domain.labels import Queue
from app.domain.pools import Pool, Split
from app.services import queues, review, rounds
from app.storage import image_key
from tests.benchmarks import million


@pytest.fixture
def database(database_url):
    opened = Database(database_url, lambda *_: None)
    yield opened
    opened.engine.dispose()


def test_build__gives_every_queue_something_to_serve(database, database_url, tmp_path):
    built = million.build(database_url, tmp_path, 3000)
    with database.reading() as uow:
        assert million.find(database) == built
        left = rounds.unanswered(uow, built.project_id, built.annotator_ids[0])
        assert all(left[queue] > 0 for queue in (Queue.TEST, Queue.VALIDATION, Queue.SELECTION, Queue.REVIEW))
        counts = images.pool_counts(uow.session, built.project_id)
        assert sum(counts.values()) == 3000
        assert {pool for _, pool in counts} == set(Pool)
        assert {split for split, _ in counts} == set(Split)
        assert review.accepted(uow, built.project_id)
        assert uow.session.scalar(select(func.count()).where(Image.needs_decision))
        served = queues.next_images(uow, built.project_id, Queue.SELECTION, built.annotator_ids[0], 5)
    for item in served:
        file = tmp_path / "files" / image_key(item.sha256, item.suffix)
        assert hashlib.sha256(file.read_bytes()).hexdigest() == item.sha256
