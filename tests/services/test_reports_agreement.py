"""The report on agreement: who counts, with which answer, and what it says in words."""

from __future__ import annotations

import pytest

from app.domain.labels import Action, AnnotatorKind, Queue
from app.domain.pools import Split
from app.services import annotation, reports


@pytest.fixture
def pets(world):
    """Ten images that Ada and Bob answered blind; they differ on the last two."""
    world.make_project(train=14)
    cat, dog = world.class_ids
    for at, image_id in enumerate(world.ids(Split.TRAIN)[:10]):
        first = cat if at % 2 else dog
        world.answer(image_id, first, by="Ada", queue=Queue.SELECTION)
        world.answer(image_id, first if at < 8 else cat + dog - first, by="Bob", queue=Queue.TEST)
    return world


def report(world):
    with world.reading() as uow:
        return reports.agreement(uow, world.project_id)


def test_agreement__counts_images_pairs_and_classes(pets):
    told = report(pets)

    assert (told.people, told.unanimous.correct, told.unanimous.n) == (2, 8, 10)
    assert (told.unanimous.low, told.unanimous.high) == pytest.approx((0.4439, 0.9748), abs=1e-4)
    (pair,) = told.pairs
    assert ({pair.first, pair.second}, pair.same.correct, pair.same.n) == ({"Ada", "Bob"}, 8, 10)
    assert pair.kappa.value == pytest.approx(0.6)
    assert told.kappa.value == pytest.approx(0.6)
    assert [(row.name, row.taken_for) for row in told.classes] == [("cat", [("dog", 2)]), ("dog", [("cat", 2)])]
    assert told.classes[0].kappa.value == pytest.approx(0.6)


def test_agreement__says_what_it_rests_on(pets):
    sentence = report(pets).sentence

    assert "2 people answered 10 images in common" in sentence
    assert "all said the same of 8" in sentence
    assert "fewer than 50 images" in sentence
    assert "guess" not in sentence


def test_agreement__says_when_nearly_all_answers_name_one_class(world):
    world.make_project(train=30)
    cat, dog = world.class_ids
    for at, image_id in enumerate(world.ids(Split.TRAIN)):
        world.answer(image_id, cat, by="Ada", queue=Queue.SELECTION)
        world.answer(image_id, dog if at < 2 else cat, by="Bob", queue=Queue.SELECTION)

    told = report(world)

    assert told.unanimous.value == pytest.approx(28 / 30)
    assert told.kappa.value < 0
    assert "Nearly all answers name one class" in told.sentence


def test_agreement__without_shared_images_has_a_reason_and_no_figure(world):
    world.make_project(train=3)
    world.label(world.ids(Split.TRAIN))

    told = report(world)

    assert told.sentence == "No image was answered by two people yet."
    assert (told.kappa.value, told.pairs, told.unanimous.n) == (None, [], 0)


@pytest.mark.parametrize("queue", [Queue.REVIEW, Queue.GRID, Queue.ADJUDICATION, Queue.SECOND_LOOK, Queue.BROWSE])
def test_agreement__leaves_out_answers_of_who_saw_the_proposal_or_other_answers(pets, queue):
    image_id = pets.ids(Split.TRAIN)[12]
    pets.answer(image_id, pets.class_ids[0], by="Ada", queue=Queue.SELECTION)
    pets.answer(image_id, pets.class_ids[0], by="Bob", queue=queue)

    assert report(pets).unanimous.n == 10


def test_agreement__counts_the_blind_answer_of_somebody_who_changed_it_in_a_dispute(pets):
    disputed = pets.ids(Split.TRAIN)[9]
    pets.answer(disputed, pets.class_ids[0], by="Ada", queue=Queue.ADJUDICATION)
    pets.answer(disputed, pets.class_ids[0], by="Bob", queue=Queue.ADJUDICATION)

    told = report(pets)

    assert (told.unanimous.correct, told.unanimous.n) == (8, 10)


def test_agreement__counts_what_an_undo_brought_back(pets):
    disputed = pets.ids(Split.TRAIN)[9]
    pets.answer(disputed, pets.class_ids[0], by="Bob", queue=Queue.ADJUDICATION)
    with pets.writing() as uow:
        annotation.undo(uow, pets.project_id, pets.annotator("Bob"))

    assert report(pets).unanimous.n == 10


def test_agreement__counts_the_blind_answer_of_somebody_who_changed_it_twice(pets):
    disputed = pets.ids(Split.TRAIN)[9]
    cat, dog = pets.class_ids
    for class_id in (cat, dog, cat):
        pets.answer(disputed, class_id, by="Bob", queue=Queue.ADJUDICATION)

    told = report(pets)

    assert (told.unanimous.correct, told.unanimous.n) == (8, 10)


def test_agreement__forgets_a_blind_answer_that_was_taken_back_after_a_later_one(pets):
    disputed = pets.ids(Split.TRAIN)[9]
    pets.answer(disputed, pets.class_ids[1], by="Bob", queue=Queue.ADJUDICATION)
    pets.undo(by="Bob")
    pets.act(disputed, Action.WITHDRAW, by="Bob", queue=Queue.SELECTION)
    pets.answer(disputed, pets.class_ids[0], by="Bob", queue=Queue.SELECTION)
    pets.answer(disputed, pets.class_ids[1], by="Bob", queue=Queue.ADJUDICATION)
    pets.answer(disputed, pets.class_ids[0], by="Bob", queue=Queue.ADJUDICATION)

    told = report(pets)

    assert (told.unanimous.correct, told.unanimous.n) == (9, 10)  # his second blind answer is Ada's


def test_agreement__counts_an_answer_once_after_its_image_was_excluded_and_brought_back(pets):
    image_id = pets.ids(Split.TRAIN)[0]
    pets.exclude(image_id)
    pets.include(image_id)

    assert report(pets).unanimous.n == 10


def test_agreement__forgets_an_answer_that_was_taken_back(pets):
    with pets.writing() as uow:
        annotation.undo(uow, pets.project_id, pets.annotator("Bob"))

    assert report(pets).unanimous.n == 9


def test_agreement__compares_people_with_imported_labels_apart(pets):
    image_id = pets.ids(Split.TRAIN)[12]
    cat, dog = pets.class_ids
    with pets.writing() as uow:
        imports = annotation.annotator(uow, "import", AnnotatorKind.IMPORT).id
        annotation.answer(
            uow, uid="i", image_id=image_id, annotator_id=imports, action=Action.LABEL, class_id=cat, queue=Queue.IMPORT
        )  # fmt: skip
    pets.answer(image_id, dog, by="Ada", queue=Queue.SELECTION)

    told = report(pets)

    assert told.unanimous.n == 10
    assert [(row.first, row.second, row.same.correct, row.same.n) for row in told.imported] == [
        ("Ada", "imported labels", 0, 1)
    ]


def test_agreement__leaves_out_the_simulated_annotator(pets):
    with pets.writing() as uow:
        annotation.simulate(uow, pets.project_id, Queue.TEST, 10)
        oracle = annotation.annotator(uow, annotation.SIMULATED, AnnotatorKind.SIMULATED).id
        for image_id in pets.ids(Split.TRAIN)[:10]:
            annotation.answer(
                uow, uid=f"s{image_id}", image_id=image_id, annotator_id=oracle, action=Action.LABEL,
                class_id=pets.class_ids[0], queue=Queue.SELECTION,
            )  # fmt: skip

    told = report(pets)

    assert (told.people, len(told.pairs), told.kappa.value) == (2, 1, pytest.approx(0.6))


def test_agreement__says_when_the_models_guess_was_shown(pets):
    with pets.writing() as uow:
        from app.db.queries import projects

        projects.one(uow.session, pets.project_id).shows_guess = True

    assert "guess was shown" in report(pets).sentence
