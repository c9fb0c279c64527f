"""A world on both databases, for the tests of services."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.world import World


@pytest.fixture
def world(database_url: str, tmp_path: Path) -> Iterator[World]:
    """An empty database and storage; the test runs once on each engine."""
    made = World(database_url, tmp_path)
    yield made
    made.close()
