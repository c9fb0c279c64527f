"""The queues that people answer: which images are in one, which of them are open to whom, and who holds what."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Row, Select, and_, case, func, literal, literal_column, or_, select, true
from sqlalchemy.orm import Session

from app.db.base import database_now
from app.db.models import Annotation, Annotator, Image, ImageLease, Project, PseudoLabel, Round, Selection
from app.db.queries import projects, reviews
from app.db.queries.images import NEEDS_DECISION, UNSETTLED
from app.db.queries.reviews import UNJUDGED, newest_result
from app.domain.acceptance import Order
from app.domain.labels import GIVEN, Action, Queue
from app.domain.pools import Pool, Split
from app.domain.pseudo_labels import PseudoLabelStatus
from app.domain.rounds import RoundStatus
from app.errors import NotFound

_OF_ONE = frozenset({Queue.REVIEW, Queue.GRID, Queue.AUDIT})
"""Queues that want one answer an image, whatever the overlap: they are about the model, not about the people."""
_TURNED_DOWN = (PseudoLabelStatus.REVOKED, PseudoLabelStatus.REJECTED)
"""What waits for review, in this order: where people said that the model is wrong, then what the gate turned down."""
PASSED_OVER: ColumnElement[bool] = literal_column("annotation.superseded_at IS NULL AND annotation.action").in_(
    [literal_column(f"'{action}'") for action in (Action.SKIP, Action.UNSURE)]
)
"""Written out as its partial index has it, for SQLite."""
_IDS = 500


@dataclass(frozen=True, kw_only=True)
class Asker:
    """Whose eyes a queue is seen with: another tab of the same person holds images of its own.

    Attributes:
        annotator_id: who.
        tab: of their browser.
        decides: a lead, who may settle also a dispute that they are a party to.
    """

    annotator_id: int
    tab: str = ""
    decides: bool = True


@dataclass(frozen=True, kw_only=True)
class Part:
    """Which images of a queue are meant, where not all are.

    Attributes:
        class_id: grid: the class that the model proposes.
        order: grid: the order in which its images are shown.
        pivot: grid in random order: where in the draw of the images to begin; another number, another random sample.
        hidden: grid: images whose proposal must not be shown.
        only: audit: the images that it asks about, in their order.
    """

    class_id: int | None = None
    order: Order = Order.DOUBT
    pivot: float = 0.0
    hidden: tuple[int, ...] = ()
    only: tuple[int, ...] = ()


WHOLE = Part()


def images(
    session: Session, project: Project, queue: Queue, asker: Asker, limit: int, part: Part = WHOLE
) -> Sequence[Row[Image, Selection | None, PseudoLabel | None]]:
    """The next images of a queue that are open to this person, whoever holds them, with the rows that say why."""
    found: list[Row[Image, Selection | None, PseudoLabel | None]] = []
    for statement in _stretches(project, queue, part):
        is_wanted = (is_open(project, queue), ~_answered(queue, asker))
        found += session.execute(statement.where(*is_wanted).limit(limit - len(found)))
    return found


def free_ids(
    session: Session, project: Project, queue: Queue, asker: Asker, limit: int, part: Part = WHOLE
) -> list[int]:
    """The next images of a queue that this tab may take, in order: open to the person, and held by nobody else."""
    is_wanted = (is_open(project, queue), ~_answered(queue, asker), _has_room(project, queue, asker))
    found: list[int] = []
    for statement in _stretches(project, queue, part):
        ids = statement.where(*is_wanted).with_only_columns(Image.id).limit(limit - len(found))
        found += session.scalars(ids)
    return found


def _stretches(
    project: Project, queue: Queue, part: Part
) -> Iterator[Select[Image, Selection | None, PseudoLabel | None]]:
    """A queue in pieces, one after the other, each of which an index has in order."""
    members = _members(project, queue, part)
    if queue is Queue.REVIEW:
        for status in _TURNED_DOWN:
            yield members.where(PseudoLabel.status == status)
    elif part.pivot:
        # Around the circle of the draw, so that what is settled is not gone through again and again.
        yield members.where(Image.draw >= part.pivot)
        yield members.where(Image.draw < part.pivot)
    else:
        yield members


def some(
    session: Session,
    project: Project,
    queue: Queue,
    asker: Asker,
    ids: Sequence[int],
    part: Part = WHOLE,
    *,
    lock: bool = False,
) -> Sequence[Row[Image, Selection | None, PseudoLabel | None]]:
    """Those of these images that are open to this person, in the order in which they are given.

    With `lock`, only those that have room for this tab. An image that somebody is answering or taking in this very
    moment is passed over, and nobody answers or takes the others until the transaction ends.
    """
    statement = _among(project, queue, ids, part).where(is_open(project, queue), ~_answered(queue, asker))
    if lock:
        statement = statement.where(_has_room(project, queue, asker)).with_for_update(of=Image, skip_locked=True)
    place = {image_id: at for at, image_id in enumerate(ids)}
    return sorted(session.execute(statement), key=lambda row: place[row[0].id])


def settled(session: Session, project_id: int, queue: Queue, part: Part = WHOLE) -> tuple[int, int]:
    """(settled, all) of a queue: the same for everybody."""
    project = projects.one(session, project_id)
    match queue:
        case Queue.REVIEW:
            return _settled_of_review(session, project)
        case Queue.GRID:
            return 0, _left_of_grid(session, project, part)
    is_left = case((is_open(project, queue), 1), else_=0)
    members = _members(project, queue, part).with_only_columns(func.sum(is_left), func.count()).order_by(None)
    left, everything = session.execute(members).one()
    return everything - int(left or 0), everything


def _settled_of_review(session: Session, project: Project) -> tuple[int, int]:
    by_status = reviews.counts(session, project.id, PseudoLabel.status, [*_TURNED_DOWN, PseudoLabelStatus.REVIEWED])
    # What was revoked keeps that status when somebody answers; there are few of them.
    revoked = session.scalars(
        select(PseudoLabel.image_id).where(
            PseudoLabel.round_id == newest_result(project.id), PseudoLabel.status == PseudoLabelStatus.REVOKED
        )
    ).all()
    waiting = _count_among(session, project, Queue.REVIEW, revoked, WHOLE)
    left = by_status.get(PseudoLabelStatus.REJECTED, 0) + waiting
    return sum(by_status.values()) - left, sum(by_status.values())


def _left_of_grid(session: Session, project: Project, part: Part) -> int:
    by_class = reviews.counts(session, project.id, PseudoLabel.class_id, reviews.WAITING)
    everything = sum(by_class.values()) if part.class_id is None else by_class.get(part.class_id, 0)
    shown = Part(class_id=part.class_id)
    return everything - _count_among(session, project, Queue.GRID, list(part.hidden), shown)


def passed_over(
    session: Session, project_id: int, queue: Queue, annotator_id: int, part: Part = WHOLE, *, decides: bool = True
) -> int:
    """How many images of a queue wait for others, because this person has answered or skipped them."""
    project = projects.one(session, project_id)
    # First what the person said: no planner guesses how little that is beside the queue.
    theirs = select(Annotation.image_id).where(
        Annotation.project_id == project_id, Annotation.annotator_id == annotator_id, _passes(queue, decides=decides)
    )
    if queue is Queue.ADJUDICATION:
        theirs = theirs.where(Annotation.superseded_at.is_(None), Annotation.action.in_(GIVEN))
        theirs = theirs.join(Image, Image.id == Annotation.image_id).where(NEEDS_DECISION)
    elif queue in _OF_ONE or not project.overlap_share:
        # A label settles: only what was skipped can still be open.
        theirs = theirs.where(PASSED_OVER)
    else:
        theirs = theirs.where(Annotation.superseded_at.is_(None), Annotation.action.in_(GIVEN))
        theirs = theirs.join(Image, Image.id == Annotation.image_id).where(Image.opinions < wanted_opinions(project))
    return _count_among(session, project, queue, session.scalars(theirs).all(), part)


def _count_among(session: Session, project: Project, queue: Queue, ids: Sequence[int], part: Part) -> int:
    """How many of these images are open members of a queue."""
    some = (ids[start : start + _IDS] for start in range(0, len(ids), _IDS))
    members = (_among(project, queue, few, part).where(is_open(project, queue)) for few in some)
    return sum(session.scalar(statement.with_only_columns(func.count())) or 0 for statement in members)


def held_elsewhere(session: Session, project_id: int, queue: Queue, asker: Asker) -> Sequence[Row[str, int, float]]:
    """(name, images held, seconds until the last of them is free) of everybody else, and of other tabs."""
    return session.execute(
        select(Annotator.name, func.count(), func.max(ImageLease.expires) - database_now())
        .join(Annotator, Annotator.id == ImageLease.annotator_id)
        .where(
            ImageLease.project_id == project_id,
            ImageLease.queue == queue,
            ImageLease.expires > database_now(),
            ~_holds(asker),
        )
        .group_by(Annotator.name)
        .order_by(Annotator.name)
    ).all()


def wanted_opinions(project: Project) -> ColumnElement[int]:
    """How many people shall answer an image: several of a share that its id draws, one of the others."""
    if not project.overlap_share:
        return literal(1)
    # The minimal standard generator of Park and Miller: ids in a row draw numbers that look independent.
    drawn = Image.id * 48_271 % 2_147_483_647 % 1000
    return case((drawn < round(1000 * project.overlap_share), project.overlap_size), else_=1)


def slots(project: Project, queue: Queue, image: Image) -> int:
    """How many people may hold an image at once: as many as it still wants, by the rule of `wanted_opinions`."""
    if queue is Queue.ADJUDICATION or queue in _OF_ONE or not project.overlap_share:
        return 1
    drawn = image.id * 48_271 % 2_147_483_647 % 1000
    wanted = project.overlap_size if drawn < round(1000 * project.overlap_share) else 1
    return wanted - image.opinions


def is_open(project: Project, queue: Queue) -> ColumnElement[bool]:
    """Whether an image of a queue waits for an answer."""
    if queue is Queue.ADJUDICATION:
        return NEEDS_DECISION
    if queue in _OF_ONE or not project.overlap_share:
        return and_(UNSETTLED, Image.opinions == 0)
    wanted = wanted_opinions(project)
    return and_(Image.opinions < wanted, or_(UNSETTLED, wanted > 1))


def _answered(queue: Queue, asker: Asker) -> ColumnElement[bool]:
    """Whether this person has a standing answer to the image; in a dispute, to the dispute."""
    theirs = select(Annotation.id).where(
        Annotation.image_id == Image.id,
        Annotation.annotator_id == asker.annotator_id,
        Annotation.superseded_at.is_(None),
        Annotation.action.in_(GIVEN),
    )
    return theirs.where(_passes(queue, decides=asker.decides)).exists()


def _passes(queue: Queue, *, decides: bool) -> ColumnElement[bool]:
    """Which of a person's answers count as answers in this queue."""
    if queue is Queue.ADJUDICATION:
        # A party to a dispute does not settle it.
        return (
            Annotation.queue == queue if decides else or_(Annotation.queue == queue, Annotation.action != Action.SKIP)
        )
    if queue is Queue.REVIEW:
        # Passing an image over in a grid leaves it for this queue.
        return or_(Annotation.action != Action.SKIP, Annotation.queue != Queue.GRID)
    return true()


def _has_room(project: Project, queue: Queue, asker: Asker) -> ColumnElement[bool]:
    """Whether fewer people hold the image than it still wants, this person in no other tab."""
    live = select(ImageLease.image_id).where(ImageLease.image_id == Image.id, ImageLease.expires > database_now())
    if queue is Queue.ADJUDICATION or queue in _OF_ONE or not project.overlap_share:
        return ~live.where(~_holds(asker)).exists()
    others = (
        live.where(ImageLease.annotator_id != asker.annotator_id)
        .with_only_columns(func.count())
        .correlate(Image)
        .scalar_subquery()
    )
    mine_elsewhere = live.where(ImageLease.annotator_id == asker.annotator_id, ImageLease.tab != asker.tab)
    return and_(others < wanted_opinions(project) - Image.opinions, ~mine_elsewhere.exists())


def _holds(asker: Asker) -> ColumnElement[bool]:
    return and_(ImageLease.annotator_id == asker.annotator_id, ImageLease.tab == asker.tab)


def _among(
    project: Project, queue: Queue, ids: Sequence[int], part: Part
) -> Select[Image, Selection | None, PseudoLabel | None]:
    """Those of these images that are in a queue, in any order.

    The ids are named for each table that says who is in the queue, what else could be found by an index is hidden, and
    there is no order: otherwise SQLite may walk the whole queue, or the project, instead of looking up these few.
    """
    statement = _members(project, queue, part, by_id=True).where(Image.id.in_(ids)).order_by(None)
    match queue:
        case Queue.SELECTION | Queue.VALIDATION:
            return statement.where(Selection.image_id.in_(ids))
        case Queue.REVIEW | Queue.GRID:
            return statement.where(PseudoLabel.image_id.in_(ids))
        case _:
            return statement


def _members(
    project: Project,
    queue: Queue,
    part: Part,
    *,
    by_id: bool = False,
) -> Select[Image, Selection | None, PseudoLabel | None]:
    """The images of a queue in the order they are served, with the row that says why."""
    project_id = project.id
    of: ColumnElement[int] = Image.project_id + 0 if by_id else Image.project_id.expression
    status = func.coalesce(PseudoLabel.status, literal_column("''")) if by_id else PseudoLabel.status
    statement = select(Image, Selection, PseudoLabel).where(of == project_id, Image.pool != Pool.EXCLUDED)
    no_selection = and_(Selection.image_id == Image.id, Selection.round_id == 0)
    no_pseudo_label = and_(PseudoLabel.image_id == Image.id, PseudoLabel.round_id == 0)
    match queue:
        case Queue.TEST:
            return (
                statement.outerjoin(Selection, no_selection)
                .outerjoin(PseudoLabel, no_pseudo_label)
                .where(Image.split == Split.TEST)
                .order_by(Image.draw, Image.id)
            )
        case Queue.SELECTION | Queue.VALIDATION:
            of_draft = select(Round.id).where(Round.project_id == project_id, Round.status == RoundStatus.DRAFT)
            # A guess would sway the answers that judge the gate, so it is never shown with these.
            guesses = queue is Queue.SELECTION and project.shows_guess
            newest = and_(PseudoLabel.image_id == Image.id, PseudoLabel.round_id == newest_result(project_id))
            return (
                statement.join(Selection, Selection.image_id == Image.id)
                .outerjoin(PseudoLabel, newest if guesses else no_pseudo_label)
                .where(Selection.round_id == of_draft.scalar_subquery(), Selection.queue == queue)
                .order_by(Selection.position)
            )
        case Queue.REVIEW:
            return (
                statement.join(PseudoLabel, PseudoLabel.image_id == Image.id)
                .outerjoin(Selection, no_selection)
                .where(
                    PseudoLabel.round_id == newest_result(project_id),
                    status.in_(_TURNED_DOWN),
                    # Whoever has seen the model's proposal can no longer judge it.
                    Image.split == Split.TRAIN,
                )
                .order_by(PseudoLabel.score.desc(), PseudoLabel.id.desc())
            )
        case Queue.GRID:
            by_doubt = (PseudoLabel.score, PseudoLabel.id)
            return (
                statement.join(PseudoLabel, PseudoLabel.image_id == Image.id)
                .outerjoin(Selection, no_selection)
                .where(
                    PseudoLabel.round_id == newest_result(project_id),
                    literal(True) if part.class_id is None else PseudoLabel.class_id == part.class_id,
                    status.in_(reviews.WAITING) if by_id else UNJUDGED,
                    Image.split == Split.TRAIN,
                    Image.id.not_in(part.hidden),
                )
                .order_by(*(by_doubt if part.order is Order.DOUBT else (Image.draw, Image.id)))
            )
        case Queue.AUDIT:
            place = {image_id: at for at, image_id in enumerate(part.only)}
            return (
                statement.outerjoin(Selection, no_selection)
                .outerjoin(PseudoLabel, no_pseudo_label)
                .where(Image.id.in_(part.only))
                .order_by(case(place, value=Image.id) if place else Image.id)
            )
        case Queue.ADJUDICATION:
            return (
                statement.outerjoin(Selection, no_selection)
                .outerjoin(PseudoLabel, no_pseudo_label)
                .where(NEEDS_DECISION)
                .order_by(Image.id)
            )
        case _:
            raise NotFound(f"There is no queue {queue} to answer.")
