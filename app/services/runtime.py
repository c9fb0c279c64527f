"""What every entry point needs, opened once a process: settings, database, storage."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

from sqlalchemy import select

from app import settings as settings_module
from app.db.models import Installation
from app.db.unit_of_work import Database
from app.queue import Doorbell
from app.services.sessions import Callers
from app.services.throttle import Throttle
from app.settings import Settings
from app.storage import Storage

if TYPE_CHECKING:
    from app.services.oidc import Provider


@dataclass(frozen=True, kw_only=True)
class Runtime:
    """The open resources of a process."""

    settings: Settings
    database: Database
    storage: Storage

    @cached_property
    def database_uid(self) -> str:
        """The name of the database, which pages and browsers know it by."""
        with self.database.reading() as uow:
            return uow.session.scalars(select(Installation.uid)).one()

    @cached_property
    def callers(self) -> Callers:
        """Who is behind which cookie."""
        return Callers(self.database)

    @cached_property
    def tries_by_name(self) -> Throttle:
        """How often somebody tried to be whom, from one place."""
        return Throttle(tries=10, seconds=600)

    @cached_property
    def tries_against_name(self) -> Throttle:
        """The same from anywhere: many more, so that a stranger in one place cannot lock somebody out."""
        return Throttle(tries=200, seconds=600)

    @cached_property
    def tries_by_place(self) -> Throttle:
        """How often somebody tried from where."""
        return Throttle(tries=60, seconds=600)

    @cached_property
    def oidc(self) -> Provider | None:
        """The OpenID provider, if people sign in there."""
        if self.settings.oidc is None:
            return None
        from app.services.oidc import Provider  # noqa: PLC0415 - half a second that only this needs

        return Provider(self.settings.oidc)


def open_runtime(settings: Settings) -> Runtime:
    """Open database and storage; the data directory is made if it is not there."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    return Runtime(
        settings=settings,
        database=Database(settings.database_url, Doorbell(settings)),
        storage=Storage(settings.data_dir / "files"),
    )


def use(settings: Settings | None) -> None:
    """Have `current` open these settings, or again those of the environment; called before anything asks for it."""
    _given[:] = [] if settings is None else [settings]
    current.cache_clear()


@lru_cache(maxsize=1)
def current() -> Runtime:
    """The process's own runtime, from the settings it was given or else from the environment."""
    return open_runtime(_given[0] if _given else settings_module.load())


_given: list[Settings] = []
