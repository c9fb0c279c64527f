"""Rounds: drafts, selections, queueing, cancelling, trying again, and what the schema itself refuses."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import func, select

from app.db.models import Round
from app.db.queries import rounds as round_queries
from app.domain.labels import Queue
from app.domain.pools import Pool, Split
from app.domain.rounds import RoundStatus, SelectionStatus
from app.domain.transitions import InvalidTransition
from app.errors import Conflict, Refused
from app.queue import Task
from app.services import leases, rounds
from ssmae.config import Acquisition, Preset, StartFrom
from tests.world import selected_ids


@pytest.fixture
def pets(world):
    """Twenty training images, four test images; drafts ask for a validation sample of five."""
    world.make_project(train=20, test=4, validation_size=5, selection_size=3)
    return world


def selected(world, draft_id: int, queue: Queue) -> list[int]:
    with world.reading() as uow:
        return list(selected_ids(uow.session, draft_id, queue))


def test_open_draft__asks_a_worker_for_a_selection_after_the_commit(pets):
    with pets.writing() as uow:
        draft = rounds.open_draft(uow, pets.project_id, strategy=Acquisition.ENTROPY)
        assert pets.messages == []

    assert pets.messages == [(Task.SELECT_IMAGES, draft.id)]
    assert (draft.number, draft.strategy, draft.selection_size, draft.selection_status) == (
        1, Acquisition.ENTROPY, 3, SelectionStatus.PENDING,
    )  # fmt: skip


def test_open_draft__a_second_one_is_a_conflict(pets):
    pets.open_draft()

    with pytest.raises(Conflict, match="already has a round that collects"):
        pets.open_draft()


def test_open_draft__of_two_leads_at_the_same_moment_one_is_told_that_the_other_was_first(pets):
    start, outcomes = threading.Barrier(2), []

    def lead() -> None:
        start.wait()
        try:
            with pets.writing() as uow:
                rounds.open_draft(uow, pets.project_id)
            outcomes.append("opened")
        except Exception as error:
            outcomes.append(type(error).__name__)

    threads = [threading.Thread(target=lead) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == ["Conflict", "opened"]


def test_publish_selection__the_validation_sample_is_disjoint_from_selection_test_and_labels(pets):
    labelled = pets.ids(Split.TRAIN)[:4]
    pets.label(labelled)
    chosen = pets.ids(Split.TRAIN)[4:7]

    draft_id = pets.open_draft(chosen)

    sample = set(selected(pets, draft_id, Queue.VALIDATION))
    assert selected(pets, draft_id, Queue.SELECTION) == chosen
    assert len(sample) == 5
    assert not sample & {*chosen, *labelled, *pets.ids(Split.TEST)}
    assert set(pets.ids(Split.VALIDATION)) == sample
    assert len(pets.ids(Split.TEST)) == 4


def test_publish_selection__a_small_pool_gives_a_small_sample(pets):
    pets.label(pets.ids(Split.TRAIN)[:15])

    draft_id = pets.open_draft(pets.ids(Split.TRAIN)[15:18])

    assert len(selected(pets, draft_id, Queue.VALIDATION)) == 2


def test_publish_selection__a_second_answer_of_a_worker_changes_nothing(pets):
    draft_id = pets.open_draft(pets.ids(Split.TRAIN)[:3])
    before = selected(pets, draft_id, Queue.SELECTION), selected(pets, draft_id, Queue.VALIDATION)

    with pytest.raises(Conflict, match="needs no selection"):
        pets.select(draft_id, pets.ids(Split.TRAIN)[5:8])

    assert (selected(pets, draft_id, Queue.SELECTION), selected(pets, draft_id, Queue.VALIDATION)) == before


def test_redraw__keeps_answers_and_lets_the_old_sample_teach(pets):
    draft_id = pets.open_draft(pets.ids(Split.TRAIN)[:3])
    answered = pets.ids(Split.VALIDATION)[:2]
    pets.label(answered, queue=Queue.VALIDATION)

    with pets.writing() as uow:
        rounds.redraw(uow, draft_id, strategy=Acquisition.RANDOM, selection_size=2, validation_size=4)

    redrawn = pets.round(draft_id)
    assert (redrawn.strategy, redrawn.selection_size, redrawn.selection_status) == (
        Acquisition.RANDOM, 2, SelectionStatus.PENDING,
    )  # fmt: skip
    assert pets.ids(Split.VALIDATION) == []
    assert all(pets.image(image_id).pool is Pool.LABELLED for image_id in answered)
    assert pets.messages[-1] == (Task.SELECT_IMAGES, draft_id)

    pets.select(draft_id, pets.ids(Split.TRAIN, Pool.UNLABELLED)[:2])
    assert not set(selected(pets, draft_id, Queue.VALIDATION)) & set(answered)


def test_redraw__a_choice_that_began_before_it_is_refused_and_the_draft_goes_on_waiting(pets):
    with pets.writing() as uow:
        draft_id = rounds.open_draft(uow, pets.project_id).id
        began = rounds.redraw(uow, draft_id).selection_version
        rounds.redraw(uow, draft_id, selection_size=2)

    with pytest.raises(Conflict, match="drawn again"):
        pets.select(draft_id, pets.ids(Split.TRAIN)[:3], version=began)

    assert pets.round(draft_id).selection_status is SelectionStatus.PENDING
    assert selected(pets, draft_id, Queue.SELECTION) == []
    assert pets.ids(Split.VALIDATION) == []
    pets.select(draft_id, pets.ids(Split.TRAIN)[:2])
    assert len(selected(pets, draft_id, Queue.SELECTION)) == 2


def test_redraw__a_sweeper_that_just_announced_the_draft_announces_it_again_at_once(pets):
    with pets.writing() as uow:
        draft_id = rounds.open_draft(uow, pets.project_id).id
        leases.sweep(uow)
    with pets.writing() as uow:
        rounds.redraw(uow, draft_id)
    pets.messages.clear()

    with pets.writing() as uow:
        leases.sweep(uow)

    assert pets.messages == [(Task.SELECT_IMAGES, draft_id)]


def test_redraw__a_queued_round_is_no_draft_any_more(pets):
    draft_id = pets.open_draft()
    pets.request()

    with pytest.raises(Conflict, match="only a draft"), pets.writing() as uow:
        rounds.redraw(uow, draft_id)


def test_request__queues_the_draft_with_snapshot_settings_and_seed(pets):
    draft_id = pets.open_draft(pets.ids(Split.TRAIN)[:3])
    pets.label(pets.ids(Split.TRAIN)[:3])

    round_id = pets.request(preset=Preset.STANDARD, overrides={"gate": {"alpha": 0.2}}, seed=7)

    queued = pets.round(round_id)
    assert round_id == draft_id
    assert (queued.status, queued.preset, queued.seed, queued.parent_id) == (
        RoundStatus.QUEUED, Preset.STANDARD, 7, None,
    )  # fmt: skip
    assert queued.config["gate"]["alpha"] == 0.2
    assert queued.snapshot_id is not None
    assert pets.messages[-1] == (Task.RUN_ROUND, round_id)


def test_request__works_without_a_draft(pets):
    queued = pets.round(pets.request())

    assert (queued.number, queued.selection_size, queued.status) == (1, 0, RoundStatus.QUEUED)


def test_request__one_round_of_a_project_at_a_time(pets):
    pets.request()

    with pytest.raises(Conflict, match="Round 1 is queued"):
        pets.request()


def test_request__of_two_leads_at_the_same_moment_one_is_told_that_the_other_was_first(pets):
    start, outcomes = threading.Barrier(2), []

    def lead() -> None:
        start.wait()
        try:
            pets.request()
            outcomes.append("queued")
        except Exception as error:
            outcomes.append(type(error).__name__)

    threads = [threading.Thread(target=lead) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == ["Conflict", "queued"]
    with pets.reading() as uow:
        assert uow.session.scalar(select(func.count()).select_from(Round)) == 1


def test_request__another_project_trains_beside_it(pets):
    pets.request()
    pets.make_project(name="Birds", train=2)

    assert pets.round(pets.request()).status is RoundStatus.QUEUED


def test_request__resumes_the_newest_result_by_default_and_scratch_does_not(pets):
    first = pets.play_round()
    second = pets.play_round()
    third = pets.play_round(start_from=StartFrom.SCRATCH)

    assert [pets.round(one).parent_id for one in (first, second, third)] == [None, first, None]


def test_request__a_checkpoint_needs_its_file_and_the_file_must_be_there(pets, tmp_path):
    for options, sentence in (
        ({"start_from": StartFrom.CHECKPOINT}, "needs its file"),
        ({"start_file": tmp_path}, "only used for that"),
        ({"start_from": StartFrom.CHECKPOINT, "start_file": tmp_path / "gone.pt"}, "no checkpoint file"),
    ):
        with pytest.raises(Refused, match=sentence):
            pets.request(**options)
    file = tmp_path / "here.pt"
    file.write_bytes(b"x")

    assert pets.round(pets.request(start_from=StartFrom.CHECKPOINT, start_file=file)).start_file == str(file)


def test_request__a_project_without_images_is_refused(world):
    world.make_project()

    with pytest.raises(Refused, match="no images"):
        world.request()


def test_cancel__a_queued_round_ends_at_once_and_its_sample_joins_the_training_images(pets):
    pets.open_draft(pets.ids(Split.TRAIN)[:3])
    round_id = pets.request()

    with pets.writing() as uow:
        rounds.cancel(uow, round_id)

    assert pets.round(round_id).status is RoundStatus.CANCELLED
    assert pets.round(round_id).finished_at is not None
    assert pets.ids(Split.VALIDATION) == []


def test_cancel__a_running_round_is_only_asked_to_stop(pets):
    held = pets.claim(pets.request())

    with pets.writing() as uow:
        rounds.cancel(uow, held.round_id)

    assert pets.round(held.round_id).status is RoundStatus.RUNNING
    with pets.writing() as uow:
        assert leases.renew(uow, held)


def test_cancel__a_round_that_has_ended_cannot_be(pets):
    round_id = pets.play_round()

    with pytest.raises(InvalidTransition, match="succeeded cannot become cancelled"), pets.writing() as uow:
        rounds.cancel(uow, round_id)


def test_cancel__leaves_the_sample_of_a_draft_that_was_opened_meanwhile_alone(pets):
    round_id = pets.request()
    pets.open_draft(pets.ids(Split.TRAIN)[:3])
    sample = pets.ids(Split.VALIDATION)

    with pets.writing() as uow:
        rounds.cancel(uow, round_id)

    assert len(sample) == 5
    assert pets.ids(Split.VALIDATION) == sample


def test_retry__a_failed_round_starts_again_on_the_same_snapshot_and_seed(pets):
    round_id = pets.request(seed=3)
    held = pets.claim(round_id)
    with pets.writing() as uow:
        leases.end(uow, held, RoundStatus.FAILED, "Out of memory.", traceback="…")
    failed = pets.round(round_id)

    with pets.writing() as uow:
        rounds.retry(uow, round_id)

    again = pets.round(round_id)
    assert (failed.status, failed.error, failed.traceback) == (RoundStatus.FAILED, "Out of memory.", "…")
    assert (again.status, again.error, again.traceback, again.finished_at) == (RoundStatus.QUEUED, None, None, None)
    assert (again.snapshot_id, again.seed) == (failed.snapshot_id, 3)
    assert pets.claim(round_id).attempt == 2


def test_retry__only_a_failed_round_and_only_while_no_other_trains(pets):
    succeeded = pets.play_round()
    with pytest.raises(InvalidTransition, match="succeeded cannot become queued"), pets.writing() as uow:
        rounds.retry(uow, succeeded)

    failed = pets.claim(pets.request())
    with pets.writing() as uow:
        leases.end(uow, failed, RoundStatus.FAILED, "No.")
    pets.request()
    with pytest.raises(Conflict, match="Round 3 is queued"), pets.writing() as uow:
        rounds.retry(uow, failed.round_id)


def test_events__every_change_is_written_down_with_its_reason(pets):
    round_id = pets.play_round()

    with pets.reading() as uow:
        told = [(event.status, event.note) for event in round_queries.events(uow.session, round_id)]

    assert told == [
        (RoundStatus.QUEUED, "Queued for training."),
        (RoundStatus.RUNNING, "Attempt 1 began on worker-1."),
        (RoundStatus.SUCCEEDED, "Published."),
    ]


def test_unanswered__counts_what_is_left_in_every_queue(pets):
    pets.open_draft(pets.ids(Split.TRAIN)[:3])
    pets.label(pets.ids(Split.TEST)[:1])
    pets.label(pets.ids(Split.VALIDATION)[:2])

    with pets.reading() as uow:
        left = rounds.unanswered(uow, pets.project_id, 0)

    assert left == {Queue.TEST: 3, Queue.VALIDATION: 3, Queue.SELECTION: 3, Queue.REVIEW: 0}
