"""The way back for answers: batches in which each has its own result, and undo."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Sequence
from contextlib import suppress
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, Field, SkipValidation, ValidationError
from sqlalchemy.exc import DBAPIError, IntegrityError

from app.api.items import Item, show_opinions
from app.api.rest import Asking, BigId, Body, Id, Opened, Text, Uid, malformed
from app.db.models import Image, Project
from app.db.queries import annotations as annotation_queries
from app.db.queries import images, projects
from app.db.unit_of_work import UnitOfWork, committed
from app.domain.callers import Caller
from app.domain.labels import Action, AnnotatorKind, Queue
from app.domain.people import Adjudication, Role
from app.domain.pools import Pool, Split
from app.errors import AppError, NotFound, Refused
from app.services import annotation, audits, flags, queues, second_look
from app.services.annotation import Answered
from app.services.runtime import Runtime
from app.storage import Storage

log = logging.getLogger(__name__)

LARGEST_BATCH = 500
LONGEST_SECONDS = 3600.0
"""Longer than this nobody looked at the image: the annotator was away."""


_TEST = (
    "A test image is answered in the queue of the test set alone, by who has seen nothing else of it. If its label is "
    "wrong, flag it for the leads."
)
_NOT_YET = "The answer could not be stored yet."


class Act(StrEnum):
    """What a screen may send about an image: an annotation, or a word to the leads."""

    LABEL = Action.LABEL.value
    SKIP = Action.SKIP.value
    UNSURE = Action.UNSURE.value
    EXCLUDE = Action.EXCLUDE.value
    INCLUDE = Action.INCLUDE.value
    WITHDRAW = Action.WITHDRAW.value
    FLAG = "flag"


class Answer(Body):
    """One act on one image."""

    uid: Uid = Field(description="chosen by the sender; sending it again changes nothing")
    image_id: BigId
    action: Act
    class_id: Id | None = None
    queue: Queue
    note: Annotated[Text, Field(max_length=500)] | None = None
    batch: Uid | None = Field(None, description="answers that were given together are undone together")
    undoes: Uid | None = Field(
        None, description="with withdraw: uid of the act that is taken back; what was said before it stands again"
    )
    seconds: Annotated[float, Field(strict=True, ge=0, allow_inf_nan=False)] | None = None


class Answers(Body):
    """A batch of one person's answers."""

    annotator_id: Id
    items: list[SkipValidation[Answer]] = Field(min_length=1, max_length=LARGEST_BATCH)
    """Each is judged on its own, so that a bad one takes no other with it."""


class Status(StrEnum):
    """What became of an answer. `failed` means: send it again; `refused`: do not."""

    SAVED = "saved"
    REPLAYED = "replayed"
    REFUSED = "refused"
    FAILED = "failed"


class Result(BaseModel):
    """What became of one answer, and of its image."""

    uid: str | None = Field(description="as it was sent, if it was one")
    status: Status
    image_id: int | None = None
    class_id: int | None = None
    pool: Pool | None = None
    error: str | None = None


class Results(BaseModel):
    """One result for each answer, in their order."""

    results: list[Result]


class Undo(Body):
    """Whose newest act in which project is taken back."""

    project_id: Id
    annotator_id: Id
    uid: Uid = Field(default_factory=lambda: str(uuid.uuid4()))


class Undone(BaseModel):
    """The images that can be answered anew, newest first; none if there was nothing to take back."""

    undone: list[Item]


def check_person(uow: UnitOfWork, annotator_id: int) -> None:
    """Keep everybody from answering as the simulated annotator, or as the labels of an import.

    Raises:
        NotFound: there is no such annotator.
        Refused: it is no person.
    """
    found = annotation_queries.annotator_by_id(uow.session, annotator_id)
    if found.kind is not AnnotatorKind.PERSON:
        raise Refused(f"Nobody can answer as the {found.kind} annotator.")


def check_queue(caller: Caller, queue: Queue, project: Project) -> None:
    """An answer of the adjudication queue decides for everybody: where a lead rules, that is for leads.

    Raises:
        Forbidden: the caller is none.
    """
    if queue is Queue.ADJUDICATION and project.adjudication is Adjudication.LEAD:
        caller.require(Role.LEAD)


def save(body: Answers, caller: Asking, runtime: Opened) -> Results:
    """Store a batch of answers; each has its own result, and sending one again changes nothing."""
    caller.require_self(body.annotator_id)
    _prepare_audits(runtime, body)
    with committed(runtime.database) as uow:
        check_person(uow, body.annotator_id)
        results = _save_all(uow, caller, body)
    return Results(results=results)


def _prepare_audits(runtime: Runtime, body: Answers) -> None:
    """Draw what audits ask before anything is written; see `audits.prepare`. What cannot be read is refused later."""
    items: list[Any] = list(body.items)
    ids: list[int] = []
    for item in items:
        if isinstance(item, dict) and item.get("queue") == Queue.AUDIT:
            with suppress(AppError):
                ids.append(_read(item, "").image_id)
    if not ids:
        return
    with runtime.database.reading() as uow:
        for project_id in {image.project_id for image in images.some(uow.session, ids)}:
            audits.prepare(uow, project_id)


def _save_all(uow: UnitOfWork, caller: Caller, body: Answers) -> list[Result]:
    """One result for each answer. After one that is to be sent again, later ones to its image wait for it too."""
    results: list[Result] = []
    waiting: set[Any] = set()
    items: list[Any] = list(body.items)  # as they were sent: each is read on its own
    for at, item in enumerate(items):
        image_id = item.get("image_id") if isinstance(item, dict) else None
        if isinstance(image_id, int) and image_id in waiting:
            results.append(Result(uid=_readable(item.get("uid")), status=Status.FAILED, error=_NOT_YET))
            continue
        results.append(_save_one(uow, caller, body.annotator_id, item, f"items[{at}]"))
        if results[-1].status is Status.FAILED:
            waiting.add(image_id)
    return results


def undo(body: Undo, caller: Asking, runtime: Opened) -> Undone:
    """Take back the annotator's newest act in a project, with its whole batch; the images are shown again."""
    caller.require_self(body.annotator_id)
    caller.require_project(body.project_id)
    with committed(runtime.database) as uow:
        projects.one(uow.session, body.project_id)
        check_person(uow, body.annotator_id)
        undone = annotation.undo(uow, body.project_id, body.annotator_id, uid=body.uid)
        shown = _shown(uow, runtime.storage, body, undone)
    return Undone(undone=shown)


def _shown(uow: UnitOfWork, storage: Storage, body: Undo, undone: Sequence[Answered]) -> list[Item]:
    """The images as their queue shows them, where that shows what the model proposes; else without what could sway."""
    items: dict[int, Item] = {}
    for queue in {one.queue for one in undone} & {Queue.REVIEW, Queue.GRID}:
        ids = [one.image_id for one in undone if one.queue is queue]
        found = queues.items_of(uow, body.project_id, queue, body.annotator_id, ids)
        items |= {item.image_id: Item.of(item) for item in found}
    if any(one.queue is Queue.SECOND_LOOK for one in undone):
        again = [one.image_id for one in undone]
        found = second_look.take(uow, storage, body.project_id, body.annotator_id, LARGEST_BATCH).items
        items |= {item.image_id: Item.of(item) for item in found if item.image_id in again}
    shown = [
        items.get(one.image_id) or Item.of_undone(images.one(uow.session, one.image_id), one.queue) for one in undone
    ]
    decided = {one.image_id for one in undone if one.queue is Queue.ADJUDICATION}
    show_opinions(uow, body.project_id, [item for item in shown if item.id in decided])
    for item, one in zip(shown, undone, strict=True):
        item.queue = one.queue
    return shown


def _save_one(uow: UnitOfWork, caller: Caller, annotator_id: int, item: Any, field: str) -> Result:
    """The result of one answer. Each has its own savepoint, so that a refused one takes no other with it."""
    uid = _readable(item.get("uid")) if isinstance(item, dict) else None
    try:
        with uow.session.begin_nested():
            done = _apply(uow, caller, annotator_id, _read(item, field))
    except AppError as refusal:
        return Result(uid=uid, status=Status.REFUSED, error=str(refusal))
    except DBAPIError as error:
        if not _is_passing(error):
            # The database may have dropped the whole transaction: nothing of this batch counts as stored.
            raise
        log.warning("An answer could not be stored yet: %s", uid, exc_info=error)
        return Result(uid=uid, status=Status.FAILED, error=_NOT_YET)
    return Result(
        uid=uid,
        status=Status.REPLAYED if done.is_replay else Status.SAVED,
        image_id=done.image_id,
        class_id=done.label_class_id,
        pool=done.pool,
    )


def _is_passing(error: DBAPIError) -> bool:
    """Whether only this answer failed: a deadlock, or the same uid from another tab in this very moment."""
    return isinstance(error, IntegrityError) or getattr(error.orig, "sqlstate", None) in {"40001", "40P01"}


def _read(item: Any, field: str) -> Answer:
    try:
        return Answer.model_validate(item)
    except ValidationError as error:
        raise malformed(error.errors()[0], field) from None


def _apply(uow: UnitOfWork, caller: Caller, annotator_id: int, item: Answer) -> Answered:
    image = images.one(uow.session, item.image_id)
    if not caller.sees(image.project_id):
        raise NotFound(f"There is no image {item.image_id}.")
    check_queue(caller, item.queue, projects.one(uow.session, image.project_id))
    if item.action is Act.LABEL and item.queue is Queue.BROWSE and image.split is Split.TEST:
        raise Refused(_TEST)
    if item.action is Act.FLAG:
        return _flag(uow, annotator_id, item)
    if item.undoes is not None:
        if item.action is not Act.WITHDRAW:
            raise Refused(f"Only withdraw takes another act back. Got {item.action} with undoes.")
        return annotation.take_back(
            uow, uid=item.uid, undoes=item.undoes, image_id=item.image_id, annotator_id=annotator_id
        )
    return annotation.answer(
        uow,
        uid=item.uid,
        image_id=item.image_id,
        annotator_id=annotator_id,
        action=Action(item.action.value),
        class_id=item.class_id,
        queue=_counts_in(uow, caller, annotator_id, image, item.queue),
        note=item.note,
        batch=item.batch,
        seconds=None if item.seconds is None else min(item.seconds, LONGEST_SECONDS),
    )


def _counts_in(uow: UnitOfWork, caller: Caller, annotator_id: int, image: Image, queue: Queue) -> Queue:
    """The queue that an answer counts in: where it may not do what that queue's answers do, it is one more opinion."""
    match queue:
        case Queue.ADJUDICATION:
            counts = annotation.settles(uow, image, annotator_id, leads=caller.may(Role.LEAD))
        case Queue.AUDIT:  # what it has not asked for may have been given in sight of the proposal
            counts = audits.asks(uow, image)
        case _:
            counts = True
    return queue if counts else Queue.BROWSE


def _flag(uow: UnitOfWork, annotator_id: int, item: Answer) -> Answered:
    is_replay = flags.raise_flag(uow, uid=item.uid, image_id=item.image_id, annotator_id=annotator_id, note=item.note)
    image = images.one(uow.session, item.image_id)
    return Answered(
        uid=item.uid,
        image_id=image.id,
        label_class_id=image.label_class_id,
        pool=image.pool,
        queue=item.queue,
        is_replay=is_replay,
    )


def _readable(uid: Any) -> str | None:
    """What can be sent back: a text, if it is one; half of a character would be none."""
    return uid if isinstance(uid, str) and not any("\ud800" <= one <= "\udfff" for one in uid) else None
