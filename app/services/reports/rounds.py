"""Rounds as a lead looks at them: the draft, the history, one round whole."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.db.models import GateRecord, Round, Snapshot
from app.db.queries import reports, rounds
from app.db.unit_of_work import UnitOfWork
from app.domain.labels import Queue
from app.domain.pseudo_labels import PseudoLabelStatus
from app.domain.rounds import RoundStatus, SelectionStatus
from app.errors import NotFound
from app.services.reports.accuracy import Accuracy, labels_of, start_of
from app.services.reports.gate import GateRow, gate_history, let_in
from ssmae.config import Acquisition, Preset, StartFrom


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One queue of a draft: how many of its images are settled (labelled, or excluded)."""

    settled: int
    total: int

    @property
    def left(self) -> int:
        """How many still wait for an answer."""
        return self.total - self.settled


@dataclass(frozen=True, kw_only=True)
class Draft:
    """The round that collects answers."""

    id: int
    number: int
    strategy: Acquisition
    selection_size: int
    validation_size: int
    status: SelectionStatus
    message: str | None
    selection: Asked
    validation: Asked
    chosen_by: dict[Acquisition, int]


@dataclass(frozen=True, kw_only=True)
class RoundRow:
    """One line of the history.

    Attributes:
        labels: training and validation labels of its snapshot; None before it was queued.
        seconds: from the start of its last attempt to its end; None while it has none.
        schedule: its steps and batches, which its duration belongs to.
        gate_open: whether the gate let pseudo-labels in; None if it was never asked.
    """

    id: int
    number: int
    status: RoundStatus
    labels: int | None
    test: Accuracy
    seconds: float | None
    device: str | None
    preset: Preset | None
    schedule: dict[str, Any] | None
    start: StartFrom
    parent_number: int | None
    strategy: Acquisition
    gate_open: bool | None
    error: str | None
    finished_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class EventRow:
    """Something that happened to a round."""

    at: datetime
    status: RoundStatus
    note: str


@dataclass(frozen=True, kw_only=True)
class RoundDetails:
    """One round whole."""

    row: RoundRow
    seed: int
    attempt: int
    config: dict[str, Any]
    manifest: dict[str, Any]
    files: dict[str, Any]
    traceback: str | None
    snapshot_digest: str | None
    events: list[EventRow]
    gate: list[GateRow]
    pseudo_labels: dict[PseudoLabelStatus, int]


def draft(uow: UnitOfWork, project_id: int) -> Draft | None:
    """The round that collects answers, if there is one."""
    found = rounds.draft(uow.session, project_id)
    if found is None:
        return None
    counts = reports.selection_counts(uow.session, found.id)
    return Draft(
        id=found.id,
        number=found.number,
        strategy=found.strategy,
        selection_size=found.selection_size,
        validation_size=found.validation_size,
        status=found.selection_status,
        message=found.selection_message,
        selection=_asked(counts.get(Queue.SELECTION)),
        validation=_asked(counts.get(Queue.VALIDATION)),
        chosen_by=dict(reports.selection_strategies(uow.session, found.id)),
    )


def round_history(uow: UnitOfWork, project_id: int) -> list[RoundRow]:
    """Every round but the draft, newest first."""
    found = [(one, snapshot) for one, snapshot in reports.rounds_with_labels(uow.session, project_id)]
    numbers = {one.id: one.number for one, _ in found}
    correct = uow.recent(reports.correct_by_round, project_id)
    gate: dict[int, list[GateRecord]] = {}
    for _, record in reports.gate_records(uow.session, project_id):
        gate.setdefault(record.round_id, []).append(record)
    return [_row(one, snapshot, numbers, correct, gate.get(one.id, [])) for one, snapshot in reversed(found)]


def round_details(uow: UnitOfWork, round_id: int) -> RoundDetails:
    """Everything that is kept of a round.

    Raises:
        NotFound: there is no such round, or it is still a draft.
    """
    one = rounds.one(uow.session, round_id)
    row = next((row for row in round_history(uow, one.project_id) if row.id == round_id), None)
    if row is None:
        raise NotFound(f"Round {one.number} is a draft: it has no result to look at yet.")
    snapshot = rounds.snapshot(uow.session, one.snapshot_id) if one.snapshot_id is not None else None
    return RoundDetails(
        row=row,
        seed=one.seed,
        attempt=one.attempt,
        config=one.config,
        manifest=one.manifest,
        files=one.files,
        traceback=one.traceback,
        snapshot_digest=snapshot.digest if snapshot else None,
        events=[
            EventRow(at=event.created_at, status=event.status, note=event.note)
            for event in rounds.events(uow.session, round_id)
        ],
        gate=[record for record in gate_history(uow, one.project_id) if record.round_id == round_id],
        pseudo_labels=uow.recent(rounds.pseudo_label_counts, round_id),
    )


def _row(
    one: Round,
    snapshot: Snapshot | None,
    numbers: dict[int, int],
    correct: dict[int, tuple[int, int]],
    gate: list[GateRecord],
) -> RoundRow:
    right, n = correct.get(one.id, (0, 0))
    device = one.manifest.get("device")
    return RoundRow(
        id=one.id,
        number=one.number,
        status=one.status,
        labels=labels_of(snapshot) if snapshot else None,
        test=Accuracy(correct=right, n=n),
        seconds=(one.finished_at - one.started_at).total_seconds() if one.finished_at and one.started_at else None,
        device=str(device) if device is not None else None,
        preset=one.preset,
        schedule=one.config.get("schedule"),
        start=start_of(one),
        parent_number=numbers.get(one.parent_id) if one.parent_id is not None else None,
        strategy=one.strategy,
        gate_open=let_in(gate),
        error=one.error,
        finished_at=one.finished_at,
    )


def _asked(counts: tuple[int, int] | None) -> Asked:
    settled, total = counts or (0, 0)
    return Asked(settled=settled, total=total)
