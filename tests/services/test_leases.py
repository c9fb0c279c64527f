"""How workers hold rounds: one at a time, fenced by the attempt, swept when lost."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import update

from app.db.models import Round
from app.db.queries import rounds as round_queries
from app.domain.rounds import RoundStatus
from app.queue import Task
from app.services import leases, rounds
from app.services.leases import Claim, LeaseLost
from tests.world import progress


@pytest.fixture
def pets(world):
    """A project with eight training images and two test images."""
    world.make_project(train=8, test=2)
    return world


def expire(world, round_id: int) -> None:
    """The worker is gone for longer than its lease."""
    with world.writing() as uow:
        uow.session.execute(update(Round).where(Round.id == round_id).values(lease_expires=1.0, sent_at=1.0))


def sweep(world) -> int:
    with world.writing() as uow:
        return leases.sweep(uow)


def test_claim__takes_a_queued_round_once(pets):
    round_id = pets.request()

    held = pets.claim(round_id)
    with pets.writing() as uow:
        second = leases.claim(uow, round_id, "worker-2")

    assert (held, second) == (Claim(round_id=round_id, attempt=1), None)
    assert (pets.round(round_id).status, pets.round(round_id).owner) == (RoundStatus.RUNNING, "worker-1")


def test_claim__of_eight_workers_at_the_same_moment_exactly_one_gets_the_round(pets):
    round_id = pets.request()
    start, got = threading.Barrier(8), []

    def work(name: str) -> None:
        start.wait()
        with pets.writing() as uow:
            got.append(leases.claim(uow, round_id, name))

    threads = [threading.Thread(target=work, args=(f"worker-{number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [held for held in got if held is not None] == [Claim(round_id=round_id, attempt=1)]
    assert len(got) == 8


@pytest.mark.parametrize("prepare", ["draft", "cancelled", "missing"])
def test_claim__there_is_nothing_to_take_from_what_does_not_wait(pets, prepare):
    round_id = pets.open_draft() if prepare == "draft" else 10**6
    if prepare == "cancelled":
        round_id = pets.request()
        with pets.writing() as uow:
            rounds.cancel(uow, round_id)

    with pets.writing() as uow:
        assert leases.claim(uow, round_id, "worker-1") is None


def test_claim__takes_over_from_a_lost_worker_who_then_can_write_nothing(pets):
    first = pets.claim(pets.request())
    expire(pets, first.round_id)

    second = pets.claim(first.round_id, "worker-2")

    assert second.attempt == 2
    with pytest.raises(LeaseLost, match="no longer attempt 1's"), pets.writing() as uow:
        leases.renew(uow, first)
    with pytest.raises(LeaseLost), pets.writing() as uow:
        leases.report(uow, first, progress(5, 10))
    with pytest.raises(LeaseLost), pets.writing() as uow:
        leases.end(uow, first, RoundStatus.FAILED, "I was asleep.")
    with pytest.raises(LeaseLost), pets.writing() as uow:
        leases.give_back(uow, first, "Stopping.", counts=False)
    assert (pets.round(first.round_id).status, pets.round(first.round_id).owner) == (RoundStatus.RUNNING, "worker-2")


def test_report__writes_progress_and_one_training_point_a_step_even_if_sent_twice(pets):
    held = pets.claim(pets.request())
    for step in (1, 2, 2, 3):
        with pets.writing() as uow:
            assert not leases.report(uow, held, progress(step, 3))

    with pets.reading() as uow:
        points = round_queries.training_points(uow.session, held.round_id, held.attempt)
    assert [point.step for point in points] == [1, 2, 3]
    assert pets.round(held.round_id).progress["step"] == 3


def test_training_points__of_two_attempts_do_not_mix(pets):
    first = pets.claim(pets.request())
    with pets.writing() as uow:
        leases.report(uow, first, progress(1, 3))
    expire(pets, first.round_id)
    second = pets.claim(first.round_id)
    with pets.writing() as uow:
        leases.report(uow, second, progress(1, 3))

    with pets.reading() as uow:
        assert len(round_queries.training_points(uow.session, first.round_id, 1)) == 1
        assert len(round_queries.training_points(uow.session, first.round_id, 2)) == 1


def test_give_back__a_stop_costs_no_attempt_and_a_loss_costs_one(pets):
    round_id = pets.request()
    for counts, left in ((False, 3), (True, 2)):
        held = pets.claim(round_id)
        with pets.writing() as uow:
            leases.give_back(uow, held, "Gone.", counts=counts)
        assert (pets.round(round_id).status, pets.round(round_id).attempts_left) == (RoundStatus.QUEUED, left)


def test_sweep__announces_an_unsent_round_once_however_many_sweepers_there_are(pets):
    round_id = pets.request()
    pets.messages.clear()

    assert [sweep(pets), sweep(pets), sweep(pets)] == [1, 0, 0]
    assert pets.messages == [(Task.RUN_ROUND, round_id)]


def test_sweep__announces_a_round_whose_worker_is_lost_again(pets):
    held = pets.claim(pets.request())
    assert sweep(pets) == 0
    expire(pets, held.round_id)
    pets.messages.clear()

    assert [sweep(pets), sweep(pets)] == [1, 0]
    assert pets.messages == [(Task.RUN_ROUND, held.round_id)]
    assert pets.claim(held.round_id, "worker-2").attempt == 2


def test_sweep__a_round_whose_workers_are_lost_too_often_fails_and_says_so_once(pets):
    round_id = pets.request()
    for _ in range(rounds.ATTEMPTS):
        pets.claim(round_id)
        expire(pets, round_id)

    sweep(pets)
    sweep(pets)

    failed = pets.round(round_id)
    assert failed.status is RoundStatus.FAILED
    assert failed.error is not None
    assert "lost too often" in failed.error
    with pets.reading() as uow:
        notes = [event.note for event in round_queries.events(uow.session, round_id)]
    assert notes.count("The worker was lost too often.") == 1


def test_sweep__announces_a_selection_that_nobody_began(pets):
    with pets.writing() as uow:
        draft_id = rounds.open_draft(uow, pets.project_id).id
    pets.messages.clear()

    sweep(pets)
    sweep(pets)
    assert pets.messages == [(Task.SELECT_IMAGES, draft_id)]

    pets.select(draft_id, [])
    expire(pets, draft_id)
    pets.messages.clear()
    sweep(pets)
    assert pets.messages == []


def test_end__leaves_the_sample_of_a_draft_that_was_opened_meanwhile_alone(pets):
    from app.domain.pools import Split

    held = pets.claim(pets.request())
    pets.open_draft(validation_size=3)
    sample = pets.ids(Split.VALIDATION)

    with pets.writing() as uow:
        leases.end(uow, held, RoundStatus.CANCELLED, "Cancelled.")

    assert len(sample) == 3
    assert pets.ids(Split.VALIDATION) == sample


def test_seen__a_worker_counts_as_alive_for_a_while(pets):
    for _ in range(2):
        with pets.writing() as uow:
            leases.seen(uow, "worker-1", "train")

    with pets.reading() as uow:
        assert [one.name for one in round_queries.workers_seen(uow.session, 30.0)] == ["worker-1"]
        assert round_queries.workers_seen(uow.session, -1.0) == []
