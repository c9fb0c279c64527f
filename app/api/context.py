"""What helps to judge one image: the model's distribution, the views it was tested with, what looks alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import Query
from pydantic import BaseModel

from app.api.rest import Asking, BigPathId, Opened, PathId
from app.db.models import Image
from app.db.queries import images
from app.domain.acceptance import Order
from app.errors import NotFound
from app.services import grids, review_context
from app.services.review_context import Likely, View

LARGEST_GRID = 96


class Picture(BaseModel):
    """Where an image is to be had, and how large it is."""

    id: int
    v: str
    name: str
    width: int
    height: int


class Neighbour(Picture):
    """A labelled image that looks alike to the model."""

    label: str
    similarity: float


class Context(BaseModel):
    """What the newest round has to say of one image."""

    id: int
    proposed_class_id: int | None
    why: str
    likeliest: Sequence[Likely]
    others: float
    other_classes: int
    side: int
    views: Sequence[View]
    changes: str
    neighbours: list[Neighbour]


class Proofs(BaseModel):
    """What all grids of a class prove, and what one more would, by how many of its images are wrong."""

    so_far: str
    of_this_grid: list[str]


def of_image(image_id: BigPathId, caller: Asking, runtime: Opened) -> Context:
    """Why the model's proposal was rejected, what else it thinks, and the labelled images that look alike."""
    with runtime.database.reading() as uow:
        if not caller.sees(images.one(uow.session, image_id).project_id):
            raise NotFound(f"There is no image {image_id}.")
        found = review_context.of_image(uow, runtime.storage, image_id, caller.annotator_id)
    return Context(
        id=found.image.id,
        proposed_class_id=found.proposed_class_id,
        why=found.why,
        likeliest=found.likeliest,
        others=found.others,
        other_classes=found.other_classes,
        side=found.side,
        views=found.views,
        changes=found.changes,
        neighbours=[
            Neighbour(**_picture(one.image), label=one.name, similarity=one.similarity) for one in found.neighbours
        ],
    )


def of_grid(
    project_id: PathId,
    class_id: PathId,
    caller: Asking,
    runtime: Opened,
    n: Annotated[int, Query(ge=1, le=LARGEST_GRID)],
    order: Order = Order.DOUBT,
) -> Proofs:
    """What a grid of so many images of a class would prove, and what the earlier ones have."""
    caller.require_project(project_id)
    with runtime.database.reading() as uow:
        found = grids.proofs(uow, project_id, class_id, n=n, order=order)
    return Proofs(so_far=found.so_far, of_this_grid=found.of_this_grid)


def _picture(image: Image) -> dict[str, Any]:
    return {
        "id": image.id,
        "v": image.sha256[:16],
        "name": image.name,
        "width": image.width,
        "height": image.height,
    }
