"""Leases of images: nobody is asked what somebody else is answering, and nobody waits for who is gone."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select, update

from app.db.models import Image, ImageLease
from app.db.queries import projects
from app.db.queries.queues import slots, wanted_opinions
from app.domain.labels import Action, Queue
from app.domain.pools import Split
from app.errors import NotFound
from app.services import queues


@pytest.fixture
def pets(world):
    """A draft that asks for twenty images, in their order."""
    world.make_project(train=24, test=2)
    world.open_draft(world.ids(Split.TRAIN)[:20], validation_size=0)
    return world


def take(world, by="Ada", *, tab="tab-1", want=48, held=(), queue=Queue.SELECTION) -> queues.Taken:
    person = world.annotator(by)
    with world.writing() as uow:
        return queues.take(uow, world.project_id, queue, person, tab=tab, want=want, held=held)


def ids(taken: queues.Taken) -> list[int]:
    return [item.image_id for item in taken.items]


def let_leases_end(world) -> None:
    with world.writing() as uow:
        uow.session.execute(update(ImageLease).values(expires=1.0))


def overlap(world, share: float, size: int = 2) -> None:
    with world.writing() as uow:
        project = projects.one(uow.session, world.project_id)
        project.overlap_share, project.overlap_size = share, size


def test_take__gives_the_next_images_in_order_and_leaves_half_to_others(pets):
    asked = pets.ids(Split.TRAIN)[:20]

    ada, ben = take(pets), take(pets, "Ben")

    assert ids(ada) == asked[:10]
    assert ids(ben) == asked[10:16]
    assert (ben.elsewhere.images, ben.elsewhere.names) == (10, ("Ada",))
    assert 0 < ben.elsewhere.seconds <= queues.LEASE_SECONDS


def test_take__again_keeps_what_is_held_and_fills_up(pets):
    held = ids(take(pets, want=4))
    pets.label(held[:1])

    again = take(pets, want=4, held=held)

    assert again.kept == held[1:]
    assert len(ids(again)) == 1
    assert not set(ids(again)) & set(held)


def test_take__an_image_that_somebody_settled_meanwhile_is_not_kept(pets):
    held = ids(take(pets, want=4))
    pets.label(held[:1], by="Ben")

    assert take(pets, want=4, held=held).kept == held[1:]


def test_take__a_lease_that_ended_goes_to_whoever_asks_first(pets):
    held = ids(take(pets, want=4))
    let_leases_end(pets)

    ben = take(pets, "Ben", want=2)
    ada = take(pets, want=4, held=held)

    assert ids(ben) == held[:2]
    assert ada.kept == held[2:]


def test_take__two_tabs_of_one_person_hold_different_images(pets):
    first, second = take(pets, want=4), take(pets, want=4, tab="tab-2")

    assert not set(ids(first)) & set(ids(second))


def test_release__gives_back_what_one_tab_holds(pets):
    first, second = take(pets, want=4), take(pets, want=4, tab="tab-2")
    with pets.writing() as uow:
        assert queues.release(uow, pets.annotator(), "tab-1") == 4

    assert ids(take(pets, "Ben", want=4)) == ids(first)
    assert take(pets, want=4, tab="tab-2", held=ids(second)).kept == ids(second)


def test_take__an_answer_ends_the_lease_and_a_skip_leaves_the_image_to_others(pets):
    first, second = ids(take(pets, want=2))
    pets.answer(first, pets.class_ids[0], queue=Queue.SELECTION)
    pets.act(second, Action.SKIP, queue=Queue.SELECTION)

    with pets.reading() as uow:
        assert uow.session.scalars(select(ImageLease.image_id)).all() == []
    assert ids(take(pets, "Ben", want=1)) == [second]


def test_take__images_that_several_people_shall_answer_are_held_by_as_many_and_no_more(pets):
    overlap(pets, 1.0, 3)
    asked = pets.ids(Split.TRAIN)[:20]

    taken = [ids(take(pets, name, want=6)) for name in ("Ada", "Ben", "Cleo", "Dan")]

    assert taken[:3] == [asked[:6]] * 3
    assert taken[3] == asked[6:12]


def test_take__an_overlap_image_is_open_until_enough_people_have_answered(pets):
    overlap(pets, 1.0)
    first = pets.ids(Split.TRAIN)[0]
    pets.label([first], by="Ada")

    assert first not in ids(take(pets, "Ada"))
    assert first in ids(take(pets, "Ben", want=6))
    pets.label([first], by="Ben")
    assert first not in ids(take(pets, "Cleo"))


def test_take__overlap_takes_about_the_share_that_was_asked_for(pets):
    overlap(pets, 0.25)
    many = pets.add_images(1000, Split.TRAIN)
    with pets.reading() as uow:
        project = projects.one(uow.session, pets.project_id)
        wanted = uow.session.scalars(select(wanted_opinions(project)).where(Image.id.in_(many))).all()

    assert 200 < sum(one == 2 for one in wanted) < 300


def test_take__many_people_at_once_never_get_the_same_image(pets):
    names = [f"person-{n}" for n in range(8)]
    for name in names:
        pets.annotator(name)

    with ThreadPoolExecutor(8) as pool:
        taken = [image_id for held in pool.map(lambda name: ids(take(pets, name, want=6)), names) for image_id in held]

    assert len(taken) == len(set(taken))
    assert set(taken) <= set(pets.ids(Split.TRAIN)[:20])


def test_take__of_what_is_no_queue_is_refused(pets):
    with pytest.raises(NotFound, match="no queue browse"):
        take(pets, queue=Queue.BROWSE)


def test_take__with_some_overlap_an_image_that_wants_one_person_is_never_held_by_two(pets):
    overlap(pets, 0.05)
    with pets.reading() as uow:
        project = projects.one(uow.session, pets.project_id)
        single = set(uow.session.scalars(select(Image.id).where(wanted_opinions(project) == 1)))
    held = ids(take(pets, want=20))
    let_leases_end(pets)

    ben = take(pets, "Ben", want=20)
    ada = take(pets, want=20, held=held)

    assert not set(ids(ben)) & (set(ada.kept) | set(ids(ada))) & single


def test_take__an_overlap_image_that_has_one_answer_is_held_by_one_more_person_only(pets):
    overlap(pets, 1.0)
    first = pets.ids(Split.TRAIN)[0]
    assert first in ids(take(pets, "Ada", want=6))
    assert first in ids(take(pets, "Ben", want=6))
    let_leases_end(pets)
    pets.label([first], by="Cleo")

    assert first in ids(take(pets, "Dan", want=6))
    assert first not in take(pets, "Ben", want=6, held=[first]).kept


def test_take__a_tab_whose_answer_was_lost_on_the_way_is_given_the_same_images_again(pets):
    lost = ids(take(pets, want=6))

    assert ids(take(pets, want=6)) == lost
    overlap(pets, 1.0)
    assert ids(take(pets, want=6)) == lost
    assert set(lost) <= set(ids(take(pets, "Ben", want=20)))


def test_slots__are_as_many_as_the_database_reckons(pets):
    overlap(pets, 0.3, 3)
    many = pets.add_images(300, Split.TRAIN)
    with pets.reading() as uow:
        project = projects.one(uow.session, pets.project_id)
        rows = uow.session.execute(select(Image, wanted_opinions(project)).where(Image.id.in_(many))).all()

    assert {wanted for _, wanted in rows} == {1, 3}
    assert [slots(project, Queue.SELECTION, image) for image, _ in rows] == [wanted for _, wanted in rows]
