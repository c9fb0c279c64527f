"""What must not be shown of an image, because an answer to it is to measure something.

The test set measures the model, the validation sample and the audit measure what it proposes, and images that several
people answer measure the people. Each of these answers is worth something only if it is somebody's own.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import PurePosixPath

from app.db.models import Image
from app.db.queries import projects, queues
from app.db.queries.queues import Asker
from app.db.unit_of_work import UnitOfWork
from app.domain.labels import Queue
from app.domain.pools import Split

MEASURING = frozenset({Queue.TEST, Queue.VALIDATION, Queue.AUDIT})
"""Queues whose answers measure the model: no hint, and no folder, because many are named like the class."""
_SHARED = (Queue.TEST, Queue.VALIDATION, Queue.SELECTION)


def measures(image: Image, audited: Collection[int] = ()) -> bool:
    """Whether answers to an image measure the model; `audited` are those that an audit may still ask."""
    return image.split is not Split.TRAIN or image.id in audited


def without_folder(name: str) -> str:
    """The last part of an image's name."""
    return PurePosixPath(name).name


def shown_name(image: Image, audited: Collection[int] = ()) -> str:
    """The name that a person may read, whatever they are asked about the image."""
    return without_folder(image.name) if measures(image, audited) else image.name


def owed(uow: UnitOfWork, project_id: int, annotator_id: int, image_ids: Sequence[int]) -> frozenset[int]:
    """Those of these images that still want this person's own answer: they must not see what others say of them."""
    project = projects.one(uow.session, project_id)
    if not project.overlap_share or not image_ids:
        return frozenset()  # what one person has answered is asked of nobody else
    asker = Asker(annotator_id=annotator_id)
    rows = [row for queue in _SHARED for row in queues.some(uow.session, project, queue, asker, image_ids)]
    return frozenset(image.id for image, _, _ in rows)
