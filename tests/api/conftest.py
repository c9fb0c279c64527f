"""The routes over a world on both databases, without Streamlit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from starlette.applications import Starlette
from starlette.testclient import TestClient

from app import settings
from app.api.identity import Identify
from app.api.routes import open_routes, routes
from app.services import passwords
from app.services.runtime import Runtime
from tests.world import World


@pytest.fixture
def world(database_url: str, tmp_path: Path) -> Iterator[World]:
    """An empty database and storage; the test runs once on each engine."""
    made = World(database_url, tmp_path)
    yield made
    made.close()


@pytest.fixture
def cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Passwords as they are, but in no time."""
    monkeypatch.setattr(passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    passwords._nobody.cache_clear()


@pytest.fixture
def client(world: World, tmp_path: Path) -> Iterator[TestClient]:
    """Asks the routes; a bug in one of them is a 500, as for a browser."""
    runtime = Runtime(
        settings=settings.load({"DATA_DIR": str(tmp_path)}), database=world.database, storage=world.storage
    )
    guarded = Identify(Starlette(routes=routes(lambda: runtime)), callers=None, is_open=open_routes())
    with TestClient(guarded, raise_server_exceptions=False) as asking:
        yield asking


@pytest.fixture
def post(client: TestClient, world: World) -> Callable[..., list[dict]]:
    """Send answers of Ada's; gives back the results."""

    def send(*items: dict) -> list[dict]:
        reply = client.post("/api/annotations", json={"annotator_id": world.annotator(), "items": list(items)})
        assert reply.status_code == 200, reply.text
        return reply.json()["results"]

    return send
