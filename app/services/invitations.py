"""Links that open the door once: for somebody new, or for a new password of somebody who is there."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from datetime import timedelta

from app.db.base import now
from app.db.models import Account, Invitation
from app.db.queries import accounts
from app.db.queries import projects as project_queries
from app.db.unit_of_work import UnitOfWork
from app.domain.people import Role
from app.errors import NotFound, Refused
from app.services import accounts as account_service
from app.services.passwords import Hashed
from app.services.sessions import digest

INVITATION_DAYS = 7
NEW_PASSWORD_HOURS = 24
_GONE = "This link was used already, has run out, or never was one: ask for a new one."


def invite(uow: UnitOfWork, role: Role, project_ids: Collection[int] = (), *, by: int | None = None) -> str:
    """A link's secret, with which one new person chooses a name and a password.

    Args:
        uow: open unit of work.
        role: what they may do.
        project_ids: projects that are shared with them.
        by: the account that invites; None for the command line.

    Raises:
        NotFound: there is no such project.
    """
    for project_id in project_ids:
        project_queries.one(uow.session, project_id)
    return _made(uow, role=role, project_ids=sorted(project_ids), by=by, lasts=timedelta(days=INVITATION_DAYS))


def new_password(uow: UnitOfWork, account_id: int, *, by: int | None = None) -> str:
    """A link's secret, with which somebody who has an account chooses a new password; until then the old one holds.

    An earlier link of theirs that nobody has used ends.

    Raises:
        NotFound: there is no such account.
    """
    account, _ = accounts.one(uow.session, account_id)
    accounts.drop_links(uow.session, account.id)
    lasts = timedelta(hours=NEW_PASSWORD_HOURS)
    return _made(uow, role=account.role, project_ids=[], by=by, lasts=lasts, account_id=account.id)


def named(uow: UnitOfWork, secret: str) -> tuple[Invitation, str | None]:
    """The link's row, and the name of whom it is for if they have an account.

    Raises:
        NotFound: it was used, has run out, or never was.
    """
    found = accounts.invitation(uow.session, digest(secret))
    if found is None or not _is_open(found):
        raise NotFound(_GONE)
    return found, None if found.account_id is None else accounts.one(uow.session, found.account_id)[1]


def accept(
    uow: UnitOfWork, secret: str, *, name: str = "", password: Hashed | None = None, subject: str | None = None
) -> Account:
    """Use a link: make the account, or set its new password.

    Raises:
        NotFound: it was used, has run out, or never was.
        Refused: the name cannot be used, or there is no password for an account that has one.
        Conflict: the name is somebody else's.
    """
    found = accounts.invitation(uow.session, digest(secret), lock=True)
    if found is None or not _is_open(found):
        raise NotFound(_GONE)
    found.used_at = now()
    uow.session.flush()
    if found.account_id is not None:
        if password is None:
            raise Refused("This link is for a new password.")
        account, _ = accounts.one(uow.session, found.account_id)
        account_service.set_password(uow, account, password)
    else:
        known = {project.id for project in project_queries.every(uow.session)}
        account = account_service.add(
            uow,
            name,
            found.role,
            password=password,
            subject=subject,
            project_ids=known.intersection(found.project_ids),
        )
    return account


def withdraw(uow: UnitOfWork, invitation_id: int) -> None:
    """Take a link back that nobody has used."""
    found = uow.session.get(Invitation, invitation_id)
    if found is not None and found.used_at is None:
        uow.session.delete(found)
        uow.session.flush()


def _is_open(found: Invitation) -> bool:
    return found.used_at is None and found.expires_at > now()


def _made(
    uow: UnitOfWork,
    *,
    role: Role,
    project_ids: list[int],
    by: int | None,
    lasts: timedelta,
    account_id: int | None = None,
) -> str:
    secret = secrets.token_urlsafe(32)
    uow.session.add(
        Invitation(
            digest=digest(secret),
            account_id=account_id,
            role=role,
            project_ids=project_ids,
            created_by=by,
            expires_at=now() + lasts,
        )
    )
    uow.session.flush()
    return secret
