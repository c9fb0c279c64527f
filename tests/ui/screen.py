"""Pages without a browser: one page, on the database of a world."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from app import settings
from app.domain.labels import Queue
from app.domain.pools import Split
from app.services import runtime
from app.ui import state
from tests.world import World

PAGES = Path(__file__).parents[2] / "app" / "ui" / "pages"


def make_world(monkeypatch: pytest.MonkeyPatch, database_url: str, folder: Path) -> World:
    """A world that the pages look at too."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("DATA_DIR", str(folder))
    runtime.use(replace(settings.load(), no_auth=True))
    world = World(database_url, folder)
    # The world plays the worker: its messages stay here.
    runtime.current().database._send = lambda task, row: world.messages.append((task, row))
    return world


def close(world: World) -> None:
    """Let go of both database connections."""
    runtime.current().database.engine.dispose()
    runtime.use(None)
    world.close()


def open_page(world: World, name: str) -> AppTest:
    """Run a page with the world's project in hand."""
    page = AppTest.from_file(str(PAGES / f"{name}_page.py"), default_timeout=30)
    if world.project_id:
        page.session_state[state.PROJECT_KEY] = world.project_id
    page.run()
    assert not page.exception, page.exception
    return page


def words(page: AppTest) -> str:
    """Everything that the page says, one element a line."""
    elements = [*page.markdown, *page.caption, *page.error, *page.warning, *page.info, *page.metric, *page.get("html")]
    return "\n".join(
        f"{getattr(one, 'label', '')} {getattr(one, 'value', '') or getattr(one.proto, 'body', '')}" for one in elements
    )


def button(page: AppTest, label: str):
    """The button that says this."""
    return next(one for one in page.button if one.label == label)


def labelled_pets(world: World) -> None:
    """Forty images with a labelled test set, and training labels; nothing trained yet."""
    world.make_project(train=30, test=10, validation_size=4, selection_size=3)
    world.label(world.ids(Split.TEST), queue=Queue.TEST)
    world.label(world.ids(Split.TRAIN)[:6])


def trained_pets(world: World) -> list[int]:
    """The same after two rounds: the first was wrong on four test images, the second on one; a draft is open."""
    labelled_pets(world)
    first = world.play_round(wrong=4, is_open=False)
    world.label(world.ids(Split.TRAIN)[6:12])
    second = world.play_round(wrong=1)
    return [first, second]
