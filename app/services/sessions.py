"""Sessions of browsers: a random secret in a cookie, its digest in the database, and who is behind it."""

from __future__ import annotations

import hashlib
import logging
import secrets
import threading
import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, update
from sqlalchemy.exc import OperationalError

from app.db.base import now
from app.db.models import LoginSession
from app.db.queries import accounts
from app.db.unit_of_work import Database, UnitOfWork, committed
from app.domain.callers import Caller
from app.domain.people import Role

log = logging.getLogger(__name__)

COOKIE = "ssmae_session"
LONGEST = timedelta(days=30)
"""A session ends after this time, however busy it is."""
IDLE = timedelta(days=3)
"""A session ends when its browser asked for nothing for so long: a weekend is shorter."""
_SEEN_EVERY = timedelta(minutes=5)
_REMEMBERED_SECONDS = 2.0
_LARGEST_MEMORY = 10_000


@dataclass(frozen=True, kw_only=True)
class Begun:
    """A new session; the secret is known to the browser alone from here on."""

    secret: str
    session_id: int


def begin(uow: UnitOfWork, account_id: int) -> Begun:
    """Sign somebody in; sessions of anybody that ran out are removed on the way."""
    secret = secrets.token_urlsafe(32)
    moment = now()
    uow.session.execute(
        delete(LoginSession).where((LoginSession.expires_at < moment) | (LoginSession.seen_at < moment - IDLE))
    )
    made = LoginSession(
        digest=digest(secret), account_id=account_id, csrf=secrets.token_urlsafe(32), expires_at=moment + LONGEST
    )
    uow.session.add(made)
    uow.session.flush()
    return Begun(secret=secret, session_id=made.id)


def end(uow: UnitOfWork, session_id: int) -> None:
    """Sign one browser out."""
    uow.session.execute(delete(LoginSession).where(LoginSession.id == session_id))


def digest(secret: str) -> str:
    """What is kept of a secret that is random itself: it needs no slow hash."""
    return hashlib.sha256(secret.encode()).hexdigest()


class Callers:
    """Who is behind a cookie, remembered for a moment so that images need no question to the database.

    What this process changes is forgotten at once with `forget`; what another one changes, after two seconds.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._remembered: dict[str, tuple[float, Caller | None]] = {}
        self._times_forgotten = 0
        self._lock = threading.Lock()

    def remembered(self, secret: str) -> tuple[bool, Caller | None]:
        """Whether it was found out a moment ago, and what."""
        with self._lock:
            until, caller = self._remembered.get(digest(secret), (0.0, None))
        return time.monotonic() < until, caller

    def of(self, secret: str) -> Caller | None:
        """Who is behind a cookie's secret; None if nobody is, any more or at all."""
        is_fresh, caller = self.remembered(secret)
        if is_fresh:
            return caller
        with self._lock:
            begun = self._times_forgotten
        caller = self._look_up(digest(secret))
        with self._lock:
            if begun != self._times_forgotten:  # rights have changed meanwhile: this may be how they were
                return caller
            if len(self._remembered) >= _LARGEST_MEMORY:
                self._remembered.clear()
            self._remembered[digest(secret)] = (time.monotonic() + _REMEMBERED_SECONDS, caller)
        return caller

    def forget(self) -> None:
        """Find out anew: somebody's rights have changed."""
        with self._lock:
            self._times_forgotten += 1
            self._remembered.clear()

    def _note_seen(self, session_id: int, moment: datetime) -> None:
        try:
            with committed(self._database) as uow:
                uow.session.execute(update(LoginSession).where(LoginSession.id == session_id).values(seen_at=moment))
        except OperationalError:
            # Whoever only looks at pages is not sent away because the disk is full.
            log.warning("That somebody was here could not be noted.", exc_info=True)

    def _look_up(self, kept: str) -> Caller | None:
        moment = now()
        with self._database.reading() as uow:
            found = accounts.login(uow.session, kept)
            if found is None:
                return None
            session, account, name = found
            if session.expires_at < moment or session.seen_at < moment - IDLE or not account.is_active:
                return None
            is_admin = account.role is Role.ADMIN
            shared = None if is_admin else accounts.project_ids(uow.session, account.id)
        if session.seen_at < moment - _SEEN_EVERY:
            self._note_seen(session.id, moment)
        return Caller(
            role=account.role,
            annotator_id=account.annotator_id,
            project_ids=shared,
            name=name,
            account_id=account.id,
            session_id=session.id,
            csrf=session.csrf,
            must_change_password=account.must_change_password,
        )
