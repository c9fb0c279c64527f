"""What a finished round writes: all of it or nothing, and never over a person's word."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select, update

from app.db.models import GateRecord, Prediction, PseudoLabel, Round
from app.db.queries import rounds as round_queries
from app.domain.labels import Queue
from app.domain.pools import Pool, Split
from app.domain.pseudo_labels import PseudoLabelStatus
from app.domain.rounds import RoundStatus, SelectionStatus
from app.errors import Conflict
from app.queue import Task
from app.services import publishing, rounds
from app.services.leases import LeaseLost
from app.services.publishing import Proposal
from ssmae.config import RejectionReason


@pytest.fixture
def pets(world):
    """Twelve training images and four test images; drafts ask for a validation sample of two."""
    world.make_project(train=12, test=4, validation_size=2, selection_size=3)
    return world


def count(world, table: type) -> int:
    with world.reading() as uow:
        return uow.session.scalar(select(func.count()).select_from(table)) or 0


def statuses(world, round_id: int) -> dict[PseudoLabelStatus, int]:
    with world.reading() as uow:
        return round_queries.pseudo_label_counts(uow.session, round_id)


def test_publish__accepted_pseudo_labels_move_their_images_and_nothing_else(pets):
    pets.label(pets.ids(Split.TRAIN)[:2])

    round_id = pets.play_round()

    assert statuses(pets, round_id) == {PseudoLabelStatus.ACCEPTED: 10}
    assert len(pets.ids(Split.TRAIN, Pool.PSEUDO_LABELLED)) == 10
    assert len(pets.ids(Split.TRAIN, Pool.LABELLED)) == 2
    assert pets.ids(Split.TEST, Pool.PSEUDO_LABELLED) == []
    assert pets.round(round_id).status is RoundStatus.SUCCEEDED
    assert pets.round(round_id).manifest["pools"] == {
        "unlabelled": 4, "pseudo_labelled": 10, "labelled": 2, "excluded": 0,
    }  # fmt: skip


def test_publish__rejected_pseudo_labels_stay_unlabelled_and_make_the_review_queue(pets):
    round_id = pets.play_round(is_open=False)

    assert statuses(pets, round_id) == {PseudoLabelStatus.REJECTED: 12}
    assert len(pets.ids(Split.TRAIN, Pool.UNLABELLED)) == 12


def test_publish__an_image_that_was_labelled_meanwhile_gets_no_pseudo_label(pets):
    held = pets.claim(pets.request())
    labelled, *open_ids = pets.ids(Split.TRAIN)
    pets.answer(labelled, pets.class_ids[1])

    with pets.writing() as uow:
        publishing.publish(
            uow, held, manifest={}, files={}, gate=[],
            proposals=[
                Proposal(image_id=image_id, class_id=pets.class_ids[0], score=0.9, confidence=0.9, reason=None)
                for image_id in (labelled, open_ids[0])
            ],
            predictions=[],
        )  # fmt: skip

    with pets.reading() as uow:
        written = uow.session.scalars(select(PseudoLabel.image_id)).all()
    assert written == [open_ids[0]]
    assert (pets.image(labelled).pool, pets.image(labelled).label_class_id) == (Pool.LABELLED, pets.class_ids[1])


def test_publish__an_unanswered_validation_image_is_treated_like_the_rest_of_the_pool(pets):
    pets.open_draft(pets.ids(Split.TRAIN)[:3])
    unanswered = pets.ids(Split.VALIDATION)[0]
    held = pets.claim(pets.request())
    with pets.writing() as uow:
        publishing.publish(
            uow, held, manifest={}, files={}, gate=[],
            proposals=[
                Proposal(image_id=unanswered, class_id=pets.class_ids[0], score=0.9, confidence=0.9, reason=None)
            ],
            predictions=[],
        )  # fmt: skip

    assert pets.image(unanswered).pool is Pool.PSEUDO_LABELLED


def test_publish__a_pseudo_label_for_a_test_image_is_not_written(pets):
    held = pets.claim(pets.request())
    with pets.writing() as uow:
        publishing.publish(
            uow, held, manifest={}, files={}, gate=[],
            proposals=[
                Proposal(
                    image_id=pets.ids(Split.TEST)[0], class_id=pets.class_ids[0], score=1, confidence=1, reason=None
                )
            ],
            predictions=[],
        )  # fmt: skip

    assert count(pets, PseudoLabel) == 0


def test_publish__a_worker_that_lost_its_lease_writes_nothing_at_all(pets):
    first = pets.claim(pets.request())
    with pets.writing() as uow:
        uow.session.execute(update(Round).values(lease_expires=1.0))
    second = pets.claim(first.round_id, "worker-2")

    with pytest.raises(LeaseLost):
        pets.publish(first)

    assert (count(pets, PseudoLabel), count(pets, Prediction), count(pets, GateRecord)) == (0, 0, 0)
    pets.publish(second)
    assert pets.round(first.round_id).files == {"model": f"rounds/{first.round_id}/2/model.safetensors"}


def test_publish__a_second_publication_of_the_same_attempt_is_refused_whole(pets):
    held = pets.claim(pets.request())
    pets.publish(held)
    before = count(pets, PseudoLabel), count(pets, Prediction), count(pets, GateRecord)

    with pytest.raises(LeaseLost):
        pets.publish(held)

    assert (count(pets, PseudoLabel), count(pets, Prediction), count(pets, GateRecord)) == before


def test_publish__pseudo_labels_of_earlier_rounds_expire(pets):
    first = pets.play_round()
    second = pets.play_round(is_open=False)

    assert statuses(pets, first) == {PseudoLabelStatus.EXPIRED: 12}
    assert PseudoLabelStatus.ACCEPTED not in statuses(pets, second)
    assert pets.ids(Split.TRAIN, Pool.PSEUDO_LABELLED) == []


def test_publish__opens_the_next_draft_and_releases_the_sample_that_judged(pets):
    pets.open_draft(pets.ids(Split.TRAIN)[:3])
    pets.label(pets.ids(Split.VALIDATION), queue=Queue.VALIDATION)
    judged = pets.ids(Split.VALIDATION)

    round_id = pets.play_round()

    with pets.reading() as uow:
        draft = round_queries.draft(uow.session, pets.project_id)
    assert draft is not None
    assert (draft.number, draft.selection_status) == (2, SelectionStatus.PENDING)
    assert pets.messages[-1] == (Task.SELECT_IMAGES, draft.id)
    assert pets.round(round_id).number == 1
    assert len(judged) == 2
    assert {pets.image(image_id).split for image_id in judged} == {Split.TRAIN}


def test_publish__a_draft_that_was_opened_meanwhile_keeps_its_selection_and_its_sample(pets):
    held = pets.claim(pets.request())
    draft_id = pets.open_draft(pets.ids(Split.TRAIN)[:3])
    sample = pets.ids(Split.VALIDATION)

    pets.publish(held)

    assert len(sample) == 2
    assert pets.ids(Split.VALIDATION) == sample
    assert pets.round(draft_id).selection_status is SelectionStatus.READY


def test_publish__hundreds_of_rows_are_written_in_batches(pets):
    pets.add_images(1100, Split.TRAIN)
    held = pets.claim(pets.request())
    with pets.writing() as uow:
        publishing.publish(
            uow, held, manifest={}, files={}, gate=[],
            proposals=(
                Proposal(
                    image_id=image_id, class_id=pets.class_ids[0], score=0.5, confidence=0.5,
                    reason=RejectionReason.LOW_CONFIDENCE,
                )
                for image_id in pets.ids(Split.TRAIN)
            ),
            predictions=[],
        )  # fmt: skip

    assert count(pets, PseudoLabel) == 1112


def test_refuse_selection__the_reason_is_kept_and_a_redraw_clears_it(pets):
    with pets.writing() as uow:
        draft_id = rounds.open_draft(uow, pets.project_id).id
        publishing.refuse_selection(uow, draft_id, "There are no unlabelled images.", version=0)
    refused = pets.round(draft_id)

    with pets.writing() as uow:
        rounds.redraw(uow, draft_id)

    assert (refused.selection_status, refused.selection_message) == (
        SelectionStatus.FAILED, "There are no unlabelled images.",
    )  # fmt: skip
    assert (pets.round(draft_id).selection_status, pets.round(draft_id).selection_message) == (
        SelectionStatus.PENDING, None,
    )  # fmt: skip


def test_refuse_selection__a_choice_that_another_worker_has_made_stands(pets):
    draft_id = pets.open_draft(pets.ids(Split.TRAIN)[:3])

    with pytest.raises(Conflict, match="needs no selection"), pets.writing() as uow:
        publishing.refuse_selection(uow, draft_id, "The memory ran out.", version=0)

    assert (pets.round(draft_id).selection_status, pets.round(draft_id).selection_message) == (
        SelectionStatus.READY, None,
    )  # fmt: skip


def test_refuse_selection__a_failure_of_the_choice_before_a_redraw_says_nothing_of_the_new_one(pets):
    with pets.writing() as uow:
        draft_id = rounds.open_draft(uow, pets.project_id).id
        rounds.redraw(uow, draft_id)

    with pytest.raises(Conflict, match="drawn again"), pets.writing() as uow:
        publishing.refuse_selection(uow, draft_id, "The memory ran out.", version=0)

    assert pets.round(draft_id).selection_status is SelectionStatus.PENDING
