"""Accounts, the sessions of their browsers, invitations and shared projects."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Row, delete, select
from sqlalchemy.orm import Session

from app.db.models import Account, Annotator, Invitation, LoginSession, Membership, Project
from app.domain.people import Role
from app.errors import NotFound


def any_account(session: Session) -> bool:
    """Whether somebody can sign in."""
    return session.scalar(select(Account.id).limit(1)) is not None


def every(session: Session) -> Sequence[Row[Account, str]]:
    """All accounts with their names, by name."""
    return session.execute(
        select(Account, Annotator.name).join(Annotator, Annotator.id == Account.annotator_id).order_by(Annotator.name)
    ).all()


def one(session: Session, account_id: int) -> tuple[Account, str]:
    """An account with its name.

    Raises:
        NotFound: there is none.
    """
    found = session.get(Account, account_id)
    if found is None:
        raise NotFound(f"There is no account {account_id}.")
    return found, session.scalars(select(Annotator.name).where(Annotator.id == found.annotator_id)).one()


def named(session: Session, name: str) -> Account | None:
    """The account of the annotator of this name, if there is one."""
    return session.scalar(
        select(Account).join(Annotator, Annotator.id == Account.annotator_id).where(Annotator.name == name)
    )


def of_subject(session: Session, subject: str) -> Account | None:
    """The account that signs in elsewhere under this subject, if there is one."""
    return session.scalar(select(Account).where(Account.oidc_subject == subject))


def locked(session: Session, account_id: int) -> Account | None:
    """An account as it is now, which nobody else changes until the transaction ends."""
    return session.get(Account, account_id, with_for_update=True, populate_existing=True)


def locked_admins(session: Session) -> list[int]:
    """Who can sign in as an admin; nobody else changes that until the transaction ends."""
    active = select(Account.id).where(Account.role == Role.ADMIN, Account.is_active)
    return list(session.scalars(active.order_by(Account.id).with_for_update()))


def login(session: Session, digest: str) -> Row[LoginSession, Account, str] | None:
    """A browser's session by its secret's digest, with its account and name."""
    return session.execute(
        select(LoginSession, Account, Annotator.name)
        .join(Account, Account.id == LoginSession.account_id)
        .join(Annotator, Annotator.id == Account.annotator_id)
        .where(LoginSession.digest == digest)
    ).one_or_none()


def drop_logins(session: Session, account_id: int, *, but: int | None = None) -> None:
    """Delete the sessions of an account, of all its browsers or of all but one."""
    dropped = delete(LoginSession).where(LoginSession.account_id == account_id)
    session.execute(dropped if but is None else dropped.where(LoginSession.id != but))


def drop_links(session: Session, account_id: int) -> None:
    """Delete the links for a new password of an account that nobody has used."""
    session.execute(delete(Invitation).where(Invitation.account_id == account_id, Invitation.used_at.is_(None)))


def invitation(session: Session, digest: str, *, lock: bool = False) -> Invitation | None:
    """A link by its secret's digest; with `lock`, nobody else uses it until the transaction ends."""
    found = select(Invitation).where(Invitation.digest == digest)
    return session.scalar(found.with_for_update() if lock else found)


def open_invitations(session: Session) -> Sequence[Invitation]:
    """Links that nobody has used, those for new passwords too, newest first; those that ran out included."""
    waiting = select(Invitation).where(Invitation.used_at.is_(None))
    return session.scalars(waiting.order_by(Invitation.id.desc())).all()


def project_ids(session: Session, account_id: int) -> frozenset[int]:
    """The projects that are shared with an account."""
    return frozenset(session.scalars(select(Membership.project_id).where(Membership.account_id == account_id)))


def memberships(session: Session) -> Sequence[Row[int, int, str]]:
    """Everything that is shared: account, project and the project's name, oldest project first."""
    return session.execute(
        select(Membership.account_id, Membership.project_id, Project.name)
        .join(Project, Project.id == Membership.project_id)
        .order_by(Membership.project_id)
    ).all()
