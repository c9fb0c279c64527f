"""What waits for a lead: disputed images and flags, a page at a time."""

from __future__ import annotations

import pytest
from sqlalchemy import event

from app.db.queries import disputes as queries
from app.domain.labels import Action, Queue
from app.domain.pools import Split
from app.errors import NotFound
from app.services import annotation, flags, reports


@pytest.fixture
def pets(world):
    world.make_project(train=12)
    return world


def dispute(world, image_id):
    cat, dog = world.class_ids
    world.answer(image_id, cat, by="Ada", queue=Queue.SELECTION)
    world.answer(image_id, dog, by="Ben", queue=Queue.SELECTION)


def test_disputes__are_what_people_differ_on_or_did_not_know_with_what_each_said(pets):
    differ, unknown, calm = pets.ids(Split.TRAIN)[:3]
    dispute(pets, differ)
    pets.answer(calm, pets.class_ids[0])
    ada = pets.annotator("Ada")
    with pets.writing() as uow:
        annotation.answer(
            uow, uid="u", image_id=unknown, annotator_id=ada, action=Action.UNSURE, class_id=None,
            queue=Queue.SELECTION, note="too dark",
        )  # fmt: skip

    with pets.reading() as uow:
        found = reports.disputes(uow, pets.project_id)
        waiting = reports.waiting(uow, pets.project_id)

    assert [one.image.id for one in found] == [differ, unknown]
    assert [(said.who, said.what) for said in found[0].opinions] == [("Ada", "cat"), ("Ben", "dog")]
    assert [(said.who, said.what, said.note) for said in found[1].opinions] == [("Ada", "not sure", "too dark")]
    assert (waiting.disputes, waiting.flags) == (2, 0)


def test_disputes__are_read_a_page_at_a_time(pets):
    for image_id in pets.ids(Split.TRAIN)[:5]:
        dispute(pets, image_id)

    with pets.reading() as uow:
        first = reports.disputes(uow, pets.project_id, limit=3)
        rest = reports.disputes(uow, pets.project_id, after_id=first[-1].image.id, limit=3)

    assert [one.image.id for one in [*first, *rest]] == pets.ids(Split.TRAIN)[:5]


def test_disputes__end_with_a_decision(pets):
    image_id = pets.ids(Split.TRAIN)[0]
    dispute(pets, image_id)
    pets.answer(image_id, pets.class_ids[1], by="Cleo", queue=Queue.ADJUDICATION)

    with pets.reading() as uow:
        assert reports.disputes(uow, pets.project_id) == []


@pytest.mark.parametrize("read", [queries.count, lambda *of: queries.listed(*of, after_id=0, limit=5)])
def test_disputes__are_found_by_their_own_index(pets, read):
    """A project of a million images has a handful of them."""
    plans = []
    with pets.reading() as uow:
        if uow.session.get_bind().dialect.name != "sqlite":
            uow.session.connection().exec_driver_sql("SET LOCAL enable_seqscan = off")

        def explained(connection, cursor, statement, parameters, context, executemany):
            if statement.startswith("SELECT"):
                how = "EXPLAIN QUERY PLAN" if connection.dialect.name == "sqlite" else "EXPLAIN"
                cursor.execute(f"{how} {statement}", parameters)
                plans.append(str(cursor.fetchall()))

        event.listen(pets.database.engine, "before_cursor_execute", explained)
        read(uow.session, pets.project_id)
        event.remove(pets.database.engine, "before_cursor_execute", explained)

    assert "ix_image_needs_decision" in plans[-1]


def raised(world, image_id, note, by="Ada"):
    person = world.annotator(by)
    with world.writing() as uow:
        flags.raise_flag(uow, uid=f"{by}-{image_id}", image_id=image_id, annotator_id=person, note=note)


def test_flags__wait_until_somebody_resolves_them_and_can_wait_again(pets):
    first, second = pets.ids(Split.TRAIN)[:2]
    raised(pets, first, "a fox?")
    raised(pets, second, "blurred", by="Ben")
    lead = pets.annotator("Cleo")
    with pets.reading() as uow:
        newest, oldest = reports.flags(uow, pets.project_id)
    with pets.writing() as uow:
        flags.resolve(uow, oldest.id, lead)

    with pets.reading() as uow:
        waiting = reports.flags(uow, pets.project_id)
        (done,) = reports.flags(uow, pets.project_id, is_open=False)

    assert (newest.who, newest.note, newest.image.id) == ("Ben", "blurred", second)
    assert [one.id for one in waiting] == [newest.id]
    assert (done.note, done.resolved_by) == ("a fox?", "Cleo")
    with pets.writing() as uow:
        flags.reopen(uow, oldest.id)
    with pets.reading() as uow:
        assert reports.waiting(uow, pets.project_id).flags == 2


def test_flags__name_whoever_resolved_them_first(pets):
    raised(pets, pets.ids(Split.TRAIN)[0], "a fox?")
    cleo, dan = pets.annotator("Cleo"), pets.annotator("Dan")
    with pets.writing() as uow:
        (flag,) = reports.flags(uow, pets.project_id)
        flags.resolve(uow, flag.id, cleo)
        flags.resolve(uow, flag.id, dan)

    with pets.reading() as uow:
        (done,) = reports.flags(uow, pets.project_id, is_open=False)
    assert done.resolved_by == "Cleo"


def test_flags__are_read_a_page_at_a_time(pets):
    for image_id in pets.ids(Split.TRAIN)[:5]:
        raised(pets, image_id, "?")

    with pets.reading() as uow:
        first = reports.flags(uow, pets.project_id, limit=3)
        rest = reports.flags(uow, pets.project_id, before_id=first[-1].id, limit=3)

    assert [one.image.id for one in [*first, *rest]] == pets.ids(Split.TRAIN)[4::-1]


def test_flags__that_are_not_there_are_not_found(pets):
    with pytest.raises(NotFound), pets.writing() as uow:
        flags.resolve(uow, 99, pets.annotator())


@pytest.mark.parametrize(
    ("disputes", "open_flags", "sentence"),
    [
        (0, 0, ""),
        (1, 0, "1 image waits for a decision."),
        (0, 2, "2 flags are open."),
        (1200, 1, "1,200 images wait for a decision, and 1 flag is open."),
    ],
)
def test_waiting__is_said_in_a_sentence(disputes, open_flags, sentence):
    assert reports.Waiting(disputes=disputes, flags=open_flags).sentence == sentence
