"""How long each phase of a round is, and the learning rate and loss weights at each step. Pure arithmetic."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ssmae.config import LossConfig, Phase, ScheduleConfig

Weights = dict[str, float]
"""Factor of each loss by its name."""


@dataclass(frozen=True)
class Plan:
    """The phases of one round, in order.

    Attributes:
        steps: of each phase.
        costs: of a step of each, roughly, only to guess the time left before a phase has been seen. The unit is the
            reconstruction of one image; training to classify one costs two, and the teacher's opinion of it one.
    """

    steps: dict[Phase, int]
    costs: dict[Phase, int]

    @classmethod
    def of(cls, schedule: ScheduleConfig, *, resumes: bool, learns_classes: bool) -> Plan:
        """A round that resumes reconstructs for less; one without enough labels only reconstructs.

        Source: SSMAE, 2601.20072 (pre-training, then labels before pseudo-labels); the costs are own: they guess the
        time left.
        """
        reconstruct = schedule.resume_reconstruct_steps if resumes else schedule.reconstruct_steps
        labels, joint = (schedule.labels_steps, schedule.joint_steps) if learns_classes else (0, 0)
        unlabelled, labelled = schedule.unlabelled_batch, schedule.labelled_batch
        costs = {
            Phase.RECONSTRUCT: schedule.reconstruct_batch,
            Phase.LABELS: unlabelled + 2 * labelled,
            Phase.JOINT: 4 * unlabelled + 2 * labelled,
        }
        return cls({Phase.RECONSTRUCT: reconstruct, Phase.LABELS: labels, Phase.JOINT: joint}, costs)

    @property
    def total(self) -> int:
        """Steps of the whole round."""
        return sum(self.steps.values())

    def learning_rate(self, phase: Phase, step: int, schedule: ScheduleConfig) -> float:
        """Linear warm-up, then a cosine to zero; once over reconstruction alone, once over labels and joint together.

        Args:
            phase: the part of the round.
            step: steps done in that phase.
            schedule: peak and warm-up.

        Source: SGDR 1608.03983 (cosine); warm-up as in MAE, 2111.06377, appendix A.
        """
        length = self.steps[Phase.RECONSTRUCT]
        if phase is not Phase.RECONSTRUCT:
            length = self.steps[Phase.LABELS] + self.steps[Phase.JOINT]
            step += self.steps[Phase.LABELS] if phase is Phase.JOINT else 0
        warm_up = schedule.warm_up_share * length
        if step < warm_up:
            return schedule.learning_rate * (step + 1) / (warm_up + 1)
        share = (step - warm_up) / max(1.0, length - warm_up)
        return schedule.learning_rate * 0.5 * (1 + math.cos(math.pi * share))

    def loss_weights(self, phase: Phase, step: int, loss: LossConfig) -> Weights:
        """Factor of each loss at a step of a phase; reconstruction alone counts fully.

        Source: SSMAE, 2601.20072 (joint losses); ramp-up of what has no human labels as in 1610.02242, here linear.
        """
        if phase is Phase.RECONSTRUCT:
            return {"reconstruction": 1.0}
        ramp_steps = loss.ramp_up_share * self.steps[Phase.JOINT]
        ramp = min(1.0, (step + 1) / ramp_steps) if ramp_steps else 1.0
        return {
            "supervised": 1.0,
            "reconstruction": loss.reconstruction_weight,
            "pseudo_label": loss.pseudo_label_weight * ramp,
            "consistency": loss.consistency_weight * ramp,
        }

    def check_steps(self, checks: int) -> list[int]:
        """Steps of the joint phase before which the gate is asked: at its start, then evenly spread over it.

        A single check waits until half-way: at the start the model is at its worst.

        Source: own; SSMAE, 2601.20072, asks every epoch, for which one validation sample is too small.
        """
        joint = self.steps[Phase.JOINT]
        if checks == 1:
            return [joint // 2] if joint else []
        return [check * joint // checks for check in range(checks)] if joint >= checks else [0] * min(1, joint)

    def steps_left(self, phase: Phase, step: int) -> float:
        """Work left after `step` steps of a phase, in steps of that phase.

        Source: own; people are told the time left before every phase has been seen.
        """
        phases = list(Phase)
        later = phases[phases.index(phase) + 1 :]
        cost = sum(self.steps[other] * self.costs[other] for other in later) / self.costs[phase]
        return self.steps[phase] - step + cost
