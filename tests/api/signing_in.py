"""The server's own routes behind its guards, with accounts: people who sign in, and browsers that hold their cookies.

Streamlit is left out, because a process can run it only once: where it would answer, a page says "a page".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient
from starlette.types import ASGIApp

from app import server, settings
from app.api.routes import routes
from app.domain.people import Role
from app.services import accounts, runtime
from tests.world import World

PASSWORD = "four blue paper boats"
HERE = "http://localhost"


class Site:
    """A server over a world, and its people."""

    def __init__(self, world: World, folder: Path, environment: dict[str, str]) -> None:
        self.world = world
        self.settings = settings.load(
            {"DATA_DIR": str(folder), "DATABASE_URL": str(world.database.engine.url)} | environment
        )
        runtime.use(self.settings)
        self.runtime = runtime.current()
        pages = Route("/{path:path}", lambda _: PlainTextResponse("a page"))
        self.app: ASGIApp = Starlette(routes=[*routes(runtime.current), pages], middleware=server.guards(self.settings))

    def add(self, name: str, role: Role = Role.ANNOTATOR, *, sees: bool = True) -> int:
        """Somebody who can sign in; gives back the account."""
        with self.world.writing() as uow:
            shared = [self.world.project_id] if sees and self.world.project_id else []
            return accounts.add(uow, name, role, password=PASSWORD, project_ids=shared).id

    def browser(self, base_url: str = HERE) -> Browser:
        """A browser that nobody has signed in with."""
        return Browser(self, base_url)

    def signed_in(self, name: str) -> Browser:
        """A browser of somebody."""
        made = self.browser()
        assert made.sign_in(name).status_code == 303
        return made


class Browser(TestClient):
    """Keeps cookies, does not follow redirects, and sends the token of its session with every change."""

    def __init__(self, site: Site, base_url: str) -> None:
        super().__init__(site.app, base_url=base_url, follow_redirects=False, raise_server_exceptions=False)
        self.site = site

    def sign_in(self, name: str, password: str = PASSWORD, to: str = ""):
        """Fill the form in and send it."""
        return self.post(f"/login{to}", data={"name": name, "password": password})

    @property
    def secret(self) -> str:
        """What the cookie holds."""
        return self.cookies.get("ssmae_session") or ""

    @property
    def csrf(self) -> str:
        """The token of this browser's session."""
        caller = self.site.runtime.callers.of(self.secret)
        return caller.csrf if caller else ""

    def change(self, method: str, address: str, **more):
        """A change as our pages make it."""
        return self.request(method, address, headers={"x-csrf": self.csrf} | more.pop("headers", {}), **more)


@contextmanager
def running(world: World, folder: Path, **environment: str) -> Iterator[Site]:
    """The server over a world's database."""
    made = Site(world, folder, environment)
    try:
        yield made
    finally:
        made.runtime.database.engine.dispose()
        runtime.use(None)


def says(reply) -> str:
    """The words of a page."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", reply.text))
