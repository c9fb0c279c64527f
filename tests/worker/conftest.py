"""Stacks for the worker's tests: embedded, and what a team runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.db import migrate
from app.queue import WorkQueue
from app.services.runtime import Runtime, open_runtime
from app.settings import Settings
from tests.worker import scene
from worker.host import Host


@pytest.fixture
def embedded(tmp_path: Path, sqlite_url: str) -> Settings:
    """SQLite for the rows and for the messages."""
    return scene.settings_of(tmp_path / "data", database_url=sqlite_url)


@pytest.fixture(params=["embedded", "team"])
def stack(request: pytest.FixtureRequest, tmp_path: Path, fresh_postgres: Callable[[str], str]) -> Settings:
    """The test runs on SQLite with the embedded broker, and on PostgreSQL with Redis."""
    if request.param == "embedded":
        chosen: Settings = request.getfixturevalue("embedded")
        return chosen
    url = fresh_postgres("worker")
    migrate.upgrade(url)
    redis_url = request.getfixturevalue("redis_url")
    return scene.settings_of(tmp_path / "data", database_url=url, broker_url=redis_url)


@pytest.fixture
def opened() -> Iterator[Callable[[Settings], Runtime]]:
    """Opens runtimes, and closes them after the test."""
    made: list[Runtime] = []

    def open_one(settings: Settings) -> Runtime:
        made.append(open_runtime(settings))
        return made[-1]

    yield open_one
    for runtime in made:
        runtime.database.engine.dispose()


@pytest.fixture
def host(embedded: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    """A worker within the test's own process: its children are real, and no message is needed to start them."""
    for name, value in scene.environment_of(embedded).items():
        monkeypatch.setenv(name, value)
    runtime = scene.quiet_runtime(embedded)
    yield Host(runtime=runtime, name="train@test-1", queue=WorkQueue.TRAIN)
    runtime.database.engine.dispose()
