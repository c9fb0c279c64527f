"""Which address is which function, and who may use it. Every address of ours is in these two tables."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Depends
from starlette.routing import BaseRoute, Mount, Route

from app.api import answers, context, downloads, health, images, preferences, queues
from app.api.plain import endpoint
from app.api.rest import LARGEST_BODY, Asking, Problem, application
from app.domain.people import Role
from app.services.runtime import Runtime

PLAIN = (
    ("GET", "/healthz", None, health.health),
    ("GET", "/img/{image_id:int}", Role.ANNOTATOR, images.image_bytes),
)
"""Method, address, the role it needs (None: strangers too), function. No models and no documents: asked most often."""

REST = (
    ("GET", "/images/{image_id}/context", Role.ANNOTATOR, context.of_image),
    ("GET", "/projects/{project_id}/grids/{class_id}", Role.ANNOTATOR, context.of_grid),
    ("GET", "/openapi.json", Role.ANNOTATOR, health.document),
    ("GET", "/projects/{project_id}/queue/{queue}", Role.ANNOTATOR, queues.next_images),
    ("GET", "/projects/{project_id}/export/labels", Role.LEAD, downloads.labels),
    ("GET", "/rounds/{round_id}/files/{name}", Role.LEAD, downloads.round_file),
    ("POST", "/projects/{project_id}/queues/{queue}/take", Role.ANNOTATOR, queues.take),
    ("POST", "/leases/release", Role.ANNOTATOR, queues.release),
    ("POST", "/annotations", Role.ANNOTATOR, answers.save),
    ("POST", "/undo", Role.ANNOTATOR, answers.undo),
    ("GET", "/preferences", Role.ANNOTATOR, preferences.read),
    ("PUT", "/preferences", Role.ANNOTATOR, preferences.write),
)
"""The same under /api. What of a project, an image or a round somebody may see is checked by the function."""


def routes(runtime: Callable[[], Runtime]) -> list[BaseRoute]:
    """All routes, over the runtime that `runtime` gives when the first request comes."""
    plain = [Route(path, endpoint(runtime, role, call), methods=[method]) for method, path, role, call in PLAIN]
    return [*plain, Mount("/api", application(runtime, _router()))]


def _router() -> APIRouter:
    router = APIRouter(max_body_size=LARGEST_BODY, responses={"4XX": {"model": Problem}})
    for method, path, role, call in REST:
        router.add_api_route(
            path,
            call,
            methods=[method],
            dependencies=[Depends(_requires(role))],
            response_model_exclude_unset=True,
            openapi_extra={"x-role": role},
        )
    return router


def _requires(role: Role) -> Callable[..., Any]:
    async def check(caller: Asking) -> None:
        caller.require(role)

    return check
