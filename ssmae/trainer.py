"""The course of one round: reconstruct, then labels, then joint with the gate asked once or twice.

Reads a `RoundData` and a `RoundConfig`, returns a `RoundResult`; knows no database, has no global state, writes no file
but the half-way state where it is told to. The same code runs on a CPU in full precision and on a GPU with bfloat16.
Must never import anything of the server.

Departures from the paper (2601.20072): the gate is a Learn-then-Test bound on a human validation sample, asked half-way
through the joint phase and, where the sample can feed two checks, at its start as well, not a point estimate each
epoch; its accepted snapshot is frozen between checks; the pseudo-label loss is on the strong view; the labels come from
a mean teacher; the validation answers teach once they have judged for the last time. While the gate is closed no
pseudo-label teaches; what remains is supervised + reconstruction + soft-weighted consistency, which can be switched off
(`consistency_weight=0`).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from ssmae.config import Phase, RoundConfig, unreachable
from ssmae.data import RoundData
from ssmae.device import check_compiler, choose_device, own_randomness, threads
from ssmae.errors import Stopped
from ssmae.gating import Gating
from ssmae.head import ClassMap, imprint
from ssmae.inference import never, predict
from ssmae.learner import Learner, Losses
from ssmae.midway import Keeper, origin_of
from ssmae.model import SSMAE
from ssmae.proposals import Proposals
from ssmae.recording import Recorder
from ssmae.results import EncoderState, Progress, RoundResult, versions
from ssmae.resume import new_classes, start_model
from ssmae.schedule import Plan, Weights


def train_round(
    data: RoundData,
    config: RoundConfig,
    *,
    seed: int,
    start_state: EncoderState | None = None,
    class_map: ClassMap | None = None,
    on_progress: Callable[[Progress], None] = lambda _: None,
    observe: Callable[[Phase, int, SSMAE], None] = lambda *_: None,
    should_stop: Callable[[], bool] = never,
    midway: Path | None = None,
    midway_seconds: float = 60.0,
) -> RoundResult:
    """Train one round.

    Args:
        data: images, labels that teach, labels that judge the gate.
        config: every choice.
        seed: the result depends on it and on the arguments alone (on one machine, on a CPU).
        start_state: of an earlier round, or None to start from scratch. The optimiser is always fresh, the head too
            unless the schedule keeps it.
        class_map: for a kept head, which class of this round each of the earlier classes has become; None: the one
            of the same name.
        on_progress: called about twice a second from this thread.
        observe: called before every step with the phase, the step's index in it and the teacher, which must be left as
            it is; for reports on how a round goes.
        should_stop: asked between every two steps and every two batches of inference.
        midway: file for the half-way state. If it exists the round goes on from there and ends as if it had never been
            interrupted: bitwise on a CPU. It is left behind at the end; removing it is the caller's business.
        midway_seconds: time between two writings of that file, hence the work that a crash can cost, or a stop in the
            midst of a step or of a gate check. When `should_stop` ends the round between two steps, and after the last
            one, it is written as well.

    Returns:
        The teacher, its predictions and proposals, and the record of the round. With fewer than two classes among the
        labels only reconstruction is trained, and the notes say so.

    Raises:
        InvalidConfig: a device that is not there, an encoder that is none, `compile` without a C compiler.
        InvalidData: the images have another size than the configuration says, or the class map is none.
        CheckpointMismatch: `start_state` does not fit the configured network, or `midway` is of another round.
        NonFiniteLoss: a loss or a gradient became NaN or infinite; raised before the weights changed.
        Stopped: `should_stop` said so.

    Source: SSMAE, 2601.20072; see the module's docstring for departures.
    """
    data.images.check_size(config.model.image_size)
    device = choose_device(config.device)
    if config.compile and device.type == "cuda":
        check_compiler()
    with threads(config.threads), own_randomness(seed, device):
        student = start_model(config, data.class_names, start_state, seed=seed, class_map=class_map)
        imprint(student, data.images, data.labels_N, new_classes(config, data.class_names, start_state, class_map))
        resumes = start_state is not None
        running = _Round(data, config, seed, student, device, on_progress, observe, should_stop, resumes=resumes)
        if midway is not None:
            running.keep(midway, midway_seconds)
        return running.run()


class _Round:
    """State of one call of `train_round`."""

    def __init__(
        self,
        data: RoundData,
        config: RoundConfig,
        seed: int,
        student: SSMAE,
        device: torch.device,
        on_progress: Callable[[Progress], None],
        observe: Callable[[Phase, int, SSMAE], None],
        should_stop: Callable[[], bool],
        *,
        resumes: bool,
    ) -> None:
        self._data, self._config, self._device = data, config, device
        self._seed, self._resumes = seed, resumes
        self._observe, self._should_stop = observe, should_stop
        classes_seen = len(np.unique(data.labels_N[data.labelled_index_L]))
        self._learns_classes = classes_seen >= 2 and config.schedule.labels_steps + config.schedule.joint_steps > 0
        self._notes = _notes(classes_seen, learns_classes=self._learns_classes)
        self._notes += unreachable(config, classes=len(data.class_names))
        self._plan = Plan.of(config.schedule, resumes=resumes, learns_classes=self._learns_classes)
        self._learner = Learner(data, config, student, device, seed)
        self._gating = Gating(data, config.gate)
        self._recorder = Recorder(self._plan, on_progress)
        self._keeper: Keeper | None = None
        self._begin, self._seconds_before = (Phase.RECONSTRUCT, 0), 0.0

    def keep(self, path: Path, every_seconds: float) -> None:
        """Write the state to a file now and then; go on from there if it exists."""
        # What it begins with, head and class map included, is in the student's weights by now.
        start = self._learner.student.state_dict() if self._resumes else None
        origin = origin_of(self._config, self._data, seed=self._seed, device=str(self._device), start=start)
        self._keeper = Keeper(path, every_seconds, origin)
        if (found := self._keeper.load()) is None:
            return
        self._learner.restore(found.tensors)
        self._gating.restore(found.tensors, found.facts["gating"])
        self._recorder.restore(found.facts["recorder"])
        self._begin = Phase(found.facts["phase"]), found.facts["step"]
        self._seconds_before = found.facts["seconds"]

    def run(self) -> RoundResult:
        """All phases, then inference."""
        self._started = time.monotonic()
        first, step = self._begin
        phases = list(Phase)
        with closing(self._learner):
            for phase in phases[phases.index(first) :]:
                self._run_phase(phase, step if phase is first else 0)
                if phase is Phase.RECONSTRUCT:
                    self._learner.end_reconstruction()
            if self._keeper is not None:  # what follows looks at every image, and can be interrupted too
                self._keep(self._keeper, phases[-1], self._plan.steps[phases[-1]])
        model: SSMAE = self._learner.teacher.model
        precision = self._config.precision
        predictions = predict(model, self._data.images, should_stop=self._should_stop, precision=precision)
        proposals = Proposals.none()
        if self._learns_classes:
            proposals = self._gating.proposals(self._score)
        return RoundResult(
            model=model.cpu(),
            student=EncoderState.of(self._learner.student),
            learnt_classes=self._learns_classes,
            notes=self._notes,
            decisions=tuple(self._gating.decisions),
            proposals=proposals,
            predictions=predictions,
            history=self._recorder.history,
            seconds=self._seconds,
            images_per_second=self._recorder.images_per_second,
            device=str(self._device),
            versions=versions(),
        )

    @property
    def _seconds(self) -> float:
        return self._seconds_before + time.monotonic() - self._started

    def _run_phase(self, phase: Phase, begin: int) -> None:
        draw: Callable[[Weights], Losses] = {
            Phase.RECONSTRUCT: lambda _: self._learner.reconstruct(),
            Phase.LABELS: self._learner.labels,
            Phase.JOINT: self._learner.joint,
        }[phase]
        schedule = self._config.schedule
        together = schedule.unlabelled_batch + schedule.labelled_batch
        images = schedule.reconstruct_batch if phase is Phase.RECONSTRUCT else together
        checks = self._plan.check_steps(self._gating.checks) if phase is Phase.JOINT else []
        for step in range(begin, self._plan.steps[phase]):
            stops = self._should_stop()
            if self._keeper is not None and (stops or self._keeper.is_due()):
                self._keep(self._keeper, phase, step)
            if stops:
                raise self._stopped(phase, step)
            if step in checks:
                self._ask_gate(checks=len(checks))
            self._observe(phase, step, self._learner.teacher.model)
            weights = self._plan.loss_weights(phase, step, self._config.loss)
            losses = draw(weights)
            if self._should_stop():  # between the halves too: on a slow machine one step can take seconds
                raise self._stopped(phase, step)
            learning_rate = self._plan.learning_rate(phase, step, schedule)
            values = self._learner.update(losses, weights, learning_rate)
            self._recorder.record(phase, step, values, learning_rate, images)

    def _keep(self, keeper: Keeper, phase: Phase, step: int) -> None:
        tensors = self._learner.state() | self._gating.tensors()
        facts = {"phase": phase, "step": step, "seconds": self._seconds}
        keeper.save(tensors, facts | {"gating": self._gating.facts(), "recorder": self._recorder.state()})
        self._recorder.resume()

    def _ask_gate(self, *, checks: int) -> None:
        self._learner.use_pseudo_labels(self._gating.ask(self._score(), checks=checks))
        if self._config.gate.release and len(self._gating.decisions) == checks:
            # They have judged for the last time, and what they let in is frozen: from now on they may teach.
            self._learner.use_labels(self._gating.released_labels())
        self._recorder.resume()

    def _score(self) -> NDArray[np.float32]:
        return self._learner.score(self._config.gate.views, self._should_stop)

    def _stopped(self, phase: Phase, step: int) -> Stopped:
        return Stopped(f"Stopped in phase {phase.value!r} after {step} of {self._plan.steps[phase]} steps.")


def _notes(classes_seen: int, *, learns_classes: bool) -> tuple[str, ...]:
    if learns_classes:
        return ()
    if classes_seen < 2:
        why = "no image has a label" if not classes_seen else "all labels are of one class"
        return (f"Only reconstruction was trained: {why}, and telling classes apart needs two.",)
    return ("Only reconstruction was trained: the schedule has no steps with labels.",)
