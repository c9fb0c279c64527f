"""The one process that serves pages, image bytes and answers. Never imports torch; training is another process."""

from __future__ import annotations

import gc
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio.to_thread
import streamlit
import uvicorn
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from streamlit.runtime.pages_manager import PagesManager

from app.api.guard import LOOPBACK_NAMES, Guard, content_policy
from app.api.identity import Identify
from app.api.routes import open_routes, routes
from app.db import migrate
from app.errors import Refused
from app.services import runtime
from app.settings import Settings
from app.ui.components import assets

SCRIPT = Path(__file__).parent / "ui" / "main.py"
_INDEX = Path(streamlit.__file__).parent / "static" / "index.html"
_KEEP = {"Cache-Control": "public, max-age=31536000, immutable"}


def build(settings: Settings | None = None) -> streamlit.App:
    """The ASGI application: Streamlit's pages and our routes, behind one guard.

    Args:
        settings: those of this process; read from the environment if there are none.
    """
    if settings is not None:
        runtime.use(settings)
    return streamlit.App(
        SCRIPT,
        lifespan=_lifespan,
        routes=[*routes(runtime.current), Route("/assets/{version}/{name}", _asset)],
        middleware=guards(runtime.current().settings),
    )


def guards(settings: Settings) -> list[Middleware]:
    """What every request passes first, outermost first: from where it comes, then who asks."""
    policy = content_policy(_INDEX.read_text(encoding="utf-8"))
    if settings.no_auth:
        return [
            Middleware(Guard, hosts=LOOPBACK_NAMES, policy=policy),
            Middleware(Identify, callers=None, is_open=open_routes()),
        ]
    return [
        Middleware(Guard, hosts=settings.allowed_hosts or None, policy=policy),
        Middleware(Identify, callers=lambda: runtime.current().callers, is_open=open_routes()),
    ]


def serve(settings: Settings) -> None:
    """Serve until stopped.

    Raises:
        Refused: without accounts the host is not this machine alone, or the database is behind the code.
    """
    settings.check_alone()
    if migrate.pending(settings.database_url):
        raise Refused("The database is older than the program: run `ssmae migrate` first.")
    uvicorn.run(
        build(settings),
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http="httptools",
        ws="websockets-sansio",
        ws_ping_interval=20,
        ws_ping_timeout=20,
        ws_max_size=32 * 2**20,
        ws_per_message_deflate=False,
        # Whoever is not named could otherwise choose where they seem to come from.
        proxy_headers=settings.trusted_proxies is not None,
        forwarded_allow_ips=settings.trusted_proxies or [],
        access_log=False,
        server_header=False,
        log_level="warning",
        timeout_graceful_shutdown=3,
    )


@asynccontextmanager
async def _lifespan(_: streamlit.App) -> AsyncIterator[dict[str, Any]]:
    await anyio.to_thread.run_sync(runtime.current)
    # Until navigation has run once, Streamlit would take the folder of pages for its older way of making pages, and
    # tell whoever opens a link first that there is no such page.
    PagesManager.uses_pages_directory = False
    # The first page must not wait for what every page needs.
    await anyio.to_thread.run_sync(_preload)
    # Streamlit sets up logging for uvicorn too: a line for every image that is looked at, and a second address beside
    # the one that the supervisor prints once the server really answers.
    logging.getLogger("uvicorn.access").disabled = True
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    gc.collect()
    gc.freeze()
    yield {}


def _preload() -> None:
    import pandas  # noqa: F401, ICN001, PLC0415 - only to have it loaded
    import pyarrow  # noqa: F401, ICN001, PLC0415 - the same


async def _asset(request: Request) -> Response:
    name = request.path_params["name"]
    found = assets.content(name)
    if found is None:
        return PlainTextResponse("There is no such file.", status_code=404)
    body, media_type = found
    # An old page that is still open asks for an old version: it gets the new one, but may not keep it under that name.
    is_current = request.url.path == f"{assets.base()}{name}"
    return Response(body, media_type=media_type, headers=_KEEP if is_current else {"Cache-Control": "no-cache"})


def __getattr__(name: str) -> Any:
    """`app.server:app`, for whoever starts an ASGI server of their own; made when it is asked for."""
    if name == "app":
        return build()
    raise AttributeError(name)
