"""What a running round says of itself."""

from __future__ import annotations

import time

import pytest

from ssmae.config import Phase, ScheduleConfig
from ssmae.recording import Recorder
from ssmae.results import Progress
from ssmae.schedule import Plan

SCHEDULE = ScheduleConfig(reconstruct_steps=10, labels_steps=0, joint_steps=0)


def test_resume__leaves_time_that_was_not_spent_on_steps_out_of_speed_and_time_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    said: list[Progress] = []
    recorder = Recorder(Plan.of(SCHEDULE, resumes=False, learns_classes=False), said.append)

    for step in range(10):
        if step == 5:
            clock[0] += 60.0
            recorder.resume()
        clock[0] += 1.0
        recorder.record(Phase.RECONSTRUCT, step, {"reconstruction": 1.0}, 1e-3, images=32)

    assert recorder.images_per_second == pytest.approx(32.0)
    assert [one.images_per_second for one in said] == pytest.approx([32.0] * 10)
    assert [one.seconds_left for one in said] == pytest.approx([9.0 - step for step in range(10)])
