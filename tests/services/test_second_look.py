"""One's own answers that the newest model doubts most."""

from __future__ import annotations

import pytest

from app.domain.labels import Queue
from app.domain.pools import Split
from app.services import annotation, second_look
from tests.predictions import publish_predictions


@pytest.fixture
def pets(world):
    """Ada labelled eight training images; the model of the round agrees with six and doubts two of them."""
    world.make_project(train=12, test=4, validation_size=0)
    world.label(world.ids(Split.TRAIN)[:8])
    world.label(world.ids(Split.TEST), queue=Queue.TEST)
    publish(world, world.play_round(is_open=False), doubts={2: 0.04, 5: 0.3})
    return world


def publish(world, round_id, doubts):
    """The model is sure of every sealed class but of the images at these places, of which it says how likely it is."""
    said = {}
    for at, image_id in enumerate(world.ids(Split.TRAIN)):
        likely = doubts.get(at, 0.97)
        is_first = world.image(image_id).sealed_class_id == world.class_ids[0]
        said[image_id] = (likely, 1 - likely) if is_first else (1 - likely, likely)
    publish_predictions(world, round_id, said)


def look(world, by="Ada", **options):
    person = world.annotator(by)
    with world.reading() as uow:
        return second_look.doubted(uow, world.storage, world.project_id, person, **options)


def test_doubted__most_doubted_first_with_what_the_model_would_say(pets):
    train = pets.ids(Split.TRAIN)
    found = look(pets)
    assert (len(found.image_ids), found.round_number) == (2, 1)
    assert [one.image.id for one in found.doubted] == [train[2], train[5]]
    first = found.doubted[0]
    assert first.class_id == pets.image(train[2]).sealed_class_id
    assert first.model_class_id != first.class_id
    assert (round(first.probability, 2), round(first.model_probability, 2)) == (0.04, 0.96)
    assert [one.image.id for one in look(pets, limit=1).doubted] == [train[2]]
    assert len(look(pets, limit=1).image_ids) == 2


def test_doubted__is_private(pets):
    pets.answer(pets.ids(Split.TRAIN)[2], pets.class_ids[0], by="Bob")
    assert not look(pets, by="Cleo").image_ids
    assert [one.image.id for one in look(pets, by="Bob").doubted] == [pets.ids(Split.TRAIN)[2]]


def test_doubted__what_was_kept_or_changed_leaves_the_list_until_a_newer_round_doubts_it(pets):
    train = pets.ids(Split.TRAIN)
    kept, changed = look(pets).doubted
    pets.answer(kept.image.id, kept.class_id, queue=Queue.SECOND_LOOK)
    pets.answer(changed.image.id, changed.model_class_id, queue=Queue.SECOND_LOOK)
    assert not look(pets).image_ids
    assert pets.image(changed.image.id).label_class_id == changed.model_class_id

    publish(pets, pets.play_round(is_open=False), doubts={2: 0.1})
    assert [(one.image.id, one.class_id) for one in look(pets).doubted] == [
        # The model now doubts the changed one, too: it still says what it said.
        (train[5], changed.model_class_id),
        (train[2], kept.class_id),
    ]


def test_doubted__an_undo_brings_the_answer_back_to_the_list(pets):
    (first, _) = look(pets).doubted
    pets.answer(first.image.id, first.model_class_id, queue=Queue.SECOND_LOOK)
    ada = pets.annotator()
    with pets.writing() as uow:
        annotation.undo(uow, pets.project_id, ada)
    assert look(pets).doubted[0].image.id == first.image.id
    assert len(look(pets).image_ids) == 2
    assert pets.image(first.image.id).label_class_id == first.class_id


def test_doubted__never_what_measures(pets):
    """Neither test answers nor those of a validation sample, an audit that goes on, or a decision."""
    train = pets.ids(Split.TRAIN)
    pets.answer(train[9], pets.class_ids[0], queue=Queue.AUDIT)
    pets.answer(train[10], pets.class_ids[0], queue=Queue.ADJUDICATION)
    said = {one: (0.01, 0.99) if pets.image(one).label_class_id == pets.class_ids[0] else (0.99, 0.01)
            for one in [*train, *pets.ids(Split.TEST)]}  # fmt: skip
    publish_predictions(pets, 1, said)
    shown = {one.image.id for one in look(pets).doubted}
    assert shown == set(train[:8])


def test_doubted__a_class_or_an_image_that_the_round_did_not_know_is_passed_over(pets):
    (new,) = pets.add_images(1, Split.TRAIN)
    pets.answer(new, pets.class_ids[0])
    assert new not in [one.image.id for one in look(pets).doubted]


def test_doubted__without_a_round_there_is_nobody_to_doubt(world):
    world.make_project(train=4)
    world.label(world.ids(Split.TRAIN)[:2])
    assert look(world).round_number is None
    world.play_round(is_open=False)  # it published no predictions
    assert look(world).round_number is None
