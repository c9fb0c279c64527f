"""Pace and progress: what counts as work, whose it is, and who holds what."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import update

from app.db.base import database_now
from app.db.models import Annotation, ImageLease
from app.domain.labels import Action, AnnotatorKind, Queue
from app.domain.pools import Split
from app.services import annotation, reports

NOON = datetime(2026, 3, 9, 12, tzinfo=UTC)


@pytest.fixture
def pets(world):
    world.make_project(train=20, test=4)
    return world


def answered(world, image_id, *, by="Ada", at=NOON, seconds=None, action=Action.LABEL):
    """Somebody answered at a time, and took so many seconds."""
    person = world.annotator(by)
    uid = f"{by}-{image_id}-{action}"
    with world.writing() as uow:
        annotation.answer(
            uow, uid=uid, image_id=image_id, annotator_id=person, action=action, queue=Queue.SELECTION,
            class_id=world.class_ids[0] if action is Action.LABEL else None, seconds=seconds,
        )  # fmt: skip
        uow.session.execute(update(Annotation).where(Annotation.uid == uid).values(created_at=at))


def pace(world, zone=UTC, annotator_id=None):
    with world.reading() as uow:
        at = NOON + timedelta(hours=1)
        return reports.pace(uow, world.project_id, at=at, zone=zone, annotator_id=annotator_id)


def test_pace__is_answers_by_the_hours_of_work_without_the_pauses(pets):
    for image_id, seconds in zip(pets.ids(Split.TRAIN), (2.0, 4.0, 6.0, 1800.0), strict=False):
        answered(pets, image_id, seconds=seconds)

    (ada,) = pace(pets)

    assert (ada.name, ada.today, ada.answers, ada.timed) == ("Ada", 4, 4, 4)
    assert ada.seconds == pytest.approx(2 + 4 + 6 + 60)
    assert ada.per_hour == pytest.approx(4 * 3600 / 72)
    assert ada.median_seconds == pytest.approx(4.0)


def test_pace__counts_skips_and_exclusions_but_no_answer_that_was_taken_back_by_an_undo(pets):
    first, second, third = pets.ids(Split.TRAIN)[:3]
    answered(pets, first, seconds=3.0, action=Action.SKIP)
    answered(pets, second, seconds=3.0)
    with pets.writing() as uow:
        annotation.undo(uow, pets.project_id, pets.annotator("Ada"))
    answered(pets, third, seconds=3.0, action=Action.EXCLUDE)

    # The answer that was given and taken back was work; taking it back is no answer.
    assert pace(pets)[0].answers == 3


def test_pace__puts_answers_into_the_days_of_the_reader(pets):
    late = datetime(2026, 3, 8, 23, 30, tzinfo=UTC)
    answered(pets, pets.ids(Split.TRAIN)[0], at=late)
    answered(pets, pets.ids(Split.TRAIN)[1], at=NOON)
    answered(pets, pets.ids(Split.TRAIN)[2], at=NOON - timedelta(days=6))

    (london,) = pace(pets)
    (berlin,) = pace(pets, zone=timezone(timedelta(hours=1)))

    assert [day.answers for day in london.days] == [1, 0, 0, 0, 0, 1, 1]
    assert [day.answers for day in berlin.days] == [1, 0, 0, 0, 0, 0, 2]
    assert berlin.days[-1].begins.isoformat() == "2026-03-09T00:00:00+01:00"


def test_pace__forgets_what_is_older_than_the_window(pets):
    old, new = pets.ids(Split.TRAIN)[:2]
    answered(pets, old, at=NOON - timedelta(days=7), seconds=5.0)
    answered(pets, new, seconds=1.0)

    (ada,) = pace(pets)

    assert (ada.answers, ada.median_seconds) == (1, 1.0)


def test_pace__of_answers_without_seconds_is_unknown(pets):
    answered(pets, pets.ids(Split.TRAIN)[0])

    (ada,) = pace(pets)

    assert (ada.answers, ada.timed, ada.per_hour, ada.median_seconds) == (1, 0, None, None)


def test_pace__lists_people_by_their_answers_and_nobody_but_people(pets):
    for image_id in pets.ids(Split.TRAIN)[:3]:
        answered(pets, image_id, by="Bob")
    answered(pets, pets.ids(Split.TRAIN)[3], by="Ada")
    with pets.writing() as uow:
        annotation.simulate(uow, pets.project_id, Queue.TEST, 4)

    assert [(one.name, one.answers) for one in pace(pets)] == [("Bob", 3), ("Ada", 1)]


def test_pace__of_one_person_is_theirs_alone_even_before_the_first_answer(pets):
    answered(pets, pets.ids(Split.TRAIN)[0], by="Bob")

    (ada,) = pace(pets, annotator_id=pets.annotator("Ada"))

    assert (ada.answers, len(ada.days)) == (0, 7)


def test_pace__is_that_of_the_project_in_hand(pets):
    answered(pets, pets.ids(Split.TRAIN)[0])
    pets.make_project(name="Cars", train=1)

    assert pace(pets) == []


def test_shares__says_who_answered_the_queues_and_who_holds_images(pets):
    pets.open_draft(pets.ids(Split.TRAIN)[:5], validation_size=3)
    for at, image_id in enumerate(pets.ids(Split.TRAIN)[:5]):
        pets.answer(image_id, pets.class_ids[0], by="Ada" if at < 3 else "Bob", queue=Queue.SELECTION)
    pets.answer(pets.ids(Split.TEST)[0], None, by="Bob", queue=Queue.TEST)
    held = pets.sample(1)
    ada = pets.annotator("Ada")
    with pets.writing() as uow:
        for image_id, seconds in zip(held, (40, 20, -5), strict=True):
            uow.session.add(
                ImageLease(image_id=image_id, slot=0, project_id=pets.project_id, queue=Queue.VALIDATION,
                           annotator_id=ada, tab="t", expires=database_now() + seconds)
            )  # fmt: skip

    with pets.reading() as uow:
        told = {one.queue: one for one in reports.shares(uow, pets.project_id)}

    assert told[Queue.SELECTION].answered == [("Ada", 3), ("Bob", 2)]
    assert told[Queue.TEST].answered == [("Bob", 1)]
    assert told[Queue.VALIDATION].answered == []
    (holder,) = told[Queue.VALIDATION].holders
    assert (holder.name, holder.images) == ("Ada", 2)
    assert holder.seconds == pytest.approx(40, abs=5)


def test_people__who_only_imported_are_no_annotators(pets):
    with pets.writing() as uow:
        annotation.annotator(uow, "import", AnnotatorKind.IMPORT)

    assert pace(pets) == []
