"""What a lead does with rounds: open a draft, draw its selection, train it, cancel it, try it again."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

from sqlalchemy import delete, update

from app.db.base import now
from app.db.models import Image, Round, RoundEvent, Selection
from app.db.queries import projects, queues, rounds
from app.db.unit_of_work import UnitOfWork
from app.domain.labels import Queue
from app.domain.pools import Split
from app.domain.rounds import ROUND_TRANSITIONS, RoundStatus, SelectionStatus
from app.domain.transitions import check
from app.errors import Conflict, Refused
from app.queue import Task
from app.services import projects as project_service
from app.services import snapshots
from app.storage import Storage
from ssmae.config import Acquisition, Preset, StartFrom

ATTEMPTS = 3
"""How often a worker may be lost before a round fails."""


def open_draft(
    uow: UnitOfWork,
    project_id: int,
    *,
    strategy: Acquisition | None = None,
    selection_size: int | None = None,
    validation_size: int | None = None,
) -> Round:
    """Begin the next round: a worker is told to choose its selection and its validation sample.

    The validation sample of earlier rounds joins the training images: it has judged its gate.

    Raises:
        Conflict: the project has a draft already.
    """
    project = projects.one(uow.session, project_id, lock=True)
    if rounds.draft(uow.session, project_id) is not None:
        raise Conflict("The project already has a round that collects answers.")
    release_validation(uow, project_id)
    draft = Round(
        project_id=project_id,
        number=rounds.next_number(uow.session, project_id),
        strategy=strategy or project.strategy,
        selection_size=project.selection_size if selection_size is None else selection_size,
        validation_size=project.validation_size if validation_size is None else validation_size,
    )
    uow.session.add(draft)
    uow.session.flush()
    note(uow, draft, f"Opened: choosing {draft.selection_size} images by {draft.strategy}.")
    uow.tell(Task.SELECT_IMAGES, draft.id)
    return draft


def redraw(
    uow: UnitOfWork,
    round_id: int,
    *,
    strategy: Acquisition | None = None,
    selection_size: int | None = None,
    validation_size: int | None = None,
) -> Round:
    """Choose the draft's images anew; what was answered already stays answered.

    A choice that a worker is still at is for nothing: it carries the version before this one.

    Raises:
        Conflict: the round is no longer a draft.
    """
    draft = rounds.one(uow.session, round_id, lock=True)
    if draft.status is not RoundStatus.DRAFT:
        raise Conflict(f"Round {draft.number} is {draft.status}: only a draft's selection can be drawn anew.")
    draft.strategy = strategy or draft.strategy
    draft.selection_size = draft.selection_size if selection_size is None else selection_size
    draft.validation_size = draft.validation_size if validation_size is None else validation_size
    draft.selection_status, draft.selection_message = SelectionStatus.PENDING, None
    draft.selection_version += 1
    draft.sent_at = draft.frame_digest = None
    uow.session.execute(delete(Selection).where(Selection.round_id == round_id))
    release_validation(uow, draft.project_id)
    note(uow, draft, f"Drawn anew: {draft.selection_size} images by {draft.strategy}.")
    uow.tell(Task.SELECT_IMAGES, draft.id)
    return draft


def request(
    uow: UnitOfWork,
    storage: Storage,
    project_id: int,
    *,
    preset: Preset | None = None,
    overrides: dict[str, Any] | None = None,
    seed: int | None = None,
    start_from: StartFrom = StartFrom.LAST,
    start_file: Path | None = None,
) -> Round:
    """Queue the project's draft for training, on a snapshot of the labels as they are now.

    A project without a draft gets one without a selection: training is possible at any time.

    Raises:
        Refused: no images, unusable settings, or a checkpoint that is not there.
        Conflict: another round of the project is queued or running.
    """
    project = projects.one(uow.session, project_id, lock=True)
    if (busy := rounds.active(uow.session, project_id)) is not None:
        raise Conflict(f"Round {busy.number} is {busy.status}: one round of a project trains at a time.")
    config = project_service.round_config(uow, project_id, preset or project.preset, overrides)
    if (start_from is StartFrom.CHECKPOINT) != (start_file is not None):
        raise Refused("Starting from a checkpoint needs its file, and a file is only used for that.")
    if start_file is not None and not start_file.is_file():
        raise Refused(f"There is no checkpoint file {str(start_file)!r} on the server.")
    queued = rounds.draft(uow.session, project_id)
    if queued is None:
        release_validation(uow, project_id)
        queued = Round(
            project_id=project_id,
            number=rounds.next_number(uow.session, project_id),
            strategy=project.strategy,
            selection_size=0,
            validation_size=0,
            selection_status=SelectionStatus.READY,
        )
        uow.session.add(queued)
        uow.session.flush()
    parent = rounds.last_succeeded(uow.session, project_id) if start_from is StartFrom.LAST else None
    queued.preset = preset or project.preset
    queued.config = config.to_dict()
    queued.seed = secrets.randbelow(2**31) if seed is None else seed
    queued.start_from = start_from
    queued.start_file = str(start_file) if start_file else None
    queued.parent_id = parent.id if parent else None
    queued.snapshot_id = snapshots.take(uow, storage, project_id).id
    _queue(uow, queued, "Queued for training.")
    return queued


def cancel(uow: UnitOfWork, round_id: int) -> Round:
    """Stop a round: at once if it waits, between two steps if it trains.

    Raises:
        InvalidTransition: the round has ended.
    """
    stopped = rounds.one(uow.session, round_id, lock=True)
    if stopped.status is RoundStatus.RUNNING:
        stopped.cancel_requested = True
        note(uow, stopped, "Cancel requested.")
        return stopped
    move(uow, stopped, RoundStatus.CANCELLED, "Cancelled before training began.")
    stopped.finished_at = now()
    close_validation(uow, stopped.project_id)
    return stopped


def retry(uow: UnitOfWork, round_id: int) -> Round:
    """Queue a failed round again, on the same snapshot, settings and seed.

    Raises:
        Conflict: it did not fail, or another round is queued or running.
    """
    failed = rounds.one(uow.session, round_id, lock=True)
    projects.one(uow.session, failed.project_id, lock=True)
    if (busy := rounds.active(uow.session, failed.project_id)) is not None:
        raise Conflict(f"Round {busy.number} is {busy.status}: one round of a project trains at a time.")
    failed.attempts_left, failed.error, failed.traceback, failed.progress = ATTEMPTS, None, None, {}
    _queue(uow, failed, "Queued again.")
    return failed


def release_validation(uow: UnitOfWork, project_id: int) -> None:
    """Let the validation sample join the training images: from now on it may teach and no longer judge."""
    uow.session.execute(
        update(Image).where(Image.project_id == project_id, Image.split == Split.VALIDATION).values(split=Split.TRAIN)
    )


def close_validation(uow: UnitOfWork, project_id: int) -> None:
    """Release the validation sample of a round that ended, unless the next draft has drawn its own meanwhile."""
    if rounds.draft(uow.session, project_id) is None:
        release_validation(uow, project_id)


def move(uow: UnitOfWork, moved: Round, target: RoundStatus, why: str) -> None:
    """Change a round's status and write down why.

    Raises:
        InvalidTransition: the round cannot become that.
    """
    moved.status = check("round", ROUND_TRANSITIONS, moved.status, target)
    note(uow, moved, why)


def note(uow: UnitOfWork, about: Round, text: str) -> None:
    """Add a line to a round's history."""
    uow.session.add(RoundEvent(round_id=about.id, status=about.status, note=text))
    uow.session.flush()


def _queue(uow: UnitOfWork, queued: Round, why: str) -> None:
    move(uow, queued, RoundStatus.QUEUED, why)
    queued.cancel_requested, queued.queued_at, queued.finished_at = False, now(), None
    queued.sent_at = None
    uow.session.flush()
    uow.tell(Task.RUN_ROUND, queued.id)


def unanswered(uow: UnitOfWork, project_id: int, annotator_id: int) -> dict[Queue, int]:
    """How many images of each queue this annotator can still answer: what the lead is told before training."""
    projects.one(uow.session, project_id)
    left = {}
    for queue in (Queue.TEST, Queue.VALIDATION, Queue.SELECTION, Queue.REVIEW):
        settled, total = uow.recent(queues.settled, project_id, queue)
        left[queue] = total - settled - uow.recent(queues.passed_over, project_id, queue, annotator_id)
    return left
