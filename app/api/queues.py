"""What the labelling screen asks for: the next images of a queue, held for one tab."""

from __future__ import annotations

from dataclasses import asdict

from pydantic import BaseModel, Field

from app.api.answers import LARGEST_BATCH, check_person, check_queue
from app.api.items import Item, show_opinions
from app.api.rest import Asking, BigId, Body, Id, Malformed, Opened, PathId, Uid
from app.db.queries import projects
from app.db.unit_of_work import committed
from app.domain.acceptance import Order
from app.domain.labels import Queue
from app.domain.people import Role
from app.domain.rounds import SelectionStatus
from app.services import audits, queues, second_look
from app.services.queues import Elsewhere

SERVED = tuple(queue for queue in Queue if queue not in {Queue.BROWSE, Queue.IMPORT})


class Take(Body):
    """What one tab of one person holds, and how many images it wants to hold."""

    annotator_id: Id
    tab: Uid = Field(description="chosen by the tab when it opens")
    n: int = Field(24, strict=True, ge=0, le=queues.MOST_HELD, description="images to hold in all")
    class_id: Id | None = Field(None, description="grid: the class that it shows")
    order: Order = Field(Order.DOUBT, description="grid: the order of its images")
    held: list[BigId] = Field(default_factory=list, max_length=LARGEST_BATCH)


class Progress(BaseModel):
    """How far a queue is, seen by who asks: settled of total; skipped ones wait for somebody else."""

    settled: int
    skipped: int
    total: int
    left: int


class Taken(BaseModel):
    """What is new to the tab, what of its own it keeps, how far the queue is, and what others hold."""

    images: list[Item]
    kept: list[int]
    progress: Progress
    selection: SelectionStatus | None
    elsewhere: Elsewhere


class Tab(Body):
    """One tab of one person."""

    annotator_id: Id
    tab: Uid


class Released(BaseModel):
    """How many images were given back."""

    released: int


def take(project_id: PathId, queue: Queue, body: Take, caller: Asking, runtime: Opened) -> Taken:
    """Renew what a tab holds of a queue, and lease it more images until it holds `n`."""
    caller.require_project(project_id)
    caller.require_self(body.annotator_id)
    _check_served(queue)
    if queue is Queue.GRID and body.class_id is None:
        raise Malformed("class_id", "is missing: a grid shows the images of one class")
    if queue is Queue.SECOND_LOOK:
        # A list for this person alone: nothing to lease, and nothing to write.
        with runtime.database.reading() as uow:
            check_person(uow, body.annotator_id)
            projects.one(uow.session, project_id)
            found = second_look.take(
                uow, runtime.storage, project_id, body.annotator_id, body.n, list(dict.fromkeys(body.held))
            )
        return _taken(found, [Item.of(item) for item in found.items])
    if queue in {Queue.GRID, Queue.AUDIT}:
        with runtime.database.reading() as uow:
            audits.prepare(uow, project_id)
    with committed(runtime.database) as uow:
        check_queue(caller, queue, projects.one(uow.session, project_id))
        check_person(uow, body.annotator_id)
        taken = queues.take(
            uow,
            project_id,
            queue,
            body.annotator_id,
            tab=body.tab,
            want=body.n,
            decides=caller.may(Role.LEAD),
            held=list(dict.fromkeys(body.held)),
            class_id=body.class_id,
            order=body.order,
        )
        items = [Item.of(item) for item in taken.items]
        if queue is Queue.ADJUDICATION:
            show_opinions(uow, project_id, items)
    return _taken(taken, items)


def _taken(taken: queues.Taken, items: list[Item]) -> Taken:
    return Taken(
        images=items,
        kept=taken.kept,
        progress=Progress(**asdict(taken.progress), left=taken.progress.left),
        selection=taken.selection,
        elsewhere=taken.elsewhere,
    )


def release(body: Tab, caller: Asking, runtime: Opened) -> Released:
    """Give back everything that a tab holds: it closes."""
    caller.require_self(body.annotator_id)
    with committed(runtime.database) as uow:
        return Released(released=queues.release(uow, body.annotator_id, body.tab))


def _check_served(queue: Queue) -> None:
    if queue not in SERVED:
        raise Malformed("queue", f"must be one of {', '.join(SERVED)}", str(queue))
