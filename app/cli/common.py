"""What the commands share: opening the data directory, finding a project, printing a table, waiting."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import TypeVar

import click

from app import settings as settings_module
from app.db import migrate
from app.db.models import Project
from app.db.queries import projects, rounds
from app.db.unit_of_work import UnitOfWork
from app.errors import NotFound, Refused
from app.services.runtime import Runtime, open_runtime
from app.settings import Settings

Found = TypeVar("Found")

WORKER_SECONDS = 30.0
"""A worker that was not seen for so long counts as gone."""

project_option = click.option(
    "--project", "project_name", required=True, metavar="NAME", help="Which project: its name as `project list` shows."
)


def one_of(kind: type[StrEnum]) -> click.Choice[str]:
    """The values of an enum as an option; click itself would take the members' names."""
    return click.Choice([member.value for member in kind])


def open_database() -> Runtime:
    """This environment's database and storage. An embedded database is brought up to date on the way.

    Raises:
        Refused: the database of a server is behind the code; bringing it up to date is its operator's decision.
    """
    settings = settings_module.load()
    prepare(settings)
    return open_runtime(settings)


def prepare(settings: Settings) -> None:
    """Make the data directory and the embedded database if they are not there.

    Raises:
        Refused: the directory cannot be made, or a server's database is behind the code.
    """
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Refused(f"The data directory {settings.data_dir} cannot be made: {error.strerror}.") from error
    if settings.is_embedded_database:
        migrate.upgrade(settings.database_url)
    elif migrate.pending(settings.database_url):
        raise Refused("The database is older than the program: run `ssmae migrate` first.")


def project_named(uow: UnitOfWork, name: str) -> Project:
    """The project of this name.

    Raises:
        NotFound: there is none; the message lists those there are.
    """
    found = projects.by_name(uow.session, name)
    if found is None:
        known = ", ".join(repr(one.name) for one in projects.every(uow.session)) or "none yet"
        raise NotFound(f"There is no project named {name!r}. Projects: {known}.")
    return found


def living_workers(uow: UnitOfWork, queue: str) -> list[str]:
    """Names of the workers that serve a queue now."""
    return [one.name for one in rounds.workers_seen(uow.session, WORKER_SECONDS) if one.queues == queue]


def require_worker(uow: UnitOfWork, *queues: str) -> None:
    """Refuse to wait for what nobody will do.

    Raises:
        Refused: no worker serves one of the queues.
    """
    for queue in queues:
        if not living_workers(uow, queue):
            raise Refused(f"No worker serves the queue {queue!r}: start one with `ssmae worker` or `ssmae up`.")


def table(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print rows under their heads: text to the left, numbers to the right."""
    texts = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(text) for text in column) for column in zip(heads, *texts, strict=True)]
    is_number = [bool(rows) and all(isinstance(row[at], int | float) for row in rows) for at in range(len(heads))]

    def line(cells: Sequence[str]) -> str:
        parts = [
            cell.rjust(width) if number else cell.ljust(width)
            for cell, width, number in zip(cells, widths, is_number, strict=True)
        ]
        return "  ".join(parts).rstrip()

    click.echo(line(heads))
    click.echo(line(["-" * width for width in widths]))
    for cells in texts:
        click.echo(line(cells))


def wait_until(look: Callable[[], Found | None], *, seconds: float, what: str) -> Found:
    """What `look` finds, as soon as it finds something.

    Raises:
        Refused: it did not in this time.
    """
    end = time.monotonic() + seconds
    while True:
        if (found := look()) is not None:
            return found
        if time.monotonic() > end:
            raise Refused(f"Waited {seconds:.0f} s for {what}. `ssmae doctor` says what is wrong.")
        time.sleep(0.3)


def percent(share: float | None) -> str:
    """A share for a table."""
    return "–" if share is None else f"{100 * share:.1f} %"
