"""The tasks, called in the test's own process: messages that come twice, and drafts that are drawn again meanwhile."""

from __future__ import annotations

import os
import threading
import time
from typing import cast

import pytest
from celery import Celery

from app.db.unit_of_work import committed
from app.domain.labels import Queue
from app.domain.rounds import SelectionStatus
from app.queue import Task
from app.services import rounds as round_service
from app.services.runtime import Runtime
from ssmae.config import Acquisition
from ssmae.errors import Stopped
from tests.worker import scene
from tests.world import selected_ids
from worker import attempts, selecting, tasks
from worker.child import Line
from worker.host import Host


class SlowToLook(set[tuple[str, int]]):
    """What a host is busy with, looked at slowly: between looking and adding there is time for another thread."""

    def __contains__(self, key: object) -> bool:
        found = super().__contains__(key)
        time.sleep(0.2)
        return found


class RedrawnMeanwhile:
    """The line of a choosing child whose draft is drawn again just before the choice is written."""

    def __init__(self, runtime: Runtime, round_id: int) -> None:
        self._runtime, self._round_id, self._is_done = runtime, round_id, False

    def should_stop(self) -> bool:
        if not self._is_done:
            self._is_done = True
            with committed(self._runtime.database) as uow:
                round_service.redraw(uow, self._round_id, selection_size=2)
        return False


def _draft(runtime: Runtime) -> int:
    project_id = scene.sealed_project(runtime)
    with committed(runtime.database) as uow:
        return round_service.open_draft(uow, project_id, strategy=Acquisition.RANDOM).id


def _selected(runtime: Runtime, round_id: int) -> int:
    with runtime.database.reading() as uow:
        return len(selected_ids(uow.session, round_id, Queue.SELECTION))


def test_task__of_two_messages_at_the_same_moment_one_does_the_work(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[int] = []
    busy = Host(runtime=host.runtime, name=host.name, queue=host.queue, busy=SlowToLook())

    def work(_host: Host, row_id: int) -> None:
        done.append(row_id)
        time.sleep(0.5)

    monkeypatch.setattr(attempts, "run", work)
    celery = Celery("test", set_as_current=False)
    tasks.register(celery, busy)
    threads = [threading.Thread(target=celery.tasks[Task.RUN_ROUND], args=(7,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)

    assert done == [7]


def test_choosing__a_draft_that_is_drawn_again_meanwhile_is_left_to_the_new_choice(host: Host) -> None:
    round_id = _draft(host.runtime)
    line = cast("Line", RedrawnMeanwhile(host.runtime, round_id))

    with pytest.raises(Stopped, match="drawn again"):
        selecting.main(line, round_id, 0)

    assert scene.look(host.runtime, round_id).selection_status is SelectionStatus.PENDING
    assert _selected(host.runtime, round_id) == 0


def test_select_images__drawn_again_while_a_child_chooses_it_chooses_again_at_once(host: Host) -> None:
    round_id = _draft(host.runtime)
    thread = threading.Thread(target=tasks.select_images, args=(host, round_id))
    thread.start()
    try:
        (first,) = scene.wait_for("a child", lambda: scene.children_of(os.getpid(), "worker.child"))
        with committed(host.runtime.database) as uow:
            round_service.redraw(uow, round_id, selection_size=2)
        scene.wait_for("its end", lambda: not scene.is_alive(first), seconds=5)
        thread.join(30)
    finally:
        host.stopping.set()
        thread.join(30)

    drawn = scene.look(host.runtime, round_id)
    assert (drawn.selection_status, drawn.selection_version) == (SelectionStatus.READY, 1)
    assert _selected(host.runtime, round_id) == 2
