"""A round while it trains and afterwards: where it is, and its losses by step."""

from __future__ import annotations

from dataclasses import dataclass

from app.db.models import Round
from app.db.queries import rounds
from app.db.unit_of_work import UnitOfWork
from ssmae.config import Phase

# The worker also reports what comes before and after the phases of training, in a word.
_PHASES: dict[str, str] = {
    "starting": "starting",
    "loading": "loading the images",
    "predicting": "predicting the test images",
    "publishing": "writing the result",
    Phase.RECONSTRUCT: "reconstructing hidden patches of every image",
    Phase.LABELS: "learning the classes from the labels",
    Phase.JOINT: "learning from labels and pseudo-labels together",
}


@dataclass(frozen=True, kw_only=True)
class LossPoint:
    """One loss at one step."""

    step: int
    phase: Phase
    loss: str
    value: float


@dataclass(frozen=True, kw_only=True)
class TrainingCurve:
    """Losses by step and loss name, and the speed at each reported step."""

    losses: list[LossPoint]
    images_per_second: list[tuple[int, float]]

    @property
    def speed(self) -> float | None:
        """Mean images a second over the reports, or None before the first."""
        speeds = [value for _, value in self.images_per_second if value > 0]
        return sum(speeds) / len(speeds) if speeds else None


@dataclass(frozen=True, kw_only=True)
class Progress:
    """Where a running round is, ready to be shown: `step` of `total_steps` of what `phase` says."""

    phase: str
    step: int
    total_steps: int
    losses: dict[str, float]
    images_per_second: float | None
    seconds_left: float | None

    @property
    def share(self) -> float:
        """How much of it is done, in [0, 1]."""
        return min(1.0, self.step / self.total_steps) if self.total_steps else 0.0


def training_curve(uow: UnitOfWork, round_id: int) -> TrainingCurve:
    """The losses of a round's newest attempt.

    Raises:
        NotFound: there is no such round.
    """
    points = rounds.training_points(uow.session, round_id, rounds.one(uow.session, round_id).attempt)
    return TrainingCurve(
        losses=[
            LossPoint(step=point.step, phase=point.phase, loss=name, value=float(value))
            for point in points
            for name, value in point.losses.items()
        ],
        images_per_second=[(point.step, point.images_per_second) for point in points],
    )


def progress_of(one: Round) -> Progress | None:
    """How far a running round is; None before its first report."""
    told = one.progress
    if "step" not in told:
        return None
    return Progress(
        phase=_PHASES.get(told["phase"], told["phase"]),
        step=int(told["step"]),
        total_steps=int(told.get("total_steps", 0)),
        losses={name: float(value) for name, value in told.get("losses", {}).items()},
        images_per_second=told.get("images_per_second") or None,
        seconds_left=told.get("seconds_left"),
    )
