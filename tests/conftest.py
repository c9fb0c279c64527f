"""Fixtures that every test may ask for: fresh migrated databases on both engines, Redis, and a browser."""

from __future__ import annotations

import itertools
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests import real_services as services

if TYPE_CHECKING:
    from playwright.sync_api import Browser

_numbers = itertools.count(1)


def pytest_configure() -> None:
    """Take a polite kill as Ctrl-C, so that services are stopped and their folders removed."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the browser's tests late and the slow ones last.

    Playwright's synchronous interface keeps an event loop in this thread from its first use on; tests that run one of
    their own must have been before it.
    """

    def lateness(item: pytest.Item) -> tuple[bool, bool]:
        return item.get_closest_marker("slow") is not None, "chromium" in getattr(item, "fixturenames", ())

    items.sort(key=lateness)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[services.Postgres]:
    """One real PostgreSQL for the whole run."""
    with services.postgres_server() as server:
        yield server


@pytest.fixture(scope="session")
def postgres_url(postgres_server: services.Postgres) -> str:
    """URL of an empty database that the whole run shares."""
    return postgres_server.create("shared")


@pytest.fixture
def fresh_postgres(postgres_server: services.Postgres) -> Callable[[str], str]:
    """Call it with a name to get the URL of an empty database."""
    return lambda name: postgres_server.create(f"{name}_{next(_numbers)}")


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """URL of one real Redis for the whole run; whoever uses it empties it."""
    with services.redis_server() as url:
        yield url


@pytest.fixture(scope="session")
def _migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from app.db import migrate

    path = tmp_path_factory.mktemp("migrated") / "template.db"
    migrate.upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def _migrated_postgres(postgres_server: services.Postgres) -> str:
    from app.db import migrate

    migrate.upgrade(postgres_server.create("migrated"))
    return "migrated"


@pytest.fixture
def sqlite_url(_migrated_sqlite: Path, tmp_path: Path) -> str:
    """URL of a fresh migrated SQLite database."""
    path = tmp_path / "ssmae.db"
    # The template is migrated once and copied, with what its write-ahead log still holds.
    for source in _migrated_sqlite.parent.glob(_migrated_sqlite.name + "*"):
        shutil.copy(source, path.with_name(source.name.replace(_migrated_sqlite.name, path.name)))
    return f"sqlite:///{path}"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """URL of a fresh migrated database: the test runs once on each engine."""
    if request.param == "sqlite":
        yield request.getfixturevalue("sqlite_url")
        return
    server: services.Postgres = request.getfixturevalue("postgres_server")
    database = f"test_{next(_numbers)}"
    yield server.create(database, template=request.getfixturevalue("_migrated_postgres"))
    server.execute(f'DROP DATABASE "{database}" WITH (FORCE)')


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """A real headless browser; take a new context for each test: `with chromium.new_context() as context`."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=services.chromium_program(), args=services.chromium_flags(), headless=True
        )
        yield browser
        browser.close()
