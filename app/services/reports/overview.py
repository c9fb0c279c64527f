"""The project on one screen: what to do next, a handful of numbers, what is running."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from app.db.models import Import, Round
from app.db.queries import images, projects, reports, rounds
from app.db.unit_of_work import UnitOfWork
from app.domain.labels import Queue
from app.domain.pools import Pool, Split
from app.domain.rounds import ImportStatus, RoundStatus, SelectionStatus
from app.services.reports.accuracy import CurvePoint, by_pool, labels_of, learning_curve
from app.services.reports.next_step import NextStep, Situation, next_step
from app.services.rounds import unanswered

WORKER_SECONDS = 30.0
"""A worker that was not seen for so long counts as gone."""


@dataclass(frozen=True, kw_only=True)
class ImportRow:
    """One import, in numbers."""

    id: int
    source: str
    status: ImportStatus
    added: int
    duplicates: int
    refused: int
    message: str | None
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Overview:
    """Where a project stands.

    Attributes:
        pools: images by pool, over all splits.
        labels: training and validation labels now; `test_labels` of `test_images` only measure.
        accepted: pseudo-labels in use.
        left: images of each queue that this annotator can still answer.
        workers: names of the worker processes that were alive a moment ago.
        waits_for_worker: whether anything would begin if there were a worker.
    """

    next_step: NextStep
    images: int
    pools: dict[Pool, int]
    labels: int
    test_labels: int
    test_images: int
    accepted: int
    left: dict[Queue, int]
    curve: list[CurvePoint]
    active_round_id: int | None
    workers: list[str]
    waits_for_worker: bool
    imports: list[ImportRow]

    @property
    def newest(self) -> CurvePoint | None:
        """The newest point of the learning curve."""
        return self.curve[-1] if self.curve else None


def overview(uow: UnitOfWork, project_id: int, annotator_id: int | None = None) -> Overview:
    """Where a project stands, seen by one annotator (whose skips count); nobody's skips without one."""
    session = uow.session
    split_pools = uow.recent(images.pool_counts, project_id)
    labels = _labelled(split_pools, Split.TRAIN) + _labelled(split_pools, Split.VALIDATION)
    test_labels = _labelled(split_pools, Split.TEST)
    draft, active = rounds.draft(session, project_id), rounds.active(session, project_id)
    left = unanswered(uow, project_id, annotator_id or 0)
    imports = reports.last_imports(session, project_id, limit=3)
    situation = Situation(
        images=sum(split_pools.values()),
        classes=len(projects.classes(session, project_id)),
        labels=labels,
        trained_labels=_trained_labels(uow, rounds.last_succeeded(session, project_id)),
        left=left,
        active_number=active.number if active else None,
        active_waits=active is not None and active.status is RoundStatus.QUEUED,
        draft_number=draft.number if draft else None,
        draft_pending=draft is not None and draft.selection_status is SelectionStatus.PENDING,
        draft_failed=_failure(draft),
    )
    return Overview(
        next_step=next_step(situation),
        images=situation.images,
        pools=by_pool(split_pools),
        labels=labels,
        test_labels=test_labels,
        test_images=sum(
            count for (split, pool), count in split_pools.items() if split is Split.TEST and pool is not Pool.EXCLUDED
        ),
        accepted=uow.recent(reports.accepted, project_id),
        left=left,
        curve=learning_curve(uow, project_id),
        active_round_id=active.id if active else None,
        workers=[worker.name for worker in rounds.workers_seen(session, WORKER_SECONDS)],
        waits_for_worker=situation.draft_pending
        or (active is not None and active.status is RoundStatus.QUEUED)
        or any(one.status in {ImportStatus.QUEUED, ImportStatus.RUNNING} for one in imports),
        imports=[_import(one) for one in imports],
    )


def _labelled(counts: dict[tuple[Split, Pool], int], split: Split) -> int:
    return counts.get((split, Pool.LABELLED), 0)


def _trained_labels(uow: UnitOfWork, newest: Round | None) -> int | None:
    if newest is None or newest.snapshot_id is None:
        return None
    return labels_of(rounds.snapshot(uow.session, newest.snapshot_id))


def _failure(draft: Round | None) -> str | None:
    if draft is None or draft.selection_status is not SelectionStatus.FAILED:
        return None
    return draft.selection_message or "the reason was not written down."


def _import(one: Import) -> ImportRow:
    return ImportRow(
        id=one.id,
        source=one.source,
        status=one.status,
        added=one.added,
        duplicates=one.duplicates,
        refused=one.refused,
        message=one.message,
        at=one.updated_at,
    )
