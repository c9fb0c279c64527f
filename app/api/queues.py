"""What the labelling screen asks: the next images of a queue, and the way back for answers."""

from __future__ import annotations

import logging
import math
import uuid
from enum import StrEnum
from typing import Any

from sqlalchemy.exc import DBAPIError
from starlette.responses import Response

from app.api.http import Call, Malformed, choice, fresh, integer, text
from app.db.models import Annotator, Image
from app.db.queries import annotations as annotation_queries
from app.db.queries import images, projects, rounds
from app.db.unit_of_work import UnitOfWork, committed
from app.domain.labels import Action, AnnotatorKind, Queue
from app.domain.pools import Pool
from app.errors import AppError, Refused
from app.services import annotation
from app.services.annotation import Answered, QueueItem

log = logging.getLogger(__name__)

LARGEST_BATCH = 500
LONGEST_SECONDS = 3600.0
"""Longer than this nobody looked at the image: the annotator was away."""
SERVED = (Queue.TEST, Queue.VALIDATION, Queue.SELECTION, Queue.REVIEW)


class Act(StrEnum):
    """What a screen may send about an image: an annotation, or a move out of the pools and back."""

    LABEL = "label"
    SKIP = "skip"
    WITHDRAW = "withdraw"
    EXCLUDE = "exclude"
    INCLUDE = "include"


def next_images(call: Call) -> Response:
    """The next images of a queue, how far it is, and whether its images are being chosen."""
    project_id = call.path_id("project_id")
    queue = choice(call.request.path_params["queue"], Queue, "queue")
    if queue not in SERVED:
        raise Malformed("queue", f"one of {', '.join(SERVED)}", str(queue))
    limit = call.query_integer("n", low=1, high=LARGEST_BATCH, default=32)
    annotator_id = call.query_integer("annotator", low=1, high=2**31)
    with call.runtime.database.reading() as uow:
        projects.one(uow.session, project_id)
        items = annotation.next_images(uow, project_id, queue, annotator_id, limit)
        how_far = annotation.progress(uow, project_id, queue, annotator_id)
        draft = rounds.draft(uow.session, project_id)
    return fresh(
        {
            "images": [_item_json(item) for item in items],
            "progress": {
                "settled": how_far.settled,
                "skipped": how_far.skipped,
                "total": how_far.total,
                "left": how_far.left,
            },
            "selection": draft.selection_status if draft else None,
        }
    )


def save(call: Call) -> Response:
    """Store a batch of answers; each has its own result, and sending one again changes nothing."""
    body = call.json()
    annotator_id = integer(body.get("annotator_id"), "annotator_id")
    items = body.get("items")
    if not isinstance(items, list) or not 0 < len(items) <= LARGEST_BATCH:
        raise Malformed("items", f"a list of 1 to {LARGEST_BATCH} answers", items)
    with committed(call.runtime.database) as uow:
        _person(uow, annotator_id)
        results = [_save_one(uow, annotator_id, item, f"items[{at}]") for at, item in enumerate(items)]
    return fresh({"results": results})


def undo(call: Call) -> Response:
    """Take back the annotator's newest act in a project; the image comes back to be shown again."""
    body = call.json()
    project_id = integer(body.get("project_id"), "project_id")
    annotator_id = integer(body.get("annotator_id"), "annotator_id")
    uid = text(body.get("uid") or str(uuid.uuid4()), "uid", 36)
    with committed(call.runtime.database) as uow:
        projects.one(uow.session, project_id)
        _person(uow, annotator_id)
        undone = annotation.undo(uow, project_id, annotator_id, uid=uid)
        image = images.one(uow.session, undone.image_id) if undone else None
    return fresh({"undone": _image_json(image) if image else None})


def _person(uow: UnitOfWork, annotator_id: int) -> Annotator:
    found = annotation_queries.annotator_by_id(uow.session, annotator_id)
    if found.kind is not AnnotatorKind.PERSON:
        raise Refused(f"Nobody can answer as the {found.kind} annotator.")
    return found


def _save_one(uow: UnitOfWork, annotator_id: int, item: Any, field: str) -> dict[str, Any]:
    """The result of one answer. Each has its own savepoint, so that a refused one takes no other with it."""
    uid = item.get("uid") if isinstance(item, dict) else None
    try:
        with uow.session.begin_nested():
            done = _apply(uow, annotator_id, item, field)
    except AppError as refusal:
        return {"uid": uid, "status": "refused", "error": str(refusal)}
    except DBAPIError:
        # A deadlock, or the same uid from another tab in this very moment: the sender tries again and finds out.
        log.exception("An answer could not be stored: %s", uid)
        return {"uid": uid, "status": "failed", "error": "The answer could not be stored yet."}
    return {
        "uid": uid,
        "status": "replayed" if done.is_replay else "saved",
        "image_id": done.image_id,
        "class_id": done.label_class_id,
        "pool": done.pool,
    }


def _apply(uow: UnitOfWork, annotator_id: int, item: Any, field: str) -> Answered:
    if not isinstance(item, dict):
        raise Malformed(field, "an object", item)
    uid = text(item.get("uid"), f"{field}.uid", 36)
    image_id = integer(item.get("image_id"), f"{field}.image_id")
    act = choice(item.get("action"), Act, f"{field}.action")
    if act in {Act.EXCLUDE, Act.INCLUDE}:
        return _move(uow, uid, image_id, act)
    class_id = item.get("class_id")
    return annotation.answer(
        uow,
        uid=uid,
        image_id=image_id,
        annotator_id=annotator_id,
        action=Action(act.value),
        class_id=None if class_id is None else integer(class_id, f"{field}.class_id"),
        queue=choice(item.get("queue"), Queue, f"{field}.queue"),
        seconds=_seconds(item.get("seconds"), f"{field}.seconds"),
    )


def _move(uow: UnitOfWork, uid: str, image_id: int, act: Act) -> Answered:
    """Exclude an image or bring it back; one that is there already stays."""
    is_excluded = images.one(uow.session, image_id, lock=True).pool is Pool.EXCLUDED
    is_replay = is_excluded is (act is Act.EXCLUDE)
    if not is_replay:
        (annotation.exclude if act is Act.EXCLUDE else annotation.include)(uow, image_id)
    image = images.one(uow.session, image_id)
    return Answered(
        uid=uid, image_id=image_id, label_class_id=image.label_class_id, pool=image.pool, is_replay=is_replay
    )


def _seconds(value: Any, field: str) -> float | None:
    if value is None:
        return None
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value) or value < 0:
        raise Malformed(field, "a number of seconds", value)
    return min(float(value), LONGEST_SECONDS)


def _item_json(item: QueueItem) -> dict[str, Any]:
    return {
        "id": item.image_id,
        "v": item.sha256[:16],
        "suffix": item.suffix,
        "name": item.name,
        "width": item.width,
        "height": item.height,
        "why": item.why,
        "strategy": item.strategy,
        "hint": item.hint,
        "proposed_class_id": item.proposed_class_id,
        "confidence": item.confidence,
    }


def _image_json(image: Image) -> dict[str, Any]:
    return {
        "id": image.id,
        "v": image.sha256[:16],
        "suffix": image.suffix,
        "name": image.name,
        "width": image.width,
        "height": image.height,
        "why": "You took your answer back.",
        "strategy": None,
        "hint": None,
        "proposed_class_id": None,
        "confidence": None,
    }
