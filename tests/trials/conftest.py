"""Fixtures of the trials."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.trials.trial import Trial

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


@pytest.fixture
def trial(database_url: str, tmp_path: Path) -> Iterator[Trial]:
    """On each engine."""
    made = Trial(database_url, tmp_path)
    yield made
    made.world.close()


@pytest.fixture
def sqlite_trial(sqlite_url: str, tmp_path: Path) -> Iterator[Trial]:
    """On SQLite, where the engine does not matter."""
    made = Trial(sqlite_url, tmp_path)
    yield made
    made.world.close()


@pytest.fixture
def new_page(chromium: Browser) -> Iterator[Callable[[], Page]]:
    """Opens tabs of one browser profile, each on a large enough screen."""
    with chromium.new_context(viewport={"width": 1280, "height": 900}) as context:
        context.set_default_timeout(60_000)
        yield context.new_page
