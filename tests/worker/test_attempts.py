"""One attempt, watched from the test's own process; the child is real."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import select, update

from app.db.models import PseudoLabel, Round
from app.db.queries import images, rounds
from app.db.unit_of_work import committed
from app.domain.labels import Action, AnnotatorKind, Queue
from app.domain.rounds import RoundStatus
from app.services import annotation, publishing
from app.services import rounds as round_service
from app.services.publishing import Chosen
from ssmae.config import Acquisition, RejectionReason
from tests.worker import scene
from tests.world import selected_ids
from worker import attempts
from worker.host import Host


@contextmanager
def _trying(host: Host, round_id: int) -> Iterator[threading.Thread]:
    """An attempt that goes on beside the test."""
    thread = threading.Thread(target=attempts.run, args=(host, round_id))
    thread.start()
    try:
        yield thread
    finally:
        host.stopping.set()
        thread.join(30)
    assert not thread.is_alive()


def _cancel(host: Host, round_id: int) -> float:
    """Click; seconds until the round was cancelled."""
    began = time.monotonic()
    with committed(host.runtime.database) as uow:
        round_service.cancel(uow, round_id)
    scene.wait_for_status(host.runtime, round_id, RoundStatus.CANCELLED, seconds=20)
    return time.monotonic() - began


def test_run__a_cancelled_round_stops_within_two_seconds_while_it_trains(host: Host) -> None:
    round_id = scene.queue_round(host.runtime, scene.sealed_project(host.runtime), scene.ENDLESS)

    with _trying(host, round_id):
        scene.wait_for("training", lambda: scene.look(host.runtime, round_id).progress.get("losses"))
        seconds = _cancel(host, round_id)

    assert seconds < 2
    assert not host.runtime.storage.path(f"rounds/{round_id}/1").exists()


def test_run__a_cancelled_round_stops_within_two_seconds_while_torch_loads(host: Host) -> None:
    round_id = scene.queue_round(host.runtime, scene.sealed_project(host.runtime), scene.ENDLESS)

    with _trying(host, round_id):
        scene.wait_for_status(host.runtime, round_id, RoundStatus.RUNNING)
        seconds = _cancel(host, round_id)

    assert seconds < 2


def test_run__a_child_that_is_killed_costs_an_attempt_and_the_round_waits_again(host: Host) -> None:
    round_id = scene.queue_round(host.runtime, scene.sealed_project(host.runtime), scene.ENDLESS)

    with _trying(host, round_id) as thread:
        (child,) = scene.wait_for("a child", lambda: scene.children_of(os.getpid(), "worker.child"))
        os.kill(child, signal.SIGKILL)
        thread.join(30)

    left = scene.look(host.runtime, round_id)
    assert (left.status, left.attempts_left) == (RoundStatus.QUEUED, round_service.ATTEMPTS - 1)
    with host.runtime.database.reading() as uow:
        assert "was killed" in rounds.events(uow.session, round_id)[-1].note


def test_run__an_attempt_that_lost_its_lease_is_killed_and_writes_nothing(host: Host) -> None:
    round_id = scene.queue_round(host.runtime, scene.sealed_project(host.runtime), scene.ENDLESS)

    with _trying(host, round_id) as thread:
        scene.wait_for("training", lambda: scene.look(host.runtime, round_id).progress.get("losses"))
        with committed(host.runtime.database) as uow:  # another worker thought this one lost
            uow.session.execute(update(Round).values(attempt=2, owner="another", progress={}))
        thread.join(30)
        assert not scene.children_of(os.getpid(), "worker.child")

    after = scene.look(host.runtime, round_id)
    assert (after.status, after.attempt, after.owner, after.progress) == (RoundStatus.RUNNING, 2, "another", {})


def test_run__a_failure_is_a_sentence_with_its_traceback(host: Host) -> None:
    project_id = scene.sealed_project(host.runtime)
    round_id = scene.queue_round(host.runtime, project_id)
    for place in host.runtime.storage.path("images").rglob("*.png"):
        place.write_bytes(b"no image any more")

    attempts.run(host, round_id)

    failed = scene.look(host.runtime, round_id)
    assert failed.status is RoundStatus.FAILED
    assert failed.error is not None
    assert "not a readable image" in failed.error
    assert "bug" not in failed.error
    assert failed.traceback is not None
    assert "UnreadableImage" in failed.traceback


def test_run__a_bug_is_called_one(host: Host) -> None:
    round_id = scene.queue_round(host.runtime, scene.sealed_project(host.runtime))
    with host.runtime.database.reading() as uow:
        digest = rounds.snapshot(uow.session, scene.look(host.runtime, round_id).snapshot_id or 0).digest
    host.runtime.storage.write(f"snapshots/{digest}.npz", b"not a snapshot")

    attempts.run(host, round_id)

    failed = scene.look(host.runtime, round_id)
    assert failed.error is not None
    assert "bug" in failed.error
    assert failed.traceback is not None


def test_run__a_round_that_is_not_waiting_is_left_alone(host: Host) -> None:
    round_id = scene.queue_round(host.runtime, scene.sealed_project(host.runtime))
    with committed(host.runtime.database) as uow:
        round_service.cancel(uow, round_id)

    attempts.run(host, round_id)

    assert scene.look(host.runtime, round_id).attempt == 0


def test_run__what_the_sample_could_not_be_drawn_from_is_rejected_for_that_and_a_skip_judges(host: Host) -> None:
    project_id = scene.sealed_project(host.runtime)
    with committed(host.runtime.database) as uow:
        draft_id = round_service.open_draft(uow, project_id).id
        selected = images.askable_ids(uow.session, project_id)[:3]
        why = "The two likeliest classes are close."
        chosen = [Chosen(image_id=one, strategy=Acquisition.MARGIN, score=0.5, reason=why) for one in selected]
        publishing.publish_selection(uow, host.runtime.storage, draft_id, chosen, seed=draft_id, version=0)
        skipped, *answered = selected_ids(uow.session, draft_id, Queue.VALIDATION)
        annotation.simulate(uow, project_id, Queue.VALIDATION, len(answered) + 1)
        oracle = annotation.annotator(uow, annotation.SIMULATED, AnnotatorKind.SIMULATED)
        annotation.answer(
            uow, uid="skip", image_id=skipped, annotator_id=oracle.id, action=Action.SKIP, class_id=None,
            queue=Queue.VALIDATION,
        )  # fmt: skip
    round_id = scene.queue_round(host.runtime, project_id)

    attempts.run(host, round_id)

    done = scene.look(host.runtime, round_id)
    assert done.status is RoundStatus.SUCCEEDED, done.traceback
    with host.runtime.database.reading() as uow:
        rejected = uow.session.execute(select(PseudoLabel.image_id, PseudoLabel.reason)).all()
        decisions = rounds.gate_records(uow.session, [round_id])
    outside = {image_id for image_id, reason in rejected if reason is RejectionReason.OUTSIDE_FRAME}
    assert outside == set(selected)
    assert len(rejected) > len(outside)
    assert f"only {len(answered) + 1} validation images are answered" in decisions[-1].reason
    assert not any("not known which images" in note for note in done.manifest["notes"])


@pytest.mark.slow
def test_run__the_next_round_resumes_the_last_ones_encoder_and_says_so(host: Host) -> None:
    project_id = scene.sealed_project(host.runtime)
    first = scene.queue_round(host.runtime, project_id)
    attempts.run(host, first)
    with committed(host.runtime.database) as uow:
        scene.label_some(uow, project_id, 4)
    second = scene.queue_round(host.runtime, project_id)

    attempts.run(host, second)

    done = scene.look(host.runtime, second)
    assert done.status is RoundStatus.SUCCEEDED, done.traceback
    assert done.manifest["start"] == {"asked": "last", "resumed": True, "parent_round": 1, "file": None}
    assert done.manifest["labels"]["train"] == 16
