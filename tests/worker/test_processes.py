"""Real worker processes with real tiny rounds, on both stacks."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image as Pillow
from sqlalchemy import update

from app.db.models import Round
from app.db.queries import rounds
from app.db.unit_of_work import committed
from app.domain.rounds import ImportStatus, LabelUse, RoundStatus
from app.services import importing, reports
from app.services import rounds as round_service
from app.services.runtime import Runtime
from app.settings import Settings
from tests.worker import scene

Opened = Callable[[Settings], Runtime]


def _events(runtime: Runtime, round_id: int) -> list[RoundStatus]:
    with runtime.database.reading() as uow:
        return [event.status for event in rounds.events(uow.session, round_id)]


def test_worker__trains_a_queued_round_and_publishes_all_of_it(stack: Settings, opened: Opened) -> None:
    runtime = opened(stack)
    project_id = scene.sealed_project(runtime)

    with scene.worker(stack):
        round_id = scene.queue_round(runtime, project_id)
        done = scene.wait_for_status(runtime, round_id, RoundStatus.SUCCEEDED, RoundStatus.FAILED)

    assert done.status is RoundStatus.SUCCEEDED, done.traceback
    assert done.manifest["labels"] == {"train": 12, "validation": 0, "test": 8}
    assert done.manifest["start"] == {"asked": "last", "resumed": False, "parent_round": None, "file": None}
    assert set(done.files) == {
        "checkpoint.safetensors", "predictions.npz", "model.safetensors", "config.json", "model.onnx",
    }  # fmt: skip
    assert all(runtime.storage.existing(key) for key in done.files.values())
    with runtime.database.reading() as uow:
        curve = reports.learning_curve(uow, project_id)
        points = rounds.training_points(uow.session, round_id, 1)
        assert sum(rounds.pseudo_label_counts(uow.session, round_id).values()) == 48 - 8 - 12
        assert rounds.draft(uow.session, project_id) is not None
    assert [(point.labels, point.test.n) for point in curve] == [(12, 8)]
    assert points
    assert curve[0].test.correct == done.manifest["test"]["correct"]


def test_worker_killed__another_one_takes_over_and_there_is_one_result(stack: Settings, opened: Opened) -> None:
    runtime = opened(stack)
    project_id = scene.sealed_project(runtime)
    with scene.worker(stack) as lost:
        round_id = scene.queue_round(runtime, project_id, scene.ENDLESS)
        scene.wait_for("training", lambda: scene.look(runtime, round_id).progress.get("losses"))
        orphans = scene.children_of(lost.pid)
        lost.send_signal(signal.SIGKILL)
        lost.wait()

    scene.wait_for("the child to end with its worker", lambda: not any(map(scene.is_alive, orphans)), seconds=5)
    assert scene.look(runtime, round_id).status is RoundStatus.RUNNING
    with committed(runtime.database) as uow:  # half a minute later; and the round is made to end
        uow.session.execute(update(Round).values(lease_expires=0.0, sent_at=None, config=_finite(runtime, round_id)))
    with scene.worker(stack):
        done = scene.wait_for_status(runtime, round_id, RoundStatus.SUCCEEDED, RoundStatus.FAILED)

    assert (done.status, done.attempt) == (RoundStatus.SUCCEEDED, 2)
    assert all("/2/" in key for key in done.files.values())
    assert _events(runtime, round_id).count(RoundStatus.SUCCEEDED) == 1


def _finite(runtime: Runtime, round_id: int) -> dict[str, object]:
    config = scene.look(runtime, round_id).config
    return config | {"schedule": config["schedule"] | {"reconstruct_steps": 2}}


def test_worker_told_to_end__gives_its_round_back_without_counting_the_attempt(
    embedded: Settings, opened: Opened
) -> None:
    runtime = opened(embedded)
    project_id = scene.sealed_project(runtime)
    with scene.worker(embedded) as process:
        round_id = scene.queue_round(runtime, project_id, scene.ENDLESS)
        scene.wait_for("training", lambda: scene.look(runtime, round_id).progress.get("losses"))
        left = scene.look(runtime, round_id).attempts_left
        began = time.monotonic()
        process.terminate()
        process.wait(20)
        seconds = time.monotonic() - began

    given_back = scene.look(runtime, round_id)
    assert (given_back.status, given_back.attempts_left) == (RoundStatus.QUEUED, left + 1)
    assert seconds < 10
    assert not runtime.storage.path(f"rounds/{round_id}/1").exists()


@pytest.mark.slow
def test_sweeper__a_round_whose_message_was_lost_is_trained(
    embedded: Settings, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent = opened(embedded)
    monkeypatch.setattr(silent.database, "_send", lambda _task, _row: None)
    round_id = scene.queue_round(silent, scene.sealed_project(silent))

    with scene.worker(embedded):
        scene.wait_for_status(silent, round_id, RoundStatus.SUCCEEDED)


def test_io_worker__imports_in_the_background_and_chooses_a_drafts_images(
    embedded: Settings, opened: Opened, tmp_path: Path
) -> None:
    runtime = opened(embedded)
    project_id = scene.sealed_project(runtime)
    for number in range(3):
        place = tmp_path / "more" / "dark" / f"{number}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        Pillow.new("RGB", (8, 8), (number, 7, 9)).save(place)

    with scene.worker(embedded, "io"):
        with committed(runtime.database) as uow:
            import_id = importing.start(
                uow, project_id=project_id, source=tmp_path / "more", label_use=LabelUse.SEALED, in_background=True
            ).id
            round_service.open_draft(uow, project_id)

        def imported() -> importing.ImportReport | None:
            with runtime.database.reading() as reading:
                found = importing.report(reading, import_id)
            return found if found.status is ImportStatus.SUCCEEDED else None

        def chosen() -> reports.Draft | None:
            with runtime.database.reading() as reading:
                found = reports.draft(reading, project_id)
            return found if found is not None and found.selection.total else None

        brought = scene.wait_for("the import", imported)
        ready = scene.wait_for("a selection", chosen)

    assert (brought.added, brought.refused) == (3, 0)
    assert (ready.selection.total, ready.validation.total) == (4, 4)
    assert ready.message is not None
    assert "TypiClust instead" in ready.message
