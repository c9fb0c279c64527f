"""What a person is asked next: the queues, and the leases by which several people share one.

A tab holds a few images ahead, so that labelling never waits. Nobody else is asked about them meanwhile; a lease that
is not renewed ends after a minute, so that nobody waits for a colleague who has gone to lunch.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil

from sqlalchemy import ColumnElement, Row, bindparam, delete, update
from sqlalchemy.dialects import postgresql, sqlite

from app.db.base import database_now
from app.db.models import Image, ImageLease, Project, PseudoLabel, Selection
from app.db.queries import projects, queues, rounds
from app.db.queries.queues import WHOLE, Asker, Part
from app.db.unit_of_work import UnitOfWork
from app.domain.acceptance import Order
from app.domain.labels import Queue
from app.domain.rounds import SelectionStatus
from app.services import asking, audits
from app.services.blindness import MEASURING, without_folder
from ssmae.config import Acquisition

LEASE_SECONDS = 60.0
MOST_HELD = 192
"""Images that one tab may hold of one queue: two of the largest grids."""
LEAST_SHARE = 6
LEAST_GRID = 24
"""A tab may hold so many images, of a grid so many, even if nothing is left for others then."""
_FORGOTTEN_SECONDS = 600.0
_TRIES = 3

_Rows = Sequence[Row[Image, Selection | None, PseudoLabel | None]]


@dataclass(frozen=True, kw_only=True)
class QueueItem:
    """One image to answer, and why it is asked."""

    image_id: int
    sha256: str
    suffix: str
    name: str
    width: int
    height: int
    why: str
    strategy: Acquisition | None
    hint: str | None
    proposed_class_id: int | None
    confidence: float | None


@dataclass(frozen=True, kw_only=True)
class QueueProgress:
    """How far a queue is: settled of total; skipped ones wait for somebody else."""

    settled: int
    skipped: int
    total: int

    @property
    def left(self) -> int:
        """How many images this annotator can still answer."""
        return self.total - self.settled - self.skipped


@dataclass(frozen=True, kw_only=True)
class Elsewhere:
    """Images of a queue that other people, or other tabs, hold: they come back when these leases end."""

    images: int
    names: tuple[str, ...]
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Taken:
    """What a tab holds now.

    Attributes:
        items: images that are new to it, in order.
        kept: those of the images it held that are still its own.
        progress: how far the queue is.
        selection: whether the draft's images are chosen; None without a draft.
        elsewhere: what others hold.
    """

    items: list[QueueItem]
    kept: list[int]
    progress: QueueProgress
    selection: SelectionStatus | None
    elsewhere: Elsewhere


def take(
    uow: UnitOfWork,
    project_id: int,
    queue: Queue,
    annotator_id: int,
    *,
    tab: str,
    want: int,
    held: Sequence[int] = (),
    class_id: int | None = None,
    order: Order = Order.DOUBT,
    decides: bool = True,
) -> Taken:
    """Renew what a tab holds of a queue, and lease it more images until it holds `want`.

    A tab never takes more than half of what is free, once little is left: whoever comes second finds work too.

    Args:
        uow: open unit of work.
        project_id: whose queue.
        queue: which one.
        annotator_id: who will answer.
        tab: of the browser; two tabs of one person hold different images.
        want: how many images to hold in all, at most `MOST_HELD`.
        held: images that the tab believes to hold.
        class_id: which class a grid shows.
        order: in which order.
        decides: whether they may settle also a dispute that they are a party to.

    Raises:
        NotFound: there is no such project, queue or class.
    """
    project = projects.one(uow.session, project_id)
    part = _part(uow, project, queue, class_id, order)
    asker = Asker(annotator_id=annotator_id, tab=tab, decides=decides)
    _forget(uow, project_id, queue)
    kept = _renew(uow, project, queue, asker, held, part)
    want = min(want, MOST_HELD)
    items: list[QueueItem] = []
    for _ in range(_TRIES):
        have = len(kept) + len(items)
        free = queues.free_ids(uow.session, project, queue, asker, 2 * want, part) if have < want else []
        free = [
            image_id for image_id in free if image_id not in kept and image_id not in {one.image_id for one in items}
        ]
        least = LEAST_GRID if queue is Queue.GRID else LEAST_SHARE
        room = min(want, max(least, ceil((len(free) + have) / 2))) - have
        if not free or room <= 0:
            break
        items += _items(uow, project, queue, _lease(uow, project, queue, asker, free[:room], part))
    draft = rounds.draft(uow.session, project_id)
    return Taken(
        items=items,
        kept=[image_id for image_id in held if image_id in kept],
        progress=_progress(uow, project, queue, asker, part),
        selection=draft.selection_status if draft else None,
        elsewhere=_elsewhere(uow, project_id, queue, asker),
    )


def release(uow: UnitOfWork, annotator_id: int, tab: str) -> int:
    """Give back everything that a tab holds.

    Returns:
        How many images that were.
    """
    held = delete(ImageLease).where(ImageLease.annotator_id == annotator_id, ImageLease.tab == tab)
    return len(uow.session.scalars(held.returning(ImageLease.image_id)).all())


def next_images(uow: UnitOfWork, project_id: int, queue: Queue, annotator_id: int, limit: int = 24) -> list[QueueItem]:
    """The next images of a queue for this annotator, whoever holds them: to look ahead, not to answer."""
    project = projects.one(uow.session, project_id)
    part = _part(uow, project, queue, None, Order.DOUBT)
    return _items(
        uow, project, queue, queues.images(uow.session, project, queue, Asker(annotator_id=annotator_id), limit, part)
    )


def images_ahead(uow: UnitOfWork, project_id: int, queue: Queue, annotator_id: int, limit: int) -> list[Image]:
    """The same as rows."""
    project = projects.one(uow.session, project_id)
    part = _part(uow, project, queue, None, Order.DOUBT)
    asker = Asker(annotator_id=annotator_id)
    return [image for image, _, _ in queues.images(uow.session, project, queue, asker, limit, part)]


def progress(uow: UnitOfWork, project_id: int, queue: Queue, annotator_id: int) -> QueueProgress:
    """How far a queue is, seen by this annotator."""
    project = projects.one(uow.session, project_id)
    part = _part(uow, project, queue, None, Order.DOUBT)
    return _progress(uow, project, queue, Asker(annotator_id=annotator_id), part)


def items_of(uow: UnitOfWork, project_id: int, queue: Queue, annotator_id: int, ids: Sequence[int]) -> list[QueueItem]:
    """These images as the queue shows them, as far as they are in it and open to this annotator; in their order."""
    project = projects.one(uow.session, project_id)
    asker = Asker(annotator_id=annotator_id)
    rows = queues.some(uow.session, project, queue, asker, ids)
    found = {item.image_id: item for item in _items(uow, project, queue, rows)}
    return [found[image_id] for image_id in ids if image_id in found]


def _part(uow: UnitOfWork, project: Project, queue: Queue, class_id: int | None, order: Order) -> Part:
    """Which images of the queue are meant: those of a grid's class, those that the audit waits for."""
    match queue:
        case Queue.GRID:
            chosen = projects.class_of(uow.session, project.id, class_id or 0)
            hidden = audits.state(uow, project.id).hidden
            pivot = random.random() if order is Order.RANDOM else 0.0
            return Part(class_id=chosen.id, order=order, pivot=pivot, hidden=tuple(sorted(hidden)))
        case Queue.AUDIT:
            return Part(only=audits.state(uow, project.id).waiting)
        case _:
            return WHOLE


def _progress(uow: UnitOfWork, project: Project, queue: Queue, asker: Asker, part: Part) -> QueueProgress:
    # A grid in any order and from any place in the draw is as large.
    part = replace(part, order=Order.DOUBT, pivot=0.0)
    settled, total = uow.recent(queues.settled, project.id, queue, part)
    skipped = uow.recent(queues.passed_over, project.id, queue, asker.annotator_id, part, decides=asker.decides)
    if queue is Queue.AUDIT:  # its part is what waits
        answered = audits.state(uow, project.id).answered
        settled, total = settled + answered, total + answered
    return QueueProgress(settled=settled, skipped=skipped, total=total)


def _elsewhere(uow: UnitOfWork, project_id: int, queue: Queue, asker: Asker) -> Elsewhere:
    rows = queues.held_elsewhere(uow.session, project_id, queue, asker)
    return Elsewhere(
        images=sum(count for _, count, _ in rows),
        names=tuple(name for name, _, _ in rows),
        seconds=max((seconds for _, _, seconds in rows), default=0.0),
    )


def _forget(uow: UnitOfWork, project_id: int, queue: Queue) -> None:
    """Drop leases that ended long ago; those that ended just now may still be renewed."""
    uow.session.execute(
        delete(ImageLease).where(
            ImageLease.project_id == project_id,
            ImageLease.queue == queue,
            ImageLease.expires < database_now() - _FORGOTTEN_SECONDS,
        )
    )


def _renew(uow: UnitOfWork, project: Project, queue: Queue, asker: Asker, held: Sequence[int], part: Part) -> set[int]:
    """Those of the held images that are still open to this person and nobody else's, held for another minute."""
    if not held:
        return set()
    still_open = [image.id for image, _, _ in queues.some(uow.session, project, queue, asker, held, part)]
    kept = _extend(uow, asker, still_open, ImageLease.expires > database_now())
    lost = [image_id for image_id in still_open if image_id not in kept]
    return kept | {image.id for image, _, _ in _lease(uow, project, queue, asker, lost, part)}


def _extend(uow: UnitOfWork, asker: Asker, image_ids: Sequence[int], *such: ColumnElement[bool]) -> set[int]:
    """Those of these images whose lease is this tab's, and is such a one; it now lasts another minute."""
    mine = update(ImageLease).where(
        ImageLease.image_id.in_(image_ids),
        ImageLease.annotator_id == asker.annotator_id,
        ImageLease.tab == asker.tab,
        *such,
    )
    extended = mine.values(expires=database_now() + LEASE_SECONDS).returning(ImageLease.image_id)
    return set(uow.session.scalars(extended))


def _lease(
    uow: UnitOfWork, project: Project, queue: Queue, asker: Asker, image_ids: Sequence[int], part: Part
) -> _Rows:
    """Lease these images; gives back those that nobody else took first.

    A slot is taken by one statement: a row that is there and has not ended stays as it is, and the image is tried in
    its next slot, if it wants several people. What this tab holds already, because an answer to it was lost on the
    way, is given to it again.
    """
    if not image_ids:
        return []
    rows = queues.some(uow.session, project, queue, asker, image_ids, part, lock=True)
    dialect = sqlite if uow.session.get_bind().dialect.name == "sqlite" else postgresql
    slots = {image.id: queues.slots(project, queue, image) for image, _, _ in rows}
    taken = _extend(uow, asker, list(slots))
    for slot in range(max(slots.values(), default=0)):
        free = sorted(image_id for image_id, count in slots.items() if slot < count and image_id not in taken)
        if not free:
            continue
        insert = dialect.insert(ImageLease).values(
            image_id=bindparam("free"),
            slot=slot,
            project_id=project.id,
            queue=queue,
            annotator_id=asker.annotator_id,
            tab=asker.tab,
            expires=database_now() + LEASE_SECONDS,
        )
        statement = insert.on_conflict_do_update(
            index_elements=[ImageLease.image_id, ImageLease.slot],
            set_={name: insert.excluded[name] for name in ("project_id", "queue", "annotator_id", "tab", "expires")},
            where=ImageLease.expires < database_now(),
        )
        leased = uow.session.connection().execute(
            statement.returning(ImageLease.image_id), [{"free": image_id} for image_id in free]
        )
        taken |= set(leased.scalars())
    return [row for row in rows if row[0].id in taken]


def _items(uow: UnitOfWork, project: Project, queue: Queue, rows: _Rows) -> list[QueueItem]:
    names = {one.id: one.name for one in projects.classes(uow.session, project.id)}
    return [
        QueueItem(
            image_id=image.id,
            sha256=image.sha256,
            suffix=image.suffix,
            name=without_folder(image.name) if queue in MEASURING else image.name,
            width=image.width,
            height=image.height,
            why=asking.why(project, queue, selection, pseudo_label),
            strategy=selection.strategy if selection else None,
            # A hint would sway the answers that measure: the test accuracy and the gate.
            hint=None if queue in MEASURING else names.get(image.hint_class_id or 0),
            proposed_class_id=pseudo_label.class_id if pseudo_label else None,
            # The number that the gate's threshold is compared with; 0 says that the views disagree, not how sure it is.
            confidence=(pseudo_label.score or pseudo_label.confidence) if pseudo_label else None,
        )
        for image, selection, pseudo_label in rows
    ]
