"""People at work: how many answers and how fast, how far the queues are, and who holds which images now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from sqlalchemy import Row

from app.db.queries import annotations as annotation_queries
from app.db.queries import people as queries
from app.db.unit_of_work import UnitOfWork
from app.domain.labels import Queue
from app.services import queues

LONGEST_SECONDS = 60.0
"""Longer than this nobody looks at one image: the rest was a pause, and does not count as work."""
DAYS = 7
SHARED = (Queue.SELECTION, Queue.VALIDATION, Queue.TEST)
"""Queues that everybody works on together; the others are made of what a round proposed, or are somebody's own."""


@dataclass(frozen=True, kw_only=True)
class Day:
    """One day of one person; `seconds` of work, without the pauses."""

    begins: datetime
    answers: int
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Pace:
    """One person's work in the last days.

    Attributes:
        days: oldest first; the last one is today.
        timed: answers of these days whose seconds are known; a batch accepted with one key has none.
        median_seconds: half of the timed answers took at most this long, to a tenth; None without a timed answer.
    """

    annotator_id: int
    name: str
    days: list[Day]
    timed: int
    median_seconds: float | None

    @property
    def today(self) -> int:
        """Answers of today."""
        return self.days[-1].answers

    @property
    def answers(self) -> int:
        """Answers of all these days."""
        return sum(day.answers for day in self.days)

    @property
    def seconds(self) -> float:
        """Seconds of work of all these days, without the pauses."""
        return sum(day.seconds for day in self.days)

    @property
    def per_hour(self) -> float | None:
        """Timed answers an hour of work; None without any."""
        return 3600 * self.timed / self.seconds if self.seconds else None


@dataclass(frozen=True, kw_only=True)
class Holder:
    """Somebody who holds images ahead, and when at the latest these are free again if that tab is closed now."""

    name: str
    images: int
    seconds: float


@dataclass(frozen=True, kw_only=True)
class QueueShare:
    """How far a queue is, who answered what of it, and who holds what of it now.

    Attributes:
        settled: images of `total` that wait for nobody any more.
        answered: (name, images), most first.
    """

    queue: Queue
    settled: int
    total: int
    answered: list[tuple[str, int]]
    holders: list[Holder]


def pace(
    uow: UnitOfWork, project_id: int, *, at: datetime, zone: tzinfo, annotator_id: int | None = None
) -> list[Pace]:
    """The work of the last seven days, most answers first.

    Args:
        uow: open unit of work.
        project_id: the project.
        at: the present.
        zone: where the days of the reader begin.
        annotator_id: only this person, who is then in the list whatever they did; None for everybody who ever
            answered here.
    """
    begins = _days(at, zone)
    if annotator_id is None:
        people = {row[0]: row[1] for row in queries.people(uow.session, project_id)}
    else:
        people = annotation_queries.names(uow.session, [annotator_id])
    found = [_pace(uow, project_id, who, name, begins) for who, name in people.items()]
    return sorted(found, key=lambda one: (-one.answers, one.name))


def shares(uow: UnitOfWork, project_id: int) -> list[QueueShare]:
    """How far the queues are that everybody shares, and any other queue of which somebody holds images now."""
    held: dict[Queue, list[Holder]] = {}
    for queue, name, images, seconds in queries.holders(uow.session, project_id):
        held.setdefault(queue, []).append(Holder(name=name, images=images, seconds=seconds))
    asked = [*SHARED, *(queue for queue in held if queue not in SHARED)]
    return [_share(uow, project_id, queue, held.get(queue, [])) for queue in asked]


def _share(uow: UnitOfWork, project_id: int, queue: Queue, holders: list[Holder]) -> QueueShare:
    how_far = queues.progress(uow, project_id, queue, annotator_id=0)
    rows = queries.answered(uow.session, project_id, queue) if queue in SHARED else []
    return QueueShare(
        queue=queue,
        settled=how_far.settled,
        total=how_far.total,
        answered=[(row[0], row[1]) for row in rows],
        holders=holders,
    )


def _days(at: datetime, zone: tzinfo) -> list[datetime]:
    midnight = at.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    return [midnight - timedelta(days=back) for back in range(DAYS - 1, -1, -1)]


def _pace(uow: UnitOfWork, project_id: int, annotator_id: int, name: str, begins: list[datetime]) -> Pace:
    rows = queries.answers_by_day(uow.session, project_id, annotator_id, begins, LONGEST_SECONDS)
    return Pace(
        annotator_id=annotator_id,
        name=name,
        days=[
            Day(
                begins=begun,
                answers=sum(row[2] for row in rows if row[0] == at),
                seconds=sum(row[3] or 0.0 for row in rows if row[0] == at),
            )
            for at, begun in enumerate(begins)
        ],
        timed=sum(row[2] for row in rows if row[1] is not None),
        median_seconds=_median(rows),
    )


def _median(rows: Sequence[Row[int, float | None, int, float | None]]) -> float | None:
    """The lower median of a histogram over tenths of a second."""
    counts: dict[float, int] = {}
    for _, tenths, count, _ in rows:
        if tenths is not None:
            counts[tenths] = counts.get(tenths, 0) + count
    passed = 0
    for tenths in sorted(counts):
        passed += counts[tenths]
        if 2 * passed >= sum(counts.values()):
            return tenths / 10
    return None
