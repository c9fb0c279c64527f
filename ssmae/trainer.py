"""The course of one round: reconstruct, then labels, then joint with the gate asked twice.

Reads a `RoundData` and a `RoundConfig`, returns a `RoundResult`; writes no file, knows no database, has no global
state. The same code runs on a CPU in full precision and on a GPU with bfloat16 (the GPU path is not covered by tests).
Must never import anything of the server.

Departures from the paper (2601.20072): the gate is a Learn-then-Test bound on a human validation sample, asked at the
start of the joint phase and half-way, not a point estimate each epoch; its accepted snapshot is frozen between checks;
the pseudo-label loss is on the strong view; the labels come from a mean teacher. While the gate is closed no
pseudo-label teaches; what remains is supervised + reconstruction + soft-weighted consistency, which can be
switched off (`consistency_weight=0`).
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import torch

from ssmae.config import Phase, RoundConfig
from ssmae.data import RoundData
from ssmae.errors import InvalidConfig, InvalidData, NonFiniteLoss, Stopped
from ssmae.gate import GateDecision, LearnThenTestGate, affordable_checks
from ssmae.inference import never, predict, predict_views
from ssmae.learner import Learner
from ssmae.model import SSMAE
from ssmae.proposals import Proposals, Scores, evidence, propose, teaching_labels
from ssmae.recording import Recorder
from ssmae.results import EncoderState, Progress, RoundResult, versions
from ssmae.resume import start_model
from ssmae.schedule import Plan


def train_round(
    data: RoundData,
    config: RoundConfig,
    *,
    seed: int,
    start_state: EncoderState | None = None,
    on_progress: Callable[[Progress], None] = lambda _: None,
    should_stop: Callable[[], bool] = never,
) -> RoundResult:
    """Train one round.

    Args:
        data: images, labels that teach, labels that judge the gate.
        config: every choice.
        seed: the result depends on it and on the arguments alone (on one machine, on a CPU).
        start_state: encoder of an earlier round, or None to start from scratch; head and optimiser are always fresh.
        on_progress: called about twice a second from this thread.
        should_stop: asked between every two steps and every two batches of inference.

    Returns:
        The teacher, its predictions and proposals, and the record of the round. With fewer than two classes among the
        labels only reconstruction is trained, and the notes say so.

    Raises:
        InvalidConfig: a device that is not there, an encoder that is none.
        InvalidData: the images have another size than the configuration says.
        CheckpointMismatch: `start_state` does not fit the configured network.
        NonFiniteLoss: a loss or a gradient became NaN or infinite; raised before the weights changed.
        Stopped: `should_stop` said so.

    Source: SSMAE, 2601.20072; see the module's docstring for departures.
    """
    if data.images.image_size != config.model.image_size:
        raise InvalidData(f"Images must be {config.model.image_size} pixels wide. Got {data.images.image_size}.")
    device = choose_device(config.device)
    with _threads(config.threads), _own_randomness(seed, device):
        return _Round(data, config, seed, start_state, device, on_progress, should_stop).run()


class _Round:
    """State of one call of `train_round`."""

    def __init__(
        self,
        data: RoundData,
        config: RoundConfig,
        seed: int,
        start_state: EncoderState | None,
        device: torch.device,
        on_progress: Callable[[Progress], None],
        should_stop: Callable[[], bool],
    ) -> None:
        self._data, self._config, self._device, self._should_stop = data, config, device, should_stop
        student = start_model(config, data.class_names, start_state, seed=seed)
        classes_seen = len(np.unique(data.labels_N[data.labels_N >= 0]))
        self._learns_classes = classes_seen >= 2 and config.schedule.labels_steps + config.schedule.joint_steps > 0
        self._notes = _notes(classes_seen, len(data.labelled_index_L), learns_classes=self._learns_classes)
        self._plan = Plan.of(config.schedule, resumes=start_state is not None, learns_classes=self._learns_classes)
        self._learner = Learner(data, config, student, device, seed)
        self._gate = LearnThenTestGate(alpha=config.gate.alpha, delta=config.gate.delta)
        self._decisions: list[GateDecision] = []
        self._scores: Scores | None = None
        self._recorder = Recorder(self._plan, on_progress)
        self._recent: deque[float] = deque(maxlen=5)

    def run(self) -> RoundResult:
        """All phases, then inference."""
        started = time.monotonic()
        for phase in Phase:
            self._run_phase(phase)
        model: SSMAE = self._learner.teacher.model
        predictions = predict(model, self._data.images, should_stop=self._should_stop)
        proposals = Proposals.none()
        if self._learns_classes:
            if self._scores is None:  # no joint phase, so the gate was never asked
                self._scores = self._score()
            proposals = propose(self._data, self._scores, self._decisions[-1] if self._decisions else None)
        return RoundResult(
            model=model.cpu(),
            student=EncoderState.of(self._learner.student),
            learnt_classes=self._learns_classes,
            notes=self._notes,
            decisions=tuple(self._decisions),
            proposals=proposals,
            predictions=predictions,
            history=self._recorder.history,
            seconds=time.monotonic() - started,
            images_per_second=self._recorder.images_per_second,
            device=str(self._device),
            versions=versions(),
        )

    def _run_phase(self, phase: Phase) -> None:
        draw = {
            Phase.RECONSTRUCT: self._learner.reconstruct,
            Phase.LABELS: self._learner.labels,
            Phase.JOINT: self._learner.joint,
        }[phase]
        schedule = self._config.schedule
        images = schedule.unlabelled_batch + (0 if phase is Phase.RECONSTRUCT else schedule.labelled_batch)
        checks = self._check_steps() if phase is Phase.JOINT else []
        for step in range(self._plan.steps[phase]):
            self._stop_if_asked(phase, step)
            if step in checks:
                self._ask_gate(check=checks.index(step) + 1, checks=len(checks))
                self._recorder.resume()
            losses = draw()
            weights = self._plan.loss_weights(phase, step, self._config.loss)
            total = torch.stack([weights[name] * loss for name, loss in losses.items()]).sum()
            values = {name: loss.item() for name, loss in losses.items()} | {"total": total.item()}
            self._refuse_non_finite(phase, step, values)
            self._stop_if_asked(phase, step)  # between the halves too: on a slow machine one step can take seconds
            learning_rate = self._plan.learning_rate(phase, step, schedule)
            norm = self._learner.update(total, learning_rate)
            self._refuse_non_finite(phase, step, values | {"gradient_norm": norm})
            self._recent.append(values["total"])
            self._recorder.record(phase, step, values, learning_rate, images)

    def _check_steps(self) -> list[int]:
        gate = self._config.gate
        answered = len(self._data.validation_index_V)
        return self._plan.check_steps(affordable_checks(gate.alpha, gate.delta, gate.checks, answered=answered))

    def _ask_gate(self, *, check: int, checks: int) -> None:
        self._scores = self._score()
        decision = self._gate.decide(evidence(self._data, self._scores), check=check, checks=checks)
        self._decisions.append(decision)
        self._learner.use_pseudo_labels(teaching_labels(self._data, self._scores, decision))

    def _score(self) -> Scores:
        learner, config = self._learner, self._config
        return Scores.of(
            predict_views(
                learner.teacher.model,
                learner.images,
                config.augment,
                config.gate.views,
                learner.for_scores,
                self._should_stop,
            )
        )

    def _stop_if_asked(self, phase: Phase, step: int) -> None:
        if self._should_stop():
            raise Stopped(f"Stopped in phase {phase.value!r} after {step} of {self._plan.steps[phase]} steps.")

    def _refuse_non_finite(self, phase: Phase, step: int, values: dict[str, float]) -> None:
        if not all(math.isfinite(value) for value in values.values()):
            raise NonFiniteLoss(phase.value, step, values, list(self._recent))


def choose_device(name: str) -> torch.device:
    """The device that a configuration names.

    Raises:
        InvalidConfig: unknown, or a GPU where there is none.
    """
    if name not in ("auto", "cpu", "cuda"):
        raise InvalidConfig("RoundConfig.device", "auto, cpu or cuda", name)
    if name == "cuda" and not torch.cuda.is_available():
        raise InvalidConfig("RoundConfig.device", "auto or cpu, because torch finds no GPU here", name)
    return torch.device("cuda" if name != "cpu" and torch.cuda.is_available() else "cpu")


def _notes(classes_seen: int, labels: int, *, learns_classes: bool) -> tuple[str, ...]:
    if learns_classes:
        return ()
    if classes_seen < 2:
        why = "no label" if not labels else f"{labels} labels of one class only"
        return (f"Only reconstruction was trained: there is {why}, and telling classes apart needs at least two.",)
    return ("Only reconstruction was trained: the schedule has no steps with labels.",)


@contextmanager
def _threads(wanted: int) -> Iterator[None]:
    before = torch.get_num_threads()
    if wanted:
        torch.set_num_threads(wanted)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def _own_randomness(seed: int, device: torch.device) -> Iterator[None]:
    """Stochastic depth in timm draws from torch's global generators: seed them for this round, then give them back."""
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield
