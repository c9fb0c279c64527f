"""How good the model is, and how it got there: the learning curve and the pools over the rounds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from app.db.models import Round, Snapshot
from app.db.queries import images, reports
from app.db.unit_of_work import UnitOfWork
from app.domain.pools import Pool, Split
from app.domain.rounds import RoundStatus
from ssmae.config import Acquisition, StartFrom
from ssmae.metrics import accuracy_interval


@dataclass(frozen=True, kw_only=True)
class Accuracy:
    """A share of right answers, with its exact 95 % interval (Clopper-Pearson); n = 0 means that nothing is known."""

    correct: int
    n: int

    @property
    def value(self) -> float | None:
        """The share, or None without an image."""
        return self.correct / self.n if self.n else None

    @property
    def low(self) -> float:
        """Lower end of the interval; 0 without an image."""
        return accuracy_interval(self.correct, self.n)[0]

    @property
    def high(self) -> float:
        """Upper end of the interval; 1 without an image."""
        return accuracy_interval(self.correct, self.n)[1]


@dataclass(frozen=True, kw_only=True)
class CurvePoint:
    """One round on the learning curve.

    Attributes:
        labels: what the round had cost people outside the test split: the training labels of its snapshot plus the
            validation labels that judged its gate. Test labels and pseudo-labels are not counted.
        test: accuracy on the test images that have a label now.
        start: which weights the round began with.
    """

    round_id: int
    round_number: int
    labels: int
    test: Accuracy
    strategy: Acquisition
    start: StartFrom
    finished_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class PoolsAt:
    """How many images each pool held when a round was published; `round_number` is None for the present."""

    round_number: int | None
    counts: dict[Pool, int]


def learning_curve(uow: UnitOfWork, project_id: int) -> list[CurvePoint]:
    """One point a succeeded round whose accuracy is known, oldest first.

    The labels of the test images are those of now: labelling more of them narrows the interval of every point.
    """
    correct = uow.recent(reports.correct_by_round, project_id)
    rows = reports.rounds_with_labels(uow.session, project_id)
    return [
        CurvePoint(
            round_id=one.id,
            round_number=one.number,
            labels=labels_of(snapshot),
            test=Accuracy(correct=correct[one.id][0], n=correct[one.id][1]),
            strategy=one.strategy,
            start=start_of(one),
            finished_at=one.finished_at,
        )
        for one, snapshot in rows
        if one.status is RoundStatus.SUCCEEDED and one.id in correct
    ]


def newest_accuracy(curve: Iterable[CurvePoint]) -> CurvePoint | None:
    """The last point of a learning curve, if there is one."""
    return max(curve, key=lambda point: point.round_number, default=None)


def labels_of(snapshot: Snapshot | None) -> int:
    """Training plus validation labels of a snapshot: what the curve's horizontal axis counts."""
    return snapshot.labelled + snapshot.validation if snapshot else 0


def start_of(one: Round) -> StartFrom:
    """Which weights a round really began with: the first one that asks for the last encoder starts from scratch."""
    return StartFrom.SCRATCH if one.start_from is StartFrom.LAST and one.parent_id is None else one.start_from


def pools_over_rounds(uow: UnitOfWork, project_id: int) -> list[PoolsAt]:
    """The pools as each succeeded round left them, oldest first, and as they are now."""
    past = [
        PoolsAt(round_number=one.number, counts={pool: int(one.manifest["pools"].get(pool, 0)) for pool in Pool})
        for one, _ in reports.rounds_with_labels(uow.session, project_id)
        if one.status is RoundStatus.SUCCEEDED and "pools" in one.manifest
    ]
    return [*past, PoolsAt(round_number=None, counts=by_pool(uow.recent(images.pool_counts, project_id)))]


def by_pool(counts: dict[tuple[Split, Pool], int]) -> dict[Pool, int]:
    """Sum over the splits."""
    return {pool: sum(count for (_, other), count in counts.items() if other is pool) for pool in Pool}
