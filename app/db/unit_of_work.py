"""One transaction and the messages it wants sent: rolled back unless `commit` is called."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from types import TracebackType
from typing import Concatenate, ParamSpec, Self, TypeVar

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from app.db.base import Base
from app.db.engine import BUSY_SECONDS, connect
from app.db.recent import Recent

P = ParamSpec("P")
T = TypeVar("T")
Send = Callable[[str, int], None]
"""Tells a worker: the task's name and the id of the row it is about."""


class UnitOfWork:
    """A session, and messages that leave only after it is committed, so that no worker can look too early."""

    def __init__(self, engine: Engine, send: Send, recent: Recent, turn: AbstractContextManager[None]) -> None:
        self._engine = engine
        self._send = send
        self._recent = recent
        self._turn = turn
        self._until_commit = ExitStack()
        self._messages: list[tuple[str, int]] = []

    def __enter__(self) -> Self:
        self._until_commit.enter_context(self._turn)
        self.session = Session(self._engine, expire_on_commit=False)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        with self._until_commit:
            self.session.close()

    def recent(self, count: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What `count(session, …)` gives, in a large database perhaps a few seconds old: to show, never to decide."""
        return self._recent.get(self.session, count, *args, **kwargs)

    def analyse(self, *tables: type[Base]) -> None:
        """Have PostgreSQL look at tables that were just filled.

        By itself it does so a minute later, and until then it may plan for empty tables: the first leases of a new
        selection took seconds. SQLite's plans here do not rest on statistics.
        """
        if self.session.get_bind().dialect.name == "postgresql":
            for table in tables:
                self.session.execute(text(f'ANALYZE "{table.__tablename__}"'))

    def tell(self, task: str, row_id: int) -> None:
        """Send a task after the commit; a message that is lost is sent again by the sweeper."""
        self._messages.append((task, row_id))

    def commit(self) -> None:
        """Make everything since the last commit permanent, then send the messages."""
        self.session.commit()
        self._until_commit.close()
        messages, self._messages = self._messages, []
        for task, row_id in messages:
            self._send(task, row_id)


class Database:
    """Opens units of work on one database; the object that pages, routes and tasks are given."""

    def __init__(self, database_url: str, send: Send) -> None:
        self.engine = connect(database_url)
        self._send = send
        self._recent = Recent(self.engine)
        self._writer = threading.RLock()

    def writing(self) -> UnitOfWork:
        """A unit of work that may write; call `commit` inside."""
        turn = self._turn() if self.engine.dialect.name == "sqlite" else nullcontext()
        return UnitOfWork(self.engine, self._send, self._recent, turn)

    def reading(self) -> UnitOfWork:
        """A unit of work that does not hold up writers."""
        read_only = self.engine.execution_options(read_only=True)
        return UnitOfWork(read_only, self._send, self._recent, nullcontext())

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """SQLite lets one transaction write at a time: threads of this process wait for theirs here.

        Left to SQLite, they would sleep and try again in no order, each with a connection in hand, and among thirty
        people some would give up. Other processes, and who has waited too long here, still meet its own lock.
        """
        has_turn = self._writer.acquire(timeout=BUSY_SECONDS)
        try:
            yield
        finally:
            if has_turn:
                self._writer.release()


@contextmanager
def committed(database: Database) -> Iterator[UnitOfWork]:
    """A writing unit of work that commits when the block ends without an exception."""
    with database.writing() as uow:
        yield uow
        uow.commit()
