"""What a running round says of itself."""

from __future__ import annotations

import json
import time

import pytest
import torch

from ssmae import recording
from ssmae.config import Phase, ScheduleConfig
from ssmae.errors import NonFiniteLoss
from ssmae.recording import Recorder
from ssmae.results import Progress
from ssmae.schedule import Plan


def numbers(value: float) -> dict[str, torch.Tensor]:
    return {name: torch.tensor(value) for name in ("reconstruction", "total", "gradient_norm")}


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
        recorder.record(Phase.RECONSTRUCT, step, numbers(1.0), 1e-3, images=32)

    assert recorder.images_per_second == pytest.approx(32.0)
    assert [one.images_per_second for one in said] == pytest.approx([32.0] * 10)
    assert [one.seconds_left for one in said] == pytest.approx([9.0 - step for step in range(10)])


def recorded(values: list[float]) -> Recorder:
    recorder = Recorder(Plan.of(SCHEDULE, resumes=False, learns_classes=False), lambda _: None)
    for step, value in enumerate(values):
        recorder.record(Phase.RECONSTRUCT, step, numbers(value), 1e-3, images=1)
    return recorder


def test_record__a_loss_that_ends_before_the_others_keeps_its_own_mean() -> None:
    schedule = ScheduleConfig(reconstruct_steps=800)
    recorder = Recorder(Plan.of(schedule, resumes=False, learns_classes=False), lambda _: None)
    for step in range(4):
        extra = {"consistency": torch.tensor(2.0)} if step < 3 else {}
        recorder.record(Phase.RECONSTRUCT, step, numbers(1.0) | extra, 1e-3, images=1)
    (point,) = recorder.history
    assert point.losses["consistency"] == 2.0
    assert point.losses["total"] == 1.0


def test_record__gives_the_same_curve_however_rarely_it_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    values = [float(step) for step in range(10)]
    every_step = recorded(values).history
    monkeypatch.setattr(recording, "UNREAD_STEPS", {"cpu": 4})
    assert recorded(values).history == every_step
    assert [point.losses["total"] for point in every_step] == values


@pytest.mark.parametrize("unread", [1, 4, 50])
def test_record__names_the_first_step_that_is_not_finite(monkeypatch: pytest.MonkeyPatch, unread: int) -> None:
    monkeypatch.setattr(recording, "UNREAD_STEPS", {"cpu": unread})
    with pytest.raises(NonFiniteLoss) as caught:
        recorded([1.0, 2.0, 3.0, 4.0, float("nan"), float("inf"), 1.0, 1.0, 1.0, 1.0])
    assert caught.value.step == 4
    assert caught.value.recent == [1.0, 2.0, 3.0, 4.0]


def test_restore__carries_the_curve_on() -> None:
    plan = Plan.of(SCHEDULE, resumes=False, learns_classes=False)
    whole = recorded([float(step) for step in range(10)])
    first, second = Recorder(plan, lambda _: None), Recorder(plan, lambda _: None)
    for step in range(10):
        recorder = first if step < 6 else second
        if step == 6:
            second.restore(json.loads(json.dumps(first.state())))
        recorder.record(Phase.RECONSTRUCT, step, numbers(float(step)), 1e-3, images=1)
    assert second.history == whole.history
