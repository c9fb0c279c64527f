"""Transactions: nothing without a commit, messages after it, readers beside a writer."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import repeat

import pytest
from sqlalchemy import func, select

from app.db.models import Project
from app.db.unit_of_work import committed
from app.services import projects
from tests.world import World


@pytest.fixture
def world(database_url, tmp_path):
    """An empty database."""
    made = World(database_url, tmp_path)
    yield made
    made.close()


def count(world) -> int:
    with world.database.reading() as uow:
        return uow.session.scalar(select(func.count()).select_from(Project)) or 0


def test_writing__without_a_commit_everything_is_rolled_back_and_no_message_leaves(world):
    with world.database.writing() as uow:
        projects.create(uow, name="Pets")
        uow.tell("task", 1)

    assert (count(world), world.messages) == (0, [])


def test_committed__an_exception_rolls_back_and_nothing_is_sent(world):
    with pytest.raises(ZeroDivisionError), committed(world.database) as uow:
        projects.create(uow, name="Pets")
        uow.tell("task", 1)
        raise ZeroDivisionError

    assert (count(world), world.messages) == (0, [])


def test_commit__sends_what_was_told_once_and_only_after_the_rows_can_be_seen(world):
    seen = []
    world.database._send = lambda task, row: seen.append((task, row, count(world)))
    with world.database.writing() as uow:
        projects.create(uow, name="Pets")
        uow.tell("task", 7)
        uow.commit()
        uow.commit()

    assert seen == [("task", 7, 1)]


def test_reading__is_not_held_up_by_a_writer_and_sees_what_was_committed_before(world):
    with world.database.writing() as writer:
        projects.create(writer, name="Pets")
        writer.session.flush()
        before = count(world)
        writer.commit()

    assert (before, count(world)) == (0, 1)


def make(world, name):
    with committed(world.database) as uow:
        projects.create(uow, name=name)


def test_writing__more_threads_than_there_are_connections_wait_for_one_and_hold_up_no_reader(world):
    names = [f"Project {number}" for number in range(25)]
    with ThreadPoolExecutor(len(names)) as threads, ThreadPoolExecutor(1) as reader:
        with world.database.writing() as first:
            projects.create(first, name="First")
            first.session.flush()
            made = threads.map(make, repeat(world), names)
            for _ in range(5):  # while ever more of them wait
                assert reader.submit(count, world).result(timeout=5) <= len(names)
            first.commit()
        list(made)

    assert count(world) == len(names) + 1


def test_writing__inside_another_one_of_the_same_thread_goes_on(world):
    with world.database.writing() as outer:
        make(world, "Inner")
        projects.create(outer, name="Outer")
        outer.commit()

    assert count(world) == 2
