"""A database of a chosen engine that is kept in a folder, so that one large project serves many measurements."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path

import psycopg

from tests.real_services import postgres_server

_DATABASE = "ssmae"


class Engine(StrEnum):
    """The two databases that the product runs on."""

    SQLITE = "sqlite"
    POSTGRESQL = "postgresql"


@contextmanager
def kept(engine: Engine, folder: Path) -> Iterator[str]:
    """URL of the folder's database of this engine, made if it is not there; PostgreSQL runs while the block does."""
    folder.mkdir(parents=True, exist_ok=True)
    if engine is Engine.SQLITE:
        yield f"sqlite:///{folder / 'ssmae.db'}"
        return
    with postgres_server(kept_in=folder / "pg") as server:
        try:
            psycopg.connect(f"postgresql://postgres@/{_DATABASE}?host={server.socket_dir}").close()
        except psycopg.OperationalError:
            server.create(_DATABASE)
        yield server.url(_DATABASE)
