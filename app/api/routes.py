"""Which address is which function, and who may use it. Every address of ours is in these three tables."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route

from app.api import answers, context, downloads, health, images, login, oidc, pages, preferences, queues
from app.api.pages import visit
from app.api.plain import endpoint
from app.api.rest import LARGEST_BODY, Asking, Problem, application, same_database
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


PAGES = (
    ("GET", "/login", None, login.form),
    ("POST", "/login", None, login.sign_in),
    ("GET", "/login/style.css", None, pages.style),
    ("GET", "/login/oidc", None, oidc.begin),
    ("GET", "/login/oidc/callback", None, oidc.finish),
    ("GET", "/invitation/{secret}", None, login.invitation_form),
    ("POST", "/invitation/{secret}", None, login.accept),
    ("GET", "/password", Role.ANNOTATOR, login.password_form),
    ("POST", "/password", Role.ANNOTATOR, login.change_password),
    ("GET", "/logout", Role.ANNOTATOR, login.sign_out_form),
    ("POST", "/logout", Role.ANNOTATOR, login.sign_out),
)
"""The same for small pages of HTML; Streamlit's own are behind the guard, and ask for the role themselves."""


def routes(runtime: Callable[[], Runtime]) -> list[BaseRoute]:
    """All routes, over the runtime that `runtime` gives when the first request comes."""
    plain = [Route(path, endpoint(runtime, role, call), methods=[method]) for method, path, role, call in PLAIN]
    small = [Route(path, visit(runtime, role, call), methods=[method]) for method, path, role, call in PAGES]
    return [*plain, *small, Mount("/api", application(runtime, _router()))]


def open_routes() -> list[BaseRoute]:
    """What strangers may use, to compare addresses with."""
    table = [*PLAIN, *PAGES]
    return [Route(path, _nothing, methods=[method]) for method, path, role, _ in table if role is None]


def _router() -> APIRouter:
    router = APIRouter(max_body_size=LARGEST_BODY, responses={"4XX": {"model": Problem}})
    for method, path, role, call in REST:
        router.add_api_route(
            path,
            call,
            methods=[method],
            dependencies=[Depends(_requires(role)), Depends(same_database)],
            response_model_exclude_unset=True,
            openapi_extra={"x-role": role},
        )
    return router


def _requires(role: Role) -> Callable[..., Any]:
    async def check(caller: Asking) -> None:
        caller.require(role)

    return check


async def _nothing(_: Request) -> Response:
    return Response(status_code=404)
