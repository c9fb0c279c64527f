"""Answering: one act in, the label that follows from all acts out."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import update

from app.db.base import now
from app.db.models import Annotation, Annotator, Image, PseudoLabel
from app.db.queries import annotations as annotation_queries
from app.db.queries import images, projects, rounds
from app.db.unit_of_work import UnitOfWork
from app.domain.labels import Action, AnnotatorKind, Queue, consensus
from app.domain.pools import POOL_TRANSITIONS, Pool
from app.domain.pseudo_labels import PSEUDO_LABEL_TRANSITIONS, PseudoLabelStatus
from app.domain.transitions import check, sources
from app.errors import Conflict, Refused
from ssmae.config import Acquisition, RejectionReason

SIMULATED = "simulated annotator"


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
class Answered:
    """What an answer led to. `is_replay` says that the same uid had arrived before and nothing changed."""

    uid: str
    image_id: int
    label_class_id: int | None
    pool: Pool
    is_replay: bool = False


def annotator(uow: UnitOfWork, name: str, kind: AnnotatorKind = AnnotatorKind.PERSON) -> Annotator:
    """The annotator of this name, made if new.

    Raises:
        Refused: the name is empty, or belongs to another kind of annotator.
    """
    name = name.strip()
    if not name:
        raise Refused("An annotator needs a name.")
    found = annotation_queries.annotator(uow.session, name)
    if found is None:
        found = Annotator(name=name, kind=kind)
        uow.session.add(found)
        uow.session.flush()
    if found.kind is not kind:
        raise Refused(f"The name {name!r} is kept for the {found.kind} annotator.")
    return found


def next_images(uow: UnitOfWork, project_id: int, queue: Queue, annotator_id: int, limit: int = 24) -> list[QueueItem]:
    """The next images of a queue for this annotator, each with its reason."""
    rows = annotation_queries.queue_images(uow.session, project_id, queue, annotator_id, limit)
    names = {one.id: one.name for one in projects.classes(uow.session, project_id)}
    return [
        QueueItem(
            image_id=image.id,
            sha256=image.sha256,
            suffix=image.suffix,
            name=image.name,
            width=image.width,
            height=image.height,
            why=_why(queue, selection.reason if selection else None, pseudo_label),
            strategy=selection.strategy if selection else None,
            # A hint would sway the answers that measure: the test accuracy and the gate.
            hint=None if queue in {Queue.TEST, Queue.VALIDATION} else names.get(image.hint_class_id or 0),
            proposed_class_id=pseudo_label.class_id if pseudo_label else None,
            # The number that the gate's threshold is compared with; 0 says that the views disagree, not how sure it is.
            confidence=(pseudo_label.score or pseudo_label.confidence) if pseudo_label else None,
        )
        for image, selection, pseudo_label in rows
    ]


def progress(uow: UnitOfWork, project_id: int, queue: Queue, annotator_id: int) -> QueueProgress:
    """How far a queue is, seen by this annotator."""
    settled, skipped, total = annotation_queries.queue_progress(uow.session, project_id, queue, annotator_id)
    return QueueProgress(settled=settled, skipped=skipped, total=total)


def answer(
    uow: UnitOfWork,
    *,
    uid: str,
    image_id: int,
    annotator_id: int,
    action: Action,
    class_id: int | None,
    queue: Queue,
    seconds: float | None = None,
    note: str | None = None,
    restores_id: int | None = None,
) -> Answered:
    """Record one act and let the image's label and pool follow.

    An act supersedes the same annotator's earlier one. Sending the same uid again changes nothing.

    Raises:
        NotFound: no such image, annotator or class.
        Refused: a label without a class, or a class with anything but a label.
        Conflict: the uid was used for another image; the image is excluded.
    """
    image = images.one(uow.session, image_id, lock=True)
    if (sent := annotation_queries.by_uid(uow.session, uid)) is not None:
        if (sent.image_id, sent.annotator_id) != (image_id, annotator_id):
            raise Conflict(f"The uid {uid!r} was already used for another answer.")
        return _outcome(uid, image, is_replay=True)
    annotation_queries.annotator_by_id(uow.session, annotator_id)
    if (action is Action.LABEL) != (class_id is not None):
        raise Refused(f"The action {action} needs {'a' if action is Action.LABEL else 'no'} class. Got {class_id!r}.")
    if class_id is not None:
        projects.class_of(uow.session, image.project_id, class_id)
    if image.pool is Pool.EXCLUDED:
        raise Conflict(f"Image {image_id} was excluded: take it back before labelling it.")
    draft = rounds.draft(uow.session, image.project_id)
    earlier = annotation_queries.current(uow.session, image_id, annotator_id)
    if earlier is not None:
        earlier.superseded_at = now()
        uow.session.flush()
    uow.session.add(
        Annotation(
            uid=uid,
            project_id=image.project_id,
            image_id=image_id,
            annotator_id=annotator_id,
            action=action,
            class_id=class_id,
            queue=queue,
            round_id=draft.id if draft else None,
            seconds=seconds,
            note=note,
            supersedes_id=earlier.id if earlier else None,
            restores_id=restores_id,
        )
    )
    uow.session.flush()
    _settle(uow, image)
    return _outcome(uid, image)


def undo(uow: UnitOfWork, project_id: int, annotator_id: int, *, uid: str | None = None) -> Answered | None:
    """Take back the annotator's newest act in the project; None if there is nothing to take back.

    What the same annotator had said of the image before stands again. Sending the same uid again takes nothing more
    back.

    Raises:
        Conflict: the uid was used for another answer.
    """
    if uid is not None and (sent := annotation_queries.by_uid(uow.session, uid)) is not None:
        is_undo = sent.action is Action.WITHDRAW or sent.restores_id is not None
        if sent.annotator_id != annotator_id or not is_undo:
            raise Conflict(f"The uid {uid!r} was already used for another answer.")
        return _outcome(uid, images.one(uow.session, sent.image_id), is_replay=True)
    last = annotation_queries.last_by(uow.session, project_id, annotator_id)
    if last is None:
        return None
    before = _before(uow, last)
    return answer(
        uow,
        uid=uid or str(uuid.uuid4()),
        image_id=last.image_id,
        annotator_id=annotator_id,
        action=before.action if before else Action.WITHDRAW,
        class_id=before.class_id if before else None,
        queue=last.queue,
        restores_id=before.id if before else None,
    )


def exclude(uow: UnitOfWork, image_id: int) -> None:
    """Take an image out of the project's pools: broken, private or not what the project is about."""
    image = images.one(uow.session, image_id, lock=True)
    image.pool, image.label_class_id = check("pool", POOL_TRANSITIONS, image.pool, Pool.EXCLUDED), None
    _retire_pseudo_labels(uow, image)


def include(uow: UnitOfWork, image_id: int) -> None:
    """Bring an excluded image back; its annotations count again."""
    image = images.one(uow.session, image_id, lock=True)
    image.pool = check("pool", POOL_TRANSITIONS, image.pool, Pool.UNLABELLED)
    _settle(uow, image)


def simulate(uow: UnitOfWork, project_id: int, queue: Queue, count: int) -> int:
    """Let the seal answer the next images of a queue.

    Returns:
        How many were answered: fewer than `count` if the queue ended.

    Raises:
        Refused: the project is not sealed.
    """
    if not projects.one(uow.session, project_id).is_sealed:
        raise Refused("Only a sealed project can be simulated: import its classes as sealed.")
    oracle = annotator(uow, SIMULATED, AnnotatorKind.SIMULATED)
    rows = annotation_queries.queue_images(uow.session, project_id, queue, oracle.id, count)
    answered = 0
    for image, _, _ in rows:
        known = image.sealed_class_id
        answer(
            uow,
            uid=str(uuid.uuid4()),
            image_id=image.id,
            annotator_id=oracle.id,
            action=Action.SKIP if known is None else Action.LABEL,
            class_id=known,
            queue=queue,
        )
        answered += known is not None
    return answered


def _before(uow: UnitOfWork, last: Annotation) -> Annotation | None:
    """What the annotator had said of the image before this act, if that still meant something."""
    original = annotation_queries.by_id(uow.session, last.restores_id) or last
    before = annotation_queries.by_id(uow.session, original.supersedes_id)
    if before is not None and before.restores_id is not None:
        before = annotation_queries.by_id(uow.session, before.restores_id)
    return before if before is not None and before.action is not Action.WITHDRAW else None


def _outcome(uid: str, image: Image, *, is_replay: bool = False) -> Answered:
    return Answered(
        uid=uid, image_id=image.id, label_class_id=image.label_class_id, pool=image.pool, is_replay=is_replay
    )


def _settle(uow: UnitOfWork, image: Image) -> None:
    """Let label, pool and pseudo-labels of an image follow from everybody's current answers."""
    label = consensus(annotation_queries.answers(uow.session, image.id))
    target = Pool.UNLABELLED if label is None else Pool.LABELLED
    stays_proposed = label is None and image.pool is Pool.PSEUDO_LABELLED
    if image.pool is not target and not stays_proposed:
        image.pool = check("pool", POOL_TRANSITIONS, image.pool, target)
    image.label_class_id = label
    if label is not None:
        _retire_pseudo_labels(uow, image)
    uow.session.flush()


def _retire_pseudo_labels(uow: UnitOfWork, image: Image) -> None:
    """A person has spoken: an accepted pseudo-label is superseded, a rejected one reviewed."""
    for target in (PseudoLabelStatus.SUPERSEDED, PseudoLabelStatus.REVIEWED):
        uow.session.execute(
            update(PseudoLabel)
            .where(
                PseudoLabel.image_id == image.id,
                PseudoLabel.status.in_(sources(PSEUDO_LABEL_TRANSITIONS, target)),
            )
            .values(status=target, changed_at=now())
        )


_REJECTIONS = {
    RejectionReason.INCONSISTENT: "The model changes its mind when the image is changed a little",
    RejectionReason.LOW_CONFIDENCE: "The model is not sure enough",
    RejectionReason.GATE_CLOSED: "The model has not yet proved itself on the validation sample",
    RejectionReason.CLASS_BLOCKED: "The model is wrong too often when it names this class",
    RejectionReason.OUTSIDE_FRAME: "The validation sample was not drawn from this image, so it cannot vouch for it",
}


def _why(queue: Queue, selection_reason: str | None, pseudo_label: PseudoLabel | None) -> str:
    if queue is Queue.TEST:
        return "Drawn at random at import: it measures the accuracy and teaches nothing."
    if pseudo_label is not None and pseudo_label.reason is not None:
        sure = f" ({pseudo_label.score:.0%})" if pseudo_label.score else ""
        return f"{_REJECTIONS[pseudo_label.reason]}{sure}."
    return selection_reason or ""


def answers_of(uow: UnitOfWork, image_id: int) -> Sequence[tuple[Annotation, str]]:
    """Everything ever said of an image with the annotator's name, newest first."""
    return [(annotation, name) for annotation, name in annotation_queries.history(uow.session, image_id)]
