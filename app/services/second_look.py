"""A second look at one's own answers: those that the newest model doubts most, for nobody else's eyes.

Never answers of the test split, which measure the accuracy, nor of the validation sample that is being answered, which
judges the gate: if only what the model doubts were looked at again, both would flatter the model. For the same reason
not the blind answers of an audit that goes on, and not decisions on disputed images, which are not one's own alone.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from app.db.models import Image
from app.db.queries import images, projects, reviews
from app.db.unit_of_work import UnitOfWork
from app.services import predictions
from app.services.queues import Elsewhere, QueueItem, QueueProgress, Taken
from app.storage import Storage

DOUBTED_BELOW = 0.5
"""An answer is doubted if the model holds it for less likely than not."""


@dataclass(frozen=True, kw_only=True)
class Doubted:
    """One answer of a person that the model doubts.

    Attributes:
        image: what it was about.
        class_id: what the person said.
        probability: what the model gives that class.
        model_class_id: the class that the model holds for likeliest.
        model_probability: what it gives that one.
    """

    image: Image
    class_id: int
    probability: float
    model_class_id: int
    model_probability: float


@dataclass(frozen=True, kw_only=True)
class SecondLook:
    """The list as it is now: what leaves it was looked at since the newest round.

    Attributes:
        doubted: its beginning, most doubted first.
        image_ids: all of it, in the same order.
        looked_at: how many answers were looked at again since that round.
        round_number: the round whose model doubts; None if no round has published what it thinks.
    """

    doubted: Sequence[Doubted] = ()
    image_ids: Sequence[int] = ()
    looked_at: int = 0
    round_number: int | None = None


def doubted(
    uow: UnitOfWork,
    storage: Storage,
    project_id: int,
    annotator_id: int,
    limit: int = 24,
    *,
    but: Collection[int] = (),
) -> SecondLook:
    """This person's answers that the newest model doubts most and that they have not looked at again since.

    Args:
        uow: open unit of work.
        storage: where rounds publish.
        project_id: whose round.
        annotator_id: the person.
        limit: how many are wanted with all that is known of them.
        but: images that need not be among those.
    """
    found = predictions.newest(uow, storage, project_id)
    if found is None:
        return SecondLook()
    newest, said = found
    assert newest.finished_at is not None
    column_of = {class_id: column for column, class_id in enumerate(said.class_ids)}
    answers = [
        (image_id, class_id)
        for image_id, class_id in reviews.own_labels(uow.session, project_id, annotator_id, since=newest.finished_at)
        if class_id in column_of
    ]
    row_K = said.rows([image_id for image_id, _ in answers])
    column_K = np.array([column_of[class_id] for _, class_id in answers], dtype=np.int64)
    known_K = np.flatnonzero(row_K >= 0)
    probability_K = said.probabilities_NC[row_K[known_K], column_K[known_K]].astype(float)
    order = np.argsort(probability_K, kind="stable")
    order = order[probability_K[order] < DOUBTED_BELOW]
    every = [answers[known_K[at]] for at in order]
    first = [one for one in every if one[0] not in but][:limit]
    of_id = {image.id: image for image in images.some(uow.session, [image_id for image_id, _ in first])}
    rows = [_doubted(of_id[image_id], class_id, said.probabilities_of(image_id) or {}) for image_id, class_id in first]
    return SecondLook(
        doubted=rows,
        image_ids=[image_id for image_id, _ in every],
        looked_at=reviews.looked_at_again(uow.session, project_id, annotator_id, since=newest.finished_at),
        round_number=newest.number,
    )


def take(
    uow: UnitOfWork, storage: Storage, project_id: int, annotator_id: int, want: int, held: Sequence[int] = ()
) -> Taken:
    """The same list as a queue that the browser can work through. Nobody else sees it, so nothing is leased.

    What is proposed is what the person said: to confirm it is to keep it.
    """
    names = {one.id: one.name for one in projects.classes(uow.session, project_id)}
    look = doubted(uow, storage, project_id, annotator_id, max(0, want - len(held)), but=held)
    still_doubted = set(look.image_ids)
    items = [
        QueueItem(
            image_id=one.image.id,
            sha256=one.image.sha256,
            suffix=one.image.suffix,
            name=one.image.name,
            width=one.image.width,
            height=one.image.height,
            why=_why(one, names, look.round_number),
            strategy=None,
            hint=None,
            proposed_class_id=one.class_id,
            confidence=one.probability,
        )
        for one in look.doubted
    ]
    return Taken(
        items=items,
        kept=[image_id for image_id in held if image_id in still_doubted],
        progress=QueueProgress(settled=look.looked_at, skipped=0, total=look.looked_at + len(look.image_ids)),
        selection=None,
        elsewhere=Elsewhere(images=0, names=(), seconds=0.0),
    )


def _why(one: Doubted, names: dict[int, str], round_number: int | None) -> str:
    mine, other = names.get(one.class_id, "?"), names.get(one.model_class_id, "?")
    instead = "" if one.model_class_id == one.class_id else f" and “{other}” {_percent(one.model_probability)}"
    return f"You said “{mine}”. The model of round {round_number} gives that {_percent(one.probability)}{instead}."


def _percent(share: float) -> str:
    """Whole percents, but never 0 for what is not impossible."""
    return f"{100 * share:.0f} %" if share >= 0.005 else "less than 1 %"


def _doubted(image: Image, class_id: int, probabilities: dict[int, float]) -> Doubted:
    likeliest, highest = next(iter(probabilities.items()))
    return Doubted(
        image=image,
        class_id=class_id,
        probability=probabilities[class_id],
        model_class_id=likeliest,
        model_probability=highest,
    )
