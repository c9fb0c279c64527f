"""What every entry point needs, opened once a process: settings, database, storage."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from app import settings as settings_module
from app.db.unit_of_work import Database
from app.queue import Doorbell
from app.settings import Settings
from app.storage import Storage


@dataclass(frozen=True, kw_only=True)
class Runtime:
    """The open resources of a process."""

    settings: Settings
    database: Database
    storage: Storage


def open_runtime(settings: Settings) -> Runtime:
    """Open database and storage; the data directory is made if it is not there."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    return Runtime(
        settings=settings,
        database=Database(settings.database_url, Doorbell(settings)),
        storage=Storage(settings.data_dir / "files"),
    )


def use(settings: Settings) -> None:
    """Have `current` open these settings, instead of the environment's; called before anything asks for it."""
    _given[:] = [settings]
    current.cache_clear()


@lru_cache(maxsize=1)
def current() -> Runtime:
    """The process's own runtime, from the settings it was given or else from the environment."""
    return open_runtime(_given[0] if _given else settings_module.load())


_given: list[Settings] = []
