"""The validation sample: what it is drawn from is known to the snapshot, whatever happens after the draw."""

from __future__ import annotations

import pytest

from app.domain.labels import Action, Queue
from app.domain.pools import Split
from app.errors import NotFound
from app.services import annotation, rounds, snapshots, validation


@pytest.fixture
def pets(world):
    """Twenty training images, four test images; drafts ask for a validation sample of five."""
    world.make_project(train=20, test=4, validation_size=5, selection_size=3)
    return world


def frame_of(world, draft_id: int) -> set[int]:
    digest = world.round(draft_id).frame_digest
    return set() if digest is None else set(validation.frame(world.storage, digest).tolist())


def frame_in_snapshot(world) -> set[int]:
    with world.writing() as uow:
        rows = snapshots.load(world.storage, snapshots.take(uow, world.storage, world.project_id).digest)
    assert rows.in_frame_N is not None
    return set(rows.image_ids_N[rows.in_frame_N].tolist())


def judging(world, draft_id: int) -> list[int]:
    with world.reading() as uow:
        return [one.image_id for one in validation.judges(uow, draft_id)]


def take_back(world, image_id: int, queue: Queue = Queue.BROWSE) -> None:
    person = world.annotator()
    with world.writing() as uow:
        annotation.answer(
            uow, uid=f"back-{image_id}", image_id=image_id, annotator_id=person, action=Action.WITHDRAW, class_id=None,
            queue=queue,
        )  # fmt: skip


def test_frame__is_what_the_sample_could_have_been_drawn_from(pets):
    labelled, excluded, *rest = pets.ids(Split.TRAIN)
    pets.label([labelled])
    pets.exclude(excluded)

    draft_id = pets.open_draft(rest[:3])

    assert frame_of(pets, draft_id) == set(rest[3:])
    assert set(pets.sample(draft_id)) < set(rest[3:])


def test_frame__what_comes_or_comes_back_after_the_draw_is_outside_of_it(pets):
    labelled, excluded, *rest = pets.ids(Split.TRAIN)
    pets.label([labelled])
    pets.exclude(excluded)
    pets.open_draft(rest[:3])

    pets.add_images(6, Split.TRAIN)
    take_back(pets, labelled)
    pets.include(excluded)

    assert frame_in_snapshot(pets) == set(rest[3:])


def test_frame__what_was_labelled_after_the_draw_is_still_of_it(pets):
    draft_id = pets.open_draft(pets.ids(Split.TRAIN)[:3])
    reviewed = next(one for one in pets.ids(Split.TRAIN)[3:] if one not in pets.sample(draft_id))

    pets.label([reviewed], queue=Queue.REVIEW)
    pets.label(pets.sample(draft_id), queue=Queue.VALIDATION)

    assert frame_in_snapshot(pets) == frame_of(pets, draft_id) >= {reviewed, *pets.sample(draft_id)}


def test_frame__another_draw_has_its_own(pets):
    draft_id = pets.open_draft(pets.ids(Split.TRAIN)[:3])
    before, added = frame_of(pets, draft_id), pets.add_images(2, Split.TRAIN)
    with pets.writing() as uow:
        rounds.redraw(uow, draft_id)
    between = frame_of(pets, draft_id)

    pets.select(draft_id, pets.ids(Split.TRAIN)[:3])

    assert between == set()
    assert frame_of(pets, draft_id) == before | set(added)


def test_frame__a_draft_without_a_sample_has_none(pets):
    draft_id = pets.open_draft(pets.ids(Split.TRAIN)[:3], validation_size=0)

    assert pets.round(draft_id).frame_digest is None


def test_frame__a_file_that_is_gone_is_not_found(pets):
    with pytest.raises(NotFound, match="frames/"):
        validation.frame(pets.storage, "0" * 64)


def test_draw__is_repeatable_without_repetition_and_independent_of_the_draw_before():
    ids = list(range(1000))
    first, again, redrawn = (validation.draw(ids, 50, seed=7, version=version) for version in (0, 0, 1))

    assert first == again
    assert len(set(first)) == 50
    assert first != sorted(first)
    assert len(set(first) & set(redrawn)) < 15
    assert sorted(validation.draw(ids[:3], 50, seed=7, version=0)) == ids[:3]


def test_judges__follow_the_order_of_the_draw_skips_included(pets):
    draft_id = pets.open_draft()
    first, second, third, fourth, fifth = pets.sample(draft_id)
    pets.answer(first, None, queue=Queue.VALIDATION)
    pets.label([second, fourth], queue=Queue.VALIDATION)
    pets.label([fifth], queue=Queue.BROWSE)

    # The third was passed over; the fifth was answered elsewhere, and the sample was not asked up to it.
    assert judging(pets, draft_id) == [first, second, third, fourth]
    take_back(pets, fourth, Queue.VALIDATION)
    assert judging(pets, draft_id) == [first, second]


def test_judges__an_excluded_image_of_the_sample_does_not(pets):
    draft_id = pets.open_draft()
    sample = pets.sample(draft_id)
    pets.exclude(sample[0])
    pets.label(sample[1:3], queue=Queue.VALIDATION)

    assert judging(pets, draft_id) == sample[1:3]


def test_judges__of_a_redrawn_sample_are_those_of_the_new_one(pets):
    draft_id = pets.open_draft(validation_size=20)
    for image_id in pets.sample(draft_id):
        pets.answer(image_id, None, queue=Queue.VALIDATION)
    with pets.writing() as uow:
        rounds.redraw(uow, draft_id)
    pets.select(draft_id, [])

    # Standing skips hide these images from whoever skipped them: they judge, and nothing is owed to the order.
    assert judging(pets, draft_id) == pets.sample(draft_id)
