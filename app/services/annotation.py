"""Answering: one act in, the label that follows from all acts out."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace

from sqlalchemy import delete

from app.db.base import now
from app.db.models import Annotation, Annotator, Image, ImageLease
from app.db.queries import annotations as annotation_queries
from app.db.queries import images, projects, rounds
from app.db.unit_of_work import UnitOfWork
from app.domain.labels import GIVEN, Action, AnnotatorKind, Answer, Queue, consensus
from app.domain.pools import POOL_TRANSITIONS, Pool
from app.domain.transitions import check
from app.errors import Conflict, Refused
from app.services import proposals, queues

SIMULATED = "simulated annotator"


@dataclass(frozen=True, kw_only=True)
class Answered:
    """What an answer led to.

    Attributes:
        uid: as it was sent.
        image_id: what it was about.
        label_class_id: the image's label now.
        pool: the image's pool now.
        queue: where the annotator met the image; for an undo, where they had given what is taken back.
        is_replay: the same uid had arrived before, and nothing changed.
    """

    uid: str
    image_id: int
    label_class_id: int | None
    pool: Pool
    queue: Queue
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
    batch: str | None = None,
    restores_id: int | None = None,
) -> Answered:
    """Record one act and let the image's label and pool follow.

    An act supersedes the same annotator's earlier one. Sending the same uid again changes nothing. An answer to an
    image that somebody else settled or excluded meanwhile is kept as one more opinion.

    Args:
        uow: open unit of work.
        uid: chosen by the sender.
        image_id: what it is about.
        annotator_id: who acts.
        action: what they do. Bringing an image back ends everybody's exclusion, and what they had said before it
            stands again.
        class_id: with a label, and only then.
        queue: where they met the image.
        seconds: they took for it.
        note: why they skipped it, or whatever else they said.
        batch: of the answers that are undone together.
        restores_id: the earlier act that an undo brings back with this one.

    Raises:
        NotFound: no such image, annotator or class.
        Refused: a label without a class, or a class with anything but a label.
        Conflict: the uid was used for another image.
    """
    image = images.one(uow.session, image_id, lock=True)
    if (sent := annotation_queries.by_uid(uow.session, uid)) is not None:
        if (sent.image_id, sent.annotator_id) != (image_id, annotator_id):
            raise Conflict(f"The uid {uid!r} was already used for another answer.")
        return _outcome(uid, image, queue, is_replay=True)
    annotation_queries.annotator_by_id(uow.session, annotator_id)
    if (action is Action.LABEL) != (class_id is not None):
        raise Refused(f"The action {action} needs {'a' if action is Action.LABEL else 'no'} class. Got {class_id!r}.")
    if class_id is not None:
        projects.class_of(uow.session, image.project_id, class_id)
    draft = rounds.draft(uow.session, image.project_id)
    earlier = annotation_queries.current(uow.session, image_id, annotator_id)
    brings_back = action is Action.INCLUDE or (earlier is not None and earlier.action is Action.EXCLUDE)
    if action is Action.INCLUDE:
        _end_exclusions(uow, image_id, but=annotator_id)
        stands = _before(uow, earlier) if earlier is not None and earlier.action is Action.EXCLUDE else earlier
        if stands is not None and stands.action in GIVEN:
            action, class_id, queue, restores_id = stands.action, stands.class_id, stands.queue, stands.id
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
            batch=batch,
            supersedes_id=earlier.id if earlier else None,
            restores_id=restores_id,
        )
    )
    uow.session.execute(
        delete(ImageLease).where(ImageLease.image_id == image_id, ImageLease.annotator_id == annotator_id)
    )
    uow.session.flush()
    _settle(uow, image, brings_back=brings_back)
    return _outcome(uid, image, queue)


def take_back(uow: UnitOfWork, *, uid: str, undoes: str, image_id: int, annotator_id: int) -> Answered:
    """Take back one act by its uid; what the same annotator had said of the image before stands again.

    Nothing changes if the act never arrived, or does not stand any more.

    Raises:
        NotFound: no such image.
        Conflict: either uid belongs to another answer.
    """
    image = images.one(uow.session, image_id, lock=True)
    act = annotation_queries.by_uid(uow.session, undoes)
    for sent in (act, annotation_queries.by_uid(uow.session, uid)):
        if sent is not None and (sent.image_id, sent.annotator_id) != (image_id, annotator_id):
            raise Conflict(f"The uid {sent.uid!r} was already used for another answer.")
    if act is None or act.superseded_at is not None:
        return _outcome(uid, image, act.queue if act else Queue.BROWSE, is_replay=True)
    return _take_back(uow, act, uid)


def undo(uow: UnitOfWork, project_id: int, annotator_id: int, *, uid: str | None = None) -> list[Answered]:
    """Take back the annotator's newest act in the project, with the whole batch that it belongs to.

    What the same annotator had said of an image before stands again. Sending the same uid again takes nothing more
    back, and tells again what the first one did.

    Returns:
        What became of each image, and the queue whose act was taken back, newest first; nothing if there was nothing.

    Raises:
        Conflict: the uid was used for another answer.
    """
    if uid is not None and (sent := annotation_queries.by_uid(uow.session, uid)) is not None:
        if sent.annotator_id != annotator_id or sent.supersedes_id is None:
            raise Conflict(f"The uid {uid!r} was already used for another answer.")
        written = annotation_queries.undone_together(uow.session, annotator_id, uid) or [sent]
        return [_told_again(uow, act) for act in written]
    last = annotation_queries.last_by(uow.session, project_id, annotator_id)
    if last is None:
        return []
    together = annotation_queries.of_batch(uow.session, annotator_id, last.batch) if last.batch else [last]
    uid = uid or str(uuid.uuid4())
    uids = [uid, *(str(uuid.uuid4()) for _ in together[1:])]
    batch = uid if len(together) > 1 else None
    return [_take_back(uow, act, act_uid, batch=batch) for act, act_uid in zip(together, uids, strict=True)]


def _told_again(uow: UnitOfWork, undoing: Annotation) -> Answered:
    undone = annotation_queries.by_id(uow.session, undoing.supersedes_id)
    image = images.one(uow.session, undoing.image_id)
    return _outcome(undoing.uid, image, undone.queue if undone else undoing.queue, is_replay=True)


def _take_back(uow: UnitOfWork, last: Annotation, uid: str, *, batch: str | None = None) -> Answered:
    before = _before(uow, last)
    if before is not None:
        action, class_id = before.action, before.class_id
    else:
        # Whoever brought an image back had no answer of their own: the image goes where it was.
        action, class_id = (Action.EXCLUDE if last.action is Action.INCLUDE else Action.WITHDRAW), None
    done = answer(
        uow,
        uid=uid,
        image_id=last.image_id,
        annotator_id=last.annotator_id,
        action=action,
        class_id=class_id,
        # An answer that stands again was given where it was given: in a dispute, it is no decision.
        queue=before.queue if before else last.queue,
        batch=batch,
        restores_id=before.id if before else None,
    )
    return replace(done, queue=last.queue)


def simulate(uow: UnitOfWork, project_id: int, queue: Queue, count: int) -> int:
    """Let the seal answer the next images of a queue.

    Returns:
        How many were answered: fewer than `count` if the queue ended.

    Raises:
        Refused: the project is not sealed.
    """
    project = projects.one(uow.session, project_id)
    if not project.is_sealed:
        raise Refused("Only a sealed project can be simulated: import its classes as sealed.")
    oracle = annotator(uow, SIMULATED, AnnotatorKind.SIMULATED)
    answered = 0
    for image in queues.images_ahead(uow, project_id, queue, oracle.id, count):
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


def settles(uow: UnitOfWork, image: Image, annotator_id: int, *, leads: bool) -> bool:
    """Whether somebody's answer to a dispute settles it: a lead's always does; of others, if they are no party to it.

    Somebody may have decided a moment ago. The answer is then one more opinion, given in sight of the others.
    """
    if leads:
        return True
    theirs = annotation_queries.current(uow.session, image.id, annotator_id)
    if theirs is not None and theirs.queue is Queue.ADJUDICATION:
        return True  # they take back or change what they decided
    is_party = theirs is not None and theirs.action in {Action.LABEL, Action.UNSURE}
    return image.needs_decision and not is_party


def settle_disputes(uow: UnitOfWork, project_id: int) -> None:
    """Let labels follow anew where people disagree: the project's rule for that has changed."""
    for image_id in annotation_queries.disagreed(uow.session, project_id):
        _settle(uow, images.one(uow.session, image_id, lock=True), brings_back=False)


def _end_exclusions(uow: UnitOfWork, image_id: int, *, but: int) -> None:
    """Let everybody's answers from before they excluded the image stand again; those of `but` are the caller's."""
    for exclusion, _ in annotation_queries.standing(uow.session, image_id):
        if exclusion.action is not Action.EXCLUDE or exclusion.annotator_id == but:
            continue
        exclusion.superseded_at = now()
        uow.session.flush()
        if (before := _before(uow, exclusion)) is not None:
            uow.session.add(
                Annotation(
                    uid=str(uuid.uuid4()),
                    project_id=exclusion.project_id,
                    image_id=image_id,
                    annotator_id=exclusion.annotator_id,
                    action=before.action,
                    class_id=before.class_id,
                    queue=before.queue,
                    round_id=exclusion.round_id,
                    supersedes_id=exclusion.id,
                    restores_id=before.id,
                )
            )
    uow.session.flush()


def _before(uow: UnitOfWork, last: Annotation) -> Annotation | None:
    """What the annotator had said of the image before this act, if that still meant something."""
    original = annotation_queries.by_id(uow.session, last.restores_id) or last
    before = annotation_queries.by_id(uow.session, original.supersedes_id)
    if before is not None and before.restores_id is not None:
        before = annotation_queries.by_id(uow.session, before.restores_id)
    return before if before is not None and before.action is not Action.WITHDRAW else None


def _outcome(uid: str, image: Image, queue: Queue, *, is_replay: bool = False) -> Answered:
    return Answered(
        uid=uid,
        image_id=image.id,
        label_class_id=image.label_class_id,
        pool=image.pool,
        queue=queue,
        is_replay=is_replay,
    )


def _answer(act: Annotation, kind: AnnotatorKind) -> Answer:
    return Answer(
        annotator_id=act.annotator_id,
        class_id=act.class_id,
        is_unsure=act.action is Action.UNSURE,
        is_imported=kind is AnnotatorKind.IMPORT,
        decides=act.queue is Queue.ADJUDICATION,
    )


def _settle(uow: UnitOfWork, image: Image, *, brings_back: bool) -> None:
    """Let label, pool and pseudo-labels of an image follow from everybody's standing acts."""
    project = projects.one(uow.session, image.project_id)
    acts = annotation_queries.standing(uow.session, image.id)
    everybody = consensus([_answer(act, kind) for act, kind in acts if act.action in GIVEN], project.adjudication)
    is_excluded = any(act.action is Action.EXCLUDE for act, _ in acts)
    # Images that an older version excluded have nobody's act to show for it.
    is_excluded = is_excluded or (image.pool is Pool.EXCLUDED and not brings_back)
    label = None if is_excluded else everybody.class_id
    if is_excluded:
        target = Pool.EXCLUDED
    elif label is not None:
        target = Pool.LABELLED
    else:
        target = Pool.PSEUDO_LABELLED if image.pool is Pool.PSEUDO_LABELLED else Pool.UNLABELLED
    if image.pool is Pool.EXCLUDED and not is_excluded:
        image.pool = check("pool", POOL_TRANSITIONS, image.pool, Pool.UNLABELLED)
    if image.pool is not target:
        image.pool = check("pool", POOL_TRANSITIONS, image.pool, target)
    image.label_class_id = label
    image.opinions = everybody.opinions
    image.needs_decision = everybody.needs_decision and not is_excluded
    # In a grid, to pass an image over says that it is not of the class that the model proposes.
    is_denied = any((act.queue, act.action) == (Queue.GRID, Action.SKIP) for act, _ in acts)
    proposals.follow(uow, image, is_settled=label is not None or is_excluded, is_denied=is_denied)
    uow.session.flush()
