"""Transactions: nothing without a commit, messages after it, readers beside a writer."""

from __future__ import annotations

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
