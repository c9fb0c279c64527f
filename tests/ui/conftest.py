"""Pages run by Streamlit's own test runner, over a world on SQLite; no browser and no server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tests.ui.screen import close, make_world, open_page
from tests.world import World


@pytest.fixture
def world(sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """An empty database and storage, which is also that of the pages."""
    made = make_world(monkeypatch, sqlite_url, tmp_path)
    yield made
    close(made)


@pytest.fixture
def show(world: World) -> Callable[[str], AppTest]:
    """Call it with a page's name to get that page, run once and without an exception."""
    return lambda page: open_page(world, page)
