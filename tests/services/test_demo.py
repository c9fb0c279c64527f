"""The seal answers whole queues."""

from __future__ import annotations

from sqlalchemy import update

from app.db.models import Image
from app.domain.labels import Queue
from app.domain.pools import Pool, Split
from app.services.demo import ANSWERS_AT_A_TIME, simulate
from app.services.runtime import Runtime
from app.settings import load


def test_simulate__a_whole_batch_without_a_sealed_class_does_not_end_the_queue(world, tmp_path):
    world.make_project(test=2 * ANSWERS_AT_A_TIME + 5)
    unknown = world.ids(Split.TEST)[:ANSWERS_AT_A_TIME]
    with world.writing() as uow:
        uow.session.execute(update(Image).where(Image.id.in_(unknown)).values(sealed_class_id=None))
    settings = load({"DATA_DIR": str(tmp_path / "data")})
    runtime = Runtime(settings=settings, database=world.database, storage=world.storage)

    some = simulate(runtime, world.project_id, Queue.TEST, 3)
    rest = simulate(runtime, world.project_id, Queue.TEST)

    assert (some, rest) == (3, ANSWERS_AT_A_TIME + 2)
    assert set(world.ids(Split.TEST, Pool.UNLABELLED)) == set(unknown)
