"""One transaction and the messages it wants sent: rolled back unless `commit` is called."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Concatenate, ParamSpec, Self, TypeVar

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from app.db.engine import connect
from app.db.recent import Recent

P = ParamSpec("P")
T = TypeVar("T")
Send = Callable[[str, int], None]
"""Tells a worker: the task's name and the id of the row it is about."""


class UnitOfWork:
    """A session, and messages that leave only after it is committed, so that no worker can look too early."""

    def __init__(self, engine: Engine, send: Send, recent: Recent, *, read_only: bool = False) -> None:
        self._send = send
        self._recent = recent
        self._messages: list[tuple[str, int]] = []
        self._engine = engine.execution_options(read_only=True) if read_only else engine
        self._read_only = read_only

    def __enter__(self) -> Self:
        self.session = Session(self._engine, expire_on_commit=False)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.session.close()

    def recent(self, count: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What `count(session, …)` gives, in a large database perhaps a few seconds old: to show, never to decide."""
        return self._recent.get(self.session, count, *args, **kwargs)

    def tell(self, task: str, row_id: int) -> None:
        """Send a task after the commit; a message that is lost is sent again by the sweeper."""
        self._messages.append((task, row_id))

    def commit(self) -> None:
        """Make everything since the last commit permanent, then send the messages."""
        self.session.commit()
        messages, self._messages = self._messages, []
        for task, row_id in messages:
            self._send(task, row_id)


class Database:
    """Opens units of work on one database; the object that pages, routes and tasks are given."""

    def __init__(self, database_url: str, send: Send) -> None:
        self.engine = connect(database_url)
        self._send = send
        self._recent = Recent(self.engine)

    def writing(self) -> UnitOfWork:
        """A unit of work that may write; call `commit` inside."""
        return UnitOfWork(self.engine, self._send, self._recent)

    def reading(self) -> UnitOfWork:
        """A unit of work that does not hold up writers."""
        return UnitOfWork(self.engine, self._send, self._recent, read_only=True)


@contextmanager
def committed(database: Database) -> Iterator[UnitOfWork]:
    """A writing unit of work that commits when the block ends without an exception."""
    with database.writing() as uow:
        yield uow
        uow.commit()
