"""Label blame: every act with what became of it, and what each round made of it, as its snapshot holds it."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from app.db.models import ImageFlag, Round
from app.domain.labels import Action, Queue
from app.domain.pools import Split
from app.domain.rounds import RoundStatus
from app.errors import NotFound
from app.services import annotation, reports, rounds
from app.services.reports import Part
from app.storage import snapshot_key


@pytest.fixture
def pets(world):
    world.make_project(train=20, test=4, validation_size=4, selection_size=3)
    return world


def told(world, image_id):
    with world.reading() as uow:
        return reports.history(uow, world.storage, image_id)


def uses(world, image_id, who="Ada"):
    """(round, part) of the newest act of somebody."""
    act = next(one for one in told(world, image_id).acts if one.who == who)
    return [(use.round_number, use.part) for use in act.uses]


def test_history__tells_who_said_what_where_and_in_their_own_words(pets):
    image_id = pets.ids(Split.TRAIN)[0]
    person = pets.annotator("Ada")
    with pets.writing() as uow:
        annotation.answer(
            uow, uid="u1", image_id=image_id, annotator_id=person, action=Action.SKIP, class_id=None,
            queue=Queue.SELECTION, seconds=3.5, note="too dark",
        )  # fmt: skip
    pets.answer(image_id, pets.class_ids[1], by="Bob", queue=Queue.REVIEW)

    bob, ada = told(pets, image_id).acts

    assert (bob.who, bob.class_name, bob.queue, bob.ended) == ("Bob", "dog", Queue.REVIEW, None)
    assert (ada.action, ada.note, ada.seconds, ada.class_name) == (Action.SKIP, "too dark", 3.5, None)


def test_history__says_why_an_act_no_longer_stands(pets):
    image_id = pets.ids(Split.TRAIN)[0]
    cat, dog = pets.class_ids
    pets.answer(image_id, cat, queue=Queue.SELECTION)
    pets.answer(image_id, dog, queue=Queue.SELECTION)
    with pets.writing() as uow:
        annotation.undo(uow, pets.project_id, pets.annotator())
    pets.answer(image_id, dog, queue=Queue.ADJUDICATION)

    acts = told(pets, image_id).acts

    assert [(act.class_name, act.is_undo, act.ended) for act in acts] == [
        ("dog", False, None),
        ("cat", True, "changed in a decision"),
        ("dog", False, "undone"),
        ("cat", False, "changed later"),
    ]


def test_history__of_an_answer_that_was_taken_back_alone(pets):
    image_id = pets.ids(Split.TRAIN)[0]
    pets.answer(image_id, pets.class_ids[0])
    with pets.writing() as uow:
        annotation.undo(uow, pets.project_id, pets.annotator())

    assert told(pets, image_id).acts[-1].ended == "taken back"


def test_history__names_the_rounds_that_an_answer_taught(pets):
    early, late = pets.ids(Split.TRAIN)[:2]
    pets.answer(early, pets.class_ids[0])
    pets.play_round()
    pets.answer(late, pets.class_ids[0])
    pets.play_round()

    assert uses(pets, early) == [(1, Part.TAUGHT), (2, Part.TAUGHT)]
    assert uses(pets, late) == [(2, Part.TAUGHT)]
    assert told(pets, early).acts[0].uses_sentence == "taught rounds 1 and 2"


def test_history__an_answer_taught_only_while_it_stood(pets):
    image_id = pets.ids(Split.TRAIN)[0]
    cat, dog = pets.class_ids
    pets.answer(image_id, cat)
    pets.play_round()
    pets.answer(image_id, dog)
    pets.play_round()

    after, before = told(pets, image_id).acts

    assert [(use.round_number, use.part) for use in before.uses] == [(1, Part.TAUGHT)]
    assert [(use.round_number, use.part) for use in after.uses] == [(2, Part.TAUGHT)]


def test_history__a_validation_answer_judges_its_round_and_teaches_the_next(pets):
    draft = pets.open_draft()
    image_id = pets.sample(draft)[0]
    pets.answer(image_id, pets.class_ids[0], queue=Queue.VALIDATION)
    pets.play_round()
    pets.play_round(overrides={"gate": {"release": False}})

    assert uses(pets, image_id) == [(1, Part.JUDGED_AND_TAUGHT), (2, Part.TAUGHT)]


def test_history__a_validation_answer_is_kept_back_where_the_settings_say_so(pets):
    image_id = pets.sample(pets.open_draft())[0]
    pets.answer(image_id, pets.class_ids[0], queue=Queue.VALIDATION)
    pets.play_round(overrides={"gate": {"release": False}})

    assert uses(pets, image_id) == [(1, Part.JUDGED)]


def test_history__a_validation_answer_out_of_turn_waits(pets):
    sample = pets.sample(pets.open_draft())
    pets.answer(sample[0], pets.class_ids[0], queue=Queue.VALIDATION)
    pets.answer(sample[3], pets.class_ids[0], queue=Queue.BROWSE)
    pets.play_round()

    assert uses(pets, sample[3]) == [(1, Part.WAITED)]


def test_history__a_skip_in_the_validation_sample_counts_as_an_error(pets):
    sample = pets.sample(pets.open_draft())
    pets.answer(sample[0], None, queue=Queue.VALIDATION)
    pets.answer(sample[1], pets.class_ids[0], queue=Queue.VALIDATION)
    pets.play_round()

    assert uses(pets, sample[0]) == [(1, Part.ERROR)]


def test_history__a_skipped_training_image_was_nothing_to_a_round(pets):
    image_id = pets.ids(Split.TRAIN)[0]
    pets.answer(image_id, None)
    pets.play_round()

    assert uses(pets, image_id) == []


def test_history__an_overruled_answer_says_so(pets):
    image_id = pets.ids(Split.TRAIN)[0]
    cat, dog = pets.class_ids
    for who, class_id in (("Ada", cat), ("Bob", dog), ("Eve", dog)):
        pets.answer(image_id, class_id, by=who)
    pets.play_round()

    assert uses(pets, image_id, "Ada") == [(1, Part.OVERRULED)]
    assert uses(pets, image_id, "Bob") == [(1, Part.TAUGHT)]


def test_history__a_test_image_teaches_nothing(pets):
    image_id = pets.ids(Split.TEST)[0]
    pets.answer(image_id, pets.class_ids[0], queue=Queue.TEST)
    pets.play_round()

    assert told(pets, image_id).is_test
    assert uses(pets, image_id) == []


def test_history__a_round_that_is_tried_again_keeps_the_labels_of_its_first_try(pets):
    first, late = pets.ids(Split.TRAIN)[:2]
    pets.answer(first, pets.class_ids[0])
    round_id = pets.request()
    pets.claim(round_id)
    with pets.writing() as uow:
        uow.session.execute(update(Round).values(status=RoundStatus.FAILED))
    pets.answer(late, pets.class_ids[0])
    with pets.writing() as uow:
        rounds.retry(uow, round_id)

    assert uses(pets, first) == [(1, Part.TAUGHT)]
    assert uses(pets, late) == []
    assert told(pets, first).acts[0].uses_sentence == "taught round 1 (waiting to train)"


def test_history__without_the_snapshots_file_says_that_it_does_not_know(pets):
    image_id = pets.ids(Split.TRAIN)[0]
    pets.answer(image_id, pets.class_ids[0])
    pets.play_round()
    for file in pets.storage.path("snapshots").iterdir():
        assert file == pets.storage.path(snapshot_key(file.stem))
        file.unlink()

    assert uses(pets, image_id) == [(1, Part.UNKNOWN)]


def test_history__knows_the_flags_and_who_resolved_them(pets):
    image_id = pets.ids(Split.TRAIN)[0]
    ada, bob = pets.annotator("Ada"), pets.annotator("Bob")
    with pets.writing() as uow:
        raised = ImageFlag(uid="f", project_id=pets.project_id, image_id=image_id, annotator_id=ada, note="a fox?")
        uow.session.add(raised)
        uow.session.flush()
        raised.resolved_at, raised.resolved_by = raised.created_at, bob

    (flag,) = told(pets, image_id).flags

    assert (flag.who, flag.note, flag.resolved_by) == ("Ada", "a fox?", "Bob")


def test_history__of_an_unknown_image_is_not_found(pets):
    with pytest.raises(NotFound):
        told(pets, 10**6)
