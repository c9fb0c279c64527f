"""What the labelling screen asks for: the next images of a queue."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from pydantic import BaseModel

from app.api.answers import LARGEST_BATCH
from app.api.items import Item
from app.api.rest import Asking, Malformed, Opened, PathId
from app.db.queries import projects, rounds
from app.domain.labels import Queue
from app.domain.rounds import SelectionStatus
from app.services import queues

SERVED = (Queue.TEST, Queue.VALIDATION, Queue.SELECTION, Queue.REVIEW)


class Progress(BaseModel):
    """How far a queue is, seen by who asks: settled of total; skipped ones wait for somebody else."""

    settled: int
    skipped: int
    total: int
    left: int


class NextImages(BaseModel):
    """The next images of a queue, how far it is, and whether its images are being chosen."""

    images: list[Item]
    progress: Progress
    selection: SelectionStatus | None


def next_images(
    project_id: PathId,
    queue: Queue,
    annotator: Annotated[int, Query(gt=0, le=2**31 - 1)],
    caller: Asking,
    runtime: Opened,
    n: Annotated[int, Query(gt=0, le=LARGEST_BATCH)] = 32,
) -> NextImages:
    """The next images of a queue for one annotator."""
    caller.require_project(project_id)
    caller.require_self(annotator)
    if queue not in SERVED:
        raise Malformed("queue", f"must be one of {', '.join(SERVED)}", str(queue))
    with runtime.database.reading() as uow:
        projects.one(uow.session, project_id)
        items = queues.next_images(uow, project_id, queue, annotator, n)
        how_far = queues.progress(uow, project_id, queue, annotator)
        draft = rounds.draft(uow.session, project_id)
    return NextImages(
        images=[Item.of(item) for item in items],
        progress=Progress(settled=how_far.settled, skipped=how_far.skipped, total=how_far.total, left=how_far.left),
        selection=draft.selection_status if draft else None,
    )
