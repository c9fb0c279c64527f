"""Write what a worker found out: a round's result, and the images chosen for a draft."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, insert, select, update

from app.db.base import Base, now
from app.db.models import GateRecord, Image, Prediction, PseudoLabel, Round, Selection
from app.db.queries import images, projects, rounds
from app.db.unit_of_work import UnitOfWork
from app.domain.labels import Queue
from app.domain.pools import POOL_TRANSITIONS, Pool, Split
from app.domain.pseudo_labels import PSEUDO_LABEL_TRANSITIONS, PseudoLabelStatus
from app.domain.rounds import RoundStatus, SelectionStatus
from app.domain.transitions import sources
from app.errors import Conflict
from app.services import leases, validation
from app.services import rounds as round_service
from app.services.leases import Claim
from app.storage import Storage
from ssmae.config import Acquisition, RejectionReason

_ROWS = 500


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """A pseudo-label as the learner gives it; `reason` is None if it was accepted."""

    image_id: int
    class_id: int
    score: float
    confidence: float
    reason: RejectionReason | None


@dataclass(frozen=True, kw_only=True)
class Reported:
    """What the model says of one test image."""

    image_id: int
    class_id: int
    confidence: float


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """One image that a draft asks about."""

    image_id: int
    strategy: Acquisition
    score: float
    reason: str


def publish(
    uow: UnitOfWork,
    held: Claim,
    *,
    manifest: dict[str, Any],
    files: dict[str, str],
    gate: Sequence[dict[str, Any]],
    proposals: Iterable[Proposal],
    predictions: Iterable[Reported],
) -> None:
    """Make a round's result the project's state, all of it or nothing, and open the next draft.

    Pseudo-labels of earlier rounds expire. Images that a person labelled while the round trained keep that label.

    Args:
        uow: open unit of work.
        held: the claim; nothing is written if it was lost.
        manifest: what produced the result.
        files: published files, name to storage key.
        gate: the columns of each gate decision, in order.
        proposals: one pseudo-label for each image without a label.
        predictions: what the model says of the test images.

    Raises:
        LeaseLost: the round is another attempt's.
    """
    session = uow.session
    leases.renew(uow, held)
    project_id = rounds.one(session, held.round_id).project_id
    projects.one(session, project_id, lock=True)
    session.execute(
        update(PseudoLabel)
        .where(
            PseudoLabel.round_id.in_(select(Round.id).where(Round.project_id == project_id)),
            PseudoLabel.status.in_(sources(PSEUDO_LABEL_TRANSITIONS, PseudoLabelStatus.EXPIRED)),
        )
        .values(status=PseudoLabelStatus.EXPIRED, changed_at=now())
    )
    session.execute(
        update(Image)
        .where(Image.project_id == project_id, Image.pool == Pool.PSEUDO_LABELLED)
        .values(pool=Pool.UNLABELLED)
    )
    session.add_all(GateRecord(round_id=held.round_id, **columns) for columns in gate)
    session.flush()
    # Unanswered validation images too: the gate's bound holds only if they are treated like the rest of the pool.
    still_open = set(images.askable_ids(session, project_id, {Split.TRAIN, Split.VALIDATION}))
    _insert(uow, PseudoLabel, (_row(project_id, held, one) for one in proposals if one.image_id in still_open))
    accepted = rounds.accepted_image_ids(held.round_id)
    session.execute(
        update(Image)
        .where(Image.id.in_(accepted), Image.pool.in_(sources(POOL_TRANSITIONS, Pool.PSEUDO_LABELLED)))
        .values(pool=Pool.PSEUDO_LABELLED)
    )
    _insert(
        uow,
        Prediction,
        (
            {
                "round_id": held.round_id,
                "image_id": one.image_id,
                "class_id": one.class_id,
                "confidence": one.confidence,
            }
            for one in predictions
        ),
    )
    pools = images.pool_counts(session, project_id)
    manifest = manifest | {"pools": {pool: sum(n for (_, other), n in pools.items() if other is pool) for pool in Pool}}
    leases.end(uow, held, RoundStatus.SUCCEEDED, "Published.", manifest=manifest, files=files)
    if rounds.draft(session, project_id) is None:
        round_service.open_draft(uow, project_id)


def publish_selection(
    uow: UnitOfWork, storage: Storage, round_id: int, chosen: Sequence[Chosen], *, seed: int, version: int
) -> None:
    """Write a draft's selection, then draw its validation sample uniformly from the rest, and keep what that rest was.

    Drawn after the selection and without regard to it, the sample is a uniform one of the images that stay
    unlabelled, which is what the gate's bound speaks of.

    Args:
        uow: open unit of work.
        storage: keeps the sampling frame.
        round_id: the draft.
        chosen: the selection, best first.
        seed: of the validation sample.
        version: the draft's `selection_version` when the choice began.

    Raises:
        Conflict: the round is no longer a draft, or its images were chosen, refused or drawn again meanwhile.
    """
    draft = _awaited(uow, round_id, version)
    uow.session.execute(delete(Selection).where(Selection.round_id == round_id))
    taken = {one.image_id for one in chosen}
    rest = [image_id for image_id in images.askable_ids(uow.session, draft.project_id) if image_id not in taken]
    sample = validation.draw(rest, draft.validation_size, seed=seed, version=version)
    draft.frame_digest = validation.keep_frame(storage, rest) if sample else None
    rows = [
        {
            "round_id": round_id,
            "image_id": one.image_id,
            "queue": Queue.SELECTION,
            "strategy": one.strategy,
            "score": one.score,
            "reason": one.reason,
            "position": position,
        }
        for position, one in enumerate(chosen)
    ]
    rows += [
        {
            "round_id": round_id,
            "image_id": image_id,
            "queue": Queue.VALIDATION,
            "strategy": Acquisition.RANDOM,
            "score": 0.0,
            "reason": "Drawn at random: your answer judges whether the model's own labels may be trusted.",
            "position": position,
        }
        for position, image_id in enumerate(sample)
    ]
    _insert(uow, Selection, rows)
    for start in range(0, len(sample), _ROWS):
        uow.session.execute(
            update(Image).where(Image.id.in_(sample[start : start + _ROWS])).values(split=Split.VALIDATION)
        )
    draft.selection_status, draft.selection_message = SelectionStatus.READY, None
    round_service.note(uow, draft, f"{len(chosen)} images chosen, {len(sample)} drawn for validation.")


def refuse_selection(uow: UnitOfWork, round_id: int, why: str, *, version: int) -> None:
    """Write down why a draft's images could not be chosen; the lead can draw again.

    Raises:
        Conflict: as for `publish_selection`.
    """
    draft = _awaited(uow, round_id, version)
    draft.selection_status, draft.selection_message = SelectionStatus.FAILED, why
    round_service.note(uow, draft, f"No selection: {why}")


def _awaited(uow: UnitOfWork, round_id: int, version: int) -> Round:
    """The draft, locked, if it still waits for the choice of this version."""
    draft = rounds.one(uow.session, round_id, lock=True)
    if draft.status is not RoundStatus.DRAFT or draft.selection_status is not SelectionStatus.PENDING:
        raise Conflict(f"Round {draft.number} needs no selection any more.")
    if draft.selection_version != version:
        raise Conflict(
            f"Round {draft.number} was drawn again: it waits for version {draft.selection_version} of its selection. "
            f"Got version {version}."
        )
    return draft


def _row(project_id: int, held: Claim, one: Proposal) -> dict[str, Any]:
    status = PseudoLabelStatus.ACCEPTED if one.reason is None else PseudoLabelStatus.REJECTED
    return {
        "project_id": project_id,
        "round_id": held.round_id,
        "image_id": one.image_id,
        "class_id": one.class_id,
        "score": one.score,
        "confidence": one.confidence,
        "status": status,
        "reason": one.reason,
    }


def _insert(uow: UnitOfWork, table: type[Base], rows: Iterable[dict[str, Any]]) -> None:
    """Insert rows by the hundred: one statement a row would hold the database's write lock for minutes."""
    batch: list[dict[str, Any]] = []
    for row in rows:
        batch.append(row)
        if len(batch) == _ROWS:
            uow.session.execute(insert(table), batch)
            batch = []
    if batch:
        uow.session.execute(insert(table), batch)
    uow.analyse(table)
