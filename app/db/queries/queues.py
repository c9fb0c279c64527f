"""The queues that people answer: which images are in one, which of them are open to whom, and who holds what."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Row, Select, and_, case, func, literal, or_, select
from sqlalchemy.orm import Session

from app.db.base import database_now
from app.db.models import Annotation, Annotator, Image, ImageLease, Project, PseudoLabel, Round, Selection
from app.db.queries.images import NEEDS_DECISION
from app.db.queries.reviews import UNJUDGED, newest_result
from app.domain.acceptance import Order
from app.domain.labels import GIVEN, Action, Queue
from app.domain.pools import Pool, Split
from app.domain.pseudo_labels import PseudoLabelStatus
from app.domain.rounds import RoundStatus
from app.errors import NotFound

_OF_ONE = frozenset({Queue.REVIEW, Queue.GRID, Queue.AUDIT})
"""Queues that want one answer an image, whatever the overlap: they are about the model, not about the people."""
_UNSETTLED = Image.pool.in_([Pool.UNLABELLED, Pool.PSEUDO_LABELLED])


@dataclass(frozen=True, kw_only=True)
class Asker:
    """Whose eyes a queue is seen with: another tab of the same person holds images of its own."""

    annotator_id: int
    tab: str = ""


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
    hidden: Collection[int] = ()
    only: Sequence[int] = ()


WHOLE = Part()


def images(
    session: Session, project: Project, queue: Queue, asker: Asker, limit: int, part: Part = WHOLE
) -> Sequence[Row[Image, Selection | None, PseudoLabel | None]]:
    """The next images of a queue that are open to this person, whoever holds them, with the rows that say why."""
    statement = _members(project, queue, part).where(is_open(project, queue), ~_answered(queue, asker))
    return session.execute(statement.limit(limit)).all()


def free_ids(
    session: Session, project: Project, queue: Queue, asker: Asker, limit: int, part: Part = WHOLE
) -> list[int]:
    """The next images of a queue that this tab may take, in order: open to the person, and held by nobody else."""
    statement = (
        _members(project, queue, part)
        .where(is_open(project, queue), ~_answered(queue, asker), _has_room(project, queue, asker))
        .with_only_columns(Image.id)
    )
    if not part.pivot:
        return list(session.scalars(statement.limit(limit)))
    # Around the circle of the draw, so that what is settled is not gone through again and again.
    found = list(session.scalars(statement.where(Image.draw >= part.pivot).limit(limit)))
    if len(found) < limit:
        found += session.scalars(statement.where(Image.draw < part.pivot).limit(limit - len(found)))
    return found


def some(
    session: Session,
    project: Project,
    queue: Queue,
    asker: Asker,
    ids: Collection[int],
    part: Part = WHOLE,
    *,
    lock: bool = False,
) -> Sequence[Row[Image, Selection | None, PseudoLabel | None]]:
    """Those of these images that are open to this person, in the queue's order.

    With `lock`, an image that somebody is answering or taking in this very moment is passed over, and nobody answers
    the others until the transaction ends.
    """
    statement = _members(project, queue, part).where(
        Image.id.in_(ids), is_open(project, queue), ~_answered(queue, asker)
    )
    if lock:
        statement = statement.with_for_update(of=Image, skip_locked=True)
    return session.execute(statement).all()


def progress(
    session: Session, project: Project, queue: Queue, asker: Asker, part: Part = WHOLE
) -> tuple[int, int, int]:
    """(settled, passed over by this person, all) of a queue."""
    is_left = is_open(project, queue)
    members = _members(project, queue, part).with_only_columns(
        func.sum(case((is_left, 0), else_=1)),
        func.sum(case((and_(is_left, _answered(queue, asker)), 1), else_=0)),
        func.count(),
    )
    settled, passed_over, everything = session.execute(members.order_by(None)).one()
    return int(settled or 0), int(passed_over or 0), int(everything)


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


def is_open(project: Project, queue: Queue) -> ColumnElement[bool]:
    """Whether an image of a queue waits for an answer."""
    if queue is Queue.ADJUDICATION:
        return NEEDS_DECISION
    if queue in _OF_ONE or not project.overlap_share:
        return and_(_UNSETTLED, Image.opinions == 0)
    wanted = wanted_opinions(project)
    return and_(Image.opinions < wanted, or_(_UNSETTLED, wanted > 1))


def _answered(queue: Queue, asker: Asker) -> ColumnElement[bool]:
    """Whether this person has a standing answer to the image; in a dispute, to the dispute."""
    theirs = select(Annotation.id).where(
        Annotation.image_id == Image.id,
        Annotation.annotator_id == asker.annotator_id,
        Annotation.superseded_at.is_(None),
        Annotation.action.in_(GIVEN),
    )
    if queue is Queue.ADJUDICATION:
        theirs = theirs.where(Annotation.queue == queue)
    elif queue is Queue.REVIEW:
        # Passing an image over in a grid leaves it for this queue.
        theirs = theirs.where(or_(Annotation.action != Action.SKIP, Annotation.queue != Queue.GRID))
    return theirs.exists()


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


def _members(project: Project, queue: Queue, part: Part) -> Select[Image, Selection | None, PseudoLabel | None]:
    """The images of a queue in the order they are served, with the row that says why."""
    project_id = project.id
    statement = select(Image, Selection, PseudoLabel).where(Image.project_id == project_id, Image.pool != Pool.EXCLUDED)
    no_selection = and_(Selection.image_id == Image.id, Selection.round_id == 0)
    no_pseudo_label = and_(PseudoLabel.image_id == Image.id, PseudoLabel.round_id == 0)
    match queue:
        case Queue.TEST:
            return (
                statement.outerjoin(Selection, no_selection)
                .outerjoin(PseudoLabel, no_pseudo_label)
                .where(Image.split == Split.TEST)
                .order_by(Image.draw)
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
                    PseudoLabel.status.in_(
                        [PseudoLabelStatus.REJECTED, PseudoLabelStatus.REVIEWED, PseudoLabelStatus.REVOKED]
                    ),
                    # Whoever has seen the model's proposal can no longer judge it.
                    Image.split == Split.TRAIN,
                )
                .order_by(PseudoLabel.score.desc(), Image.id)
            )
        case Queue.GRID:
            by_doubt = (PseudoLabel.score, PseudoLabel.id)
            return (
                statement.join(PseudoLabel, PseudoLabel.image_id == Image.id)
                .outerjoin(Selection, no_selection)
                .where(
                    PseudoLabel.round_id == newest_result(project_id),
                    literal(True) if part.class_id is None else PseudoLabel.class_id == part.class_id,
                    PseudoLabel.status.in_(UNJUDGED),
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
