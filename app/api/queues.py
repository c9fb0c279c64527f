"""What the labelling screen asks for: the next images of a queue, held for it until it answers or goes away."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from pydantic import BaseModel, Field

from app.api.answers import LARGEST_BATCH, check_person
from app.api.items import Item
from app.api.rest import Asking, Body, Id, Malformed, Opened, PathId, Uid
from app.db.queries import projects, rounds
from app.db.unit_of_work import committed
from app.domain.labels import Queue
from app.domain.rounds import SelectionStatus
from app.services import queues

SERVED = (Queue.TEST, Queue.VALIDATION, Queue.SELECTION, Queue.REVIEW, Queue.ADJUDICATION)


class Progress(BaseModel):
    """How far a queue is, seen by who asks: settled of total; skipped ones wait for somebody else."""

    settled: int
    skipped: int
    total: int
    left: int


class Take(Body):
    """Who holds images of a queue in which tab, and how many they want."""

    annotator_id: Id
    tab: Uid = Field(description="chosen by the browser for each opened page")
    n: int = Field(24, strict=True, ge=0, le=queues.MOST_HELD, description="images to hold in all")
    held: list[Id] = Field(default=[], max_length=LARGEST_BATCH, description="images that the tab believes to hold")


class Elsewhere(BaseModel):
    """What other people, or other tabs, hold of the queue, and in how many seconds the last of it is free."""

    images: int
    names: list[str]
    seconds: float


class Taken(BaseModel):
    """What the tab holds now: images that are new to it, and those of the held ones that are still its own."""

    images: list[Item]
    kept: list[int]
    progress: Progress
    selection: SelectionStatus | None
    elsewhere: Elsewhere


class Release(Body):
    """The tab that goes away."""

    annotator_id: Id
    tab: Uid


class Released(BaseModel):
    """How many images others can be asked about now."""

    released: int


class NextImages(BaseModel):
    """The next images of a queue, how far it is, and whether its images are being chosen."""

    images: list[Item]
    progress: Progress
    selection: SelectionStatus | None


def take(project_id: PathId, queue: Queue, body: Take, caller: Asking, runtime: Opened) -> Taken:
    """Renew what a tab holds of a queue, and lease it more images; nobody else is asked about them meanwhile."""
    caller.require_project(project_id)
    caller.require_self(body.annotator_id)
    if queue not in SERVED:
        raise Malformed("queue", f"must be one of {', '.join(SERVED)}", str(queue))
    with committed(runtime.database) as uow:
        check_person(uow, body.annotator_id)
        taken = queues.take(uow, project_id, queue, body.annotator_id, tab=body.tab, want=body.n, held=body.held)
    return Taken(
        images=[Item.of(item) for item in taken.items],
        kept=taken.kept,
        progress=_progress(taken.progress),
        selection=taken.selection,
        elsewhere=Elsewhere(
            images=taken.elsewhere.images, names=list(taken.elsewhere.names), seconds=taken.elsewhere.seconds
        ),
    )


def release(body: Release, caller: Asking, runtime: Opened) -> Released:
    """Give back what a tab holds: it was closed, or shows something else now."""
    caller.require_self(body.annotator_id)
    with committed(runtime.database) as uow:
        return Released(released=queues.release(uow, body.annotator_id, body.tab))


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
        progress=_progress(how_far),
        selection=draft.selection_status if draft else None,
    )


def _progress(so_far: queues.QueueProgress) -> Progress:
    return Progress(settled=so_far.settled, skipped=so_far.skipped, total=so_far.total, left=so_far.left)
