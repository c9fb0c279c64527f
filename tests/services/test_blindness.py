"""What is not shown of an image whose answer is to measure something."""

from __future__ import annotations

import pytest

from app.db.models import Image
from app.db.queries import projects
from app.domain.labels import Queue
from app.domain.pools import Split
from app.services import blindness, queues


@pytest.fixture
def pets(world):
    """Two test images and four training ones in folders that say the class; two people answer each."""
    world.make_project(train=4, test=2)
    with world.writing() as uow:
        project = projects.one(uow.session, world.project_id)
        project.overlap_share, project.overlap_size = 1.0, 2
        for image in uow.session.query(Image):
            image.name, image.hint_class_id = f"pets/cat/{image.id}.png", world.class_ids[0]
    return world


def owed(world, by, image_ids):
    person = world.annotator(by)
    with world.reading() as uow:
        return blindness.owed(uow, world.project_id, person, image_ids)


def shown(world, queue):
    person = world.annotator("Bob")
    with world.reading() as uow:
        return queues.next_images(uow, world.project_id, queue, person)


def test_queues_that_measure_the_model_show_neither_the_folder_nor_the_hint(pets):
    items = shown(pets, Queue.TEST)
    assert [(item.name, item.hint) for item in items] == [(f"{one}.png", None) for one in pets.ids(Split.TEST)]

    pets.open_draft(pets.ids(Split.TRAIN)[:1])
    sampled = shown(pets, Queue.VALIDATION)
    assert sampled
    assert not [item.name for item in sampled if "/" in item.name]
    assert [(item.name[:9], item.hint) for item in shown(pets, Queue.SELECTION)] == [("pets/cat/", "cat")]


def test_owed__is_what_somebody_else_answered_and_this_person_has_not(pets):
    test = pets.ids(Split.TEST)
    pets.label(test[:1], by="Ada", queue=Queue.TEST)

    assert owed(pets, "Ada", test) == {test[1]}
    assert owed(pets, "Bob", test) == set(test)
    pets.label(test[:1], by="Bob", queue=Queue.TEST)
    assert owed(pets, "Bob", test) == {test[1]}
    assert owed(pets, "Cy", test) == {test[1]}  # two have answered: nobody asks a third


def test_owed__is_nothing_where_one_answer_is_enough(world):
    world.make_project(test=2)
    assert owed(world, "Ada", world.ids(Split.TEST)) == frozenset()
