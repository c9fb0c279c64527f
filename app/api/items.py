"""How an image that waits for an answer looks in JSON."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Self

from pydantic import BaseModel, Field

from app.db.models import Image
from app.db.unit_of_work import UnitOfWork
from app.domain.labels import Queue
from app.services import reports
from app.services.blindness import MEASURING, without_folder
from app.services.queues import QueueItem
from app.services.reports import Opinion
from ssmae.config import Acquisition


class Said(BaseModel):
    """What one person says of an image: for whoever decides a dispute."""

    who: str
    what: str = Field(description="the class, or that they skipped it or were not sure")
    at: datetime
    note: str | None

    @classmethod
    def of(cls, opinion: Opinion) -> Self:
        """One standing answer."""
        return cls(who=opinion.who, what=opinion.what, at=opinion.at, note=opinion.note)


class Item(BaseModel):
    """One image to answer, and why it is asked."""

    id: int
    v: str
    suffix: str
    name: str
    width: int
    height: int
    why: str
    strategy: Acquisition | None
    hint: str | None
    proposed_class_id: int | None
    confidence: float | None
    queue: Queue | None = Field(default=None, description="where an answer was given that was taken back")
    said: list[Said] | None = Field(
        default=None, description="in the adjudication queue alone; elsewhere answers are blind"
    )

    @classmethod
    def of(cls, item: QueueItem) -> Self:
        """An image of a queue."""
        return cls(
            id=item.image_id,
            v=item.sha256[:16],
            suffix=item.suffix,
            name=item.name,
            width=item.width,
            height=item.height,
            why=item.why,
            strategy=item.strategy,
            hint=item.hint,
            proposed_class_id=item.proposed_class_id,
            confidence=item.confidence,
        )

    @classmethod
    def of_undone(cls, image: Image, queue: Queue) -> Self:
        """An image whose answer, given in this queue, was taken back."""
        return cls(
            id=image.id,
            v=image.sha256[:16],
            suffix=image.suffix,
            name=without_folder(image.name) if queue in MEASURING else image.name,
            width=image.width,
            height=image.height,
            why="You took your answer back.",
            strategy=None,
            hint=None,
            proposed_class_id=None,
            confidence=None,
        )


def show_opinions(uow: UnitOfWork, project_id: int, items: Sequence[Item]) -> None:
    """Put beside each image what everybody says of it: for the adjudication queue alone."""
    said = reports.opinions(uow, project_id, [item.id for item in items]) if items else {}
    for item in items:
        item.said = [Said.of(opinion) for opinion in said.get(item.id, [])]
