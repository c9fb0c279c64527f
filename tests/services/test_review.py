"""People's verdicts on pseudo-labels."""

from __future__ import annotations

import pytest

from app.db.queries import rounds
from app.domain.labels import Queue
from app.domain.pools import Pool, Split
from app.domain.pseudo_labels import PseudoLabelStatus
from app.domain.transitions import InvalidTransition
from app.services import annotation, projects, queues, review
from ssmae.config import RejectionReason


@pytest.fixture
def pets(world):
    """Six training images and two test images."""
    world.make_project(train=6, test=2, validation_size=0)
    return world


def accepted(world, **which):
    with world.reading() as uow:
        return review.accepted(uow, world.project_id, **which)


def judge(world, pseudo_label_id: int, class_id: int) -> annotation.Answered:
    with world.reading() as uow:
        image_id = rounds.pseudo_label(uow.session, pseudo_label_id).image_id
    return world.answer(image_id, class_id, queue=Queue.REVIEW)


def test_judge__a_confirmed_one_becomes_a_label_of_a_person_from_the_review_queue(pets):
    pets.play_round(is_open=False)
    rejected, image = pets.proposals(PseudoLabelStatus.REJECTED)[0]

    outcome = judge(pets, rejected.id, rejected.class_id)

    assert (outcome.pool, outcome.label_class_id) == (Pool.LABELLED, rejected.class_id)
    assert [one.id for one, _ in pets.proposals(PseudoLabelStatus.REVIEWED)] == [rejected.id]
    ((kept, name),) = pets.said(image.id)
    assert (kept.queue, name) == (Queue.REVIEW, "Ada")


def test_review__never_shows_a_proposal_for_an_image_whose_answer_judges_the_gate(pets):
    with pets.writing() as uow:
        projects.update(uow, pets.project_id, validation_size=2)
    pets.play_round(is_open=False)
    shown = {image.id for _, image in pets.proposals(PseudoLabelStatus.REJECTED)}
    with pets.reading() as uow:
        draft = rounds.draft(uow.session, pets.project_id)
    assert draft is not None
    pets.select(draft.id, [])
    sample = set(pets.ids(Split.VALIDATION))

    assert sample
    with pets.reading() as uow:
        person = annotation.annotator(uow, "Ada").id
        queued = {one.image_id for one in queues.next_images(uow, pets.project_id, Queue.REVIEW, person, 99)}
        assert queued == shown - sample
        assert review.reason_counts(uow, pets.project_id) == {RejectionReason.GATE_CLOSED: len(shown - sample)}


def test_judge__a_corrected_one_takes_the_persons_class(pets):
    pets.play_round(is_open=False)
    rejected, image = pets.proposals(PseudoLabelStatus.REJECTED)[0]
    other = next(one for one in pets.class_ids if one != rejected.class_id)

    judge(pets, rejected.id, other)

    assert pets.image(image.id).label_class_id == other


def test_judge__an_answer_anywhere_settles_the_pseudo_label_too(pets):
    pets.play_round()
    accepted, image = pets.proposals(PseudoLabelStatus.ACCEPTED)[0]

    pets.answer(image.id, accepted.class_id, queue=Queue.SELECTION)

    assert [one.id for one, _ in pets.proposals(PseudoLabelStatus.SUPERSEDED)] == [accepted.id]


def test_judge__undo_puts_the_image_back_into_the_review_queue(pets):
    pets.play_round(is_open=False)
    rejected, image = pets.proposals(PseudoLabelStatus.REJECTED)[0]
    judge(pets, rejected.id, rejected.class_id)
    person = pets.annotator()

    with pets.writing() as uow:
        annotation.undo(uow, pets.project_id, person)

    assert pets.image(image.id).pool is Pool.UNLABELLED
    with pets.reading() as uow:
        queue = queues.next_images(uow, pets.project_id, Queue.REVIEW, person)
    assert image.id in [item.image_id for item in queue]
    assert all("has not yet proved itself" in item.why for item in queue)


def test_revoke__the_image_is_unlabelled_again_and_it_works_once(pets):
    pets.play_round()
    accepted, image = pets.proposals(PseudoLabelStatus.ACCEPTED)[0]

    person = pets.annotator()
    with pets.writing() as uow:
        review.revoke(uow, accepted.id, person)

    assert pets.image(image.id).pool is Pool.UNLABELLED
    with pytest.raises(InvalidTransition, match="revoked cannot become revoked"), pets.writing() as uow:
        review.revoke(uow, accepted.id, person)


def test_accepted__only_those_of_the_newest_result_by_class_and_most_doubtful_first(pets):
    pets.play_round()
    pets.play_round()
    cat = pets.class_ids[0]

    everything = accepted(pets)

    assert {image.id for _, image in everything} == set(pets.ids(Split.TRAIN))
    assert len(everything) == 6
    assert [one.score for one, _ in everything] == sorted(one.score for one, _ in everything)
    assert {one.class_id for one, _ in accepted(pets, class_id=cat)} == {cat}


@pytest.mark.parametrize("is_one_class", [False, True])
def test_accepted__pages_have_each_once_although_scores_are_equal_and_the_last_one_was_revoked(pets, is_one_class):
    pets.play_round()
    which = {"class_id": pets.class_ids[0]} if is_one_class else {}
    everything = [one.id for one, _ in accepted(pets, **which)]

    (*_, (last, _)) = first = accepted(pets, limit=2, **which)
    person = pets.annotator()
    with pets.writing() as uow:
        review.revoke(uow, last.id, person)
    rest = accepted(pets, after_id=last.id, **which)

    assert [one.id for one, _ in [*first, *rest]] == everything
