"""Who may sign in, what they may do and which projects they see."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy.exc import IntegrityError

from app.db.models import Account, Annotator, Membership
from app.db.queries import accounts
from app.db.queries import annotations as annotation_queries
from app.db.queries import projects as project_queries
from app.db.unit_of_work import Database, UnitOfWork
from app.domain.callers import Caller
from app.domain.labels import AnnotatorKind
from app.domain.people import Role
from app.errors import Conflict, NotFound, Refused
from app.services import passwords
from app.services.passwords import Hashed

FIRST_ADMIN = "admin"
_LONGEST_NAME = 100


@dataclass(frozen=True, kw_only=True)
class Proof:
    """A password was right a moment ago.

    Comparing and hashing take long on purpose, so they come before the transaction that follows from them; that one
    finds out whether the proof still holds.

    Attributes:
        account_id: whose password.
        compared: what was kept of it.
        renewed: what is to be kept from now on; None for no change.
    """

    account_id: int
    compared: str
    renewed: Hashed | None = None


def first_admin(uow: UnitOfWork) -> str | None:
    """Make the account that all others come from, if there is none yet.

    Returns:
        Its one-time password, which is kept nowhere; None if somebody can sign in already.
    """
    if accounts.any_account(uow.session):
        return None
    password = passwords.one_time()
    try:
        add(uow, FIRST_ADMIN, Role.ADMIN, password=password, is_one_time=True, may_exist=True)
    except Conflict:  # another process was faster
        return None
    return password


def add(
    uow: UnitOfWork,
    name: str,
    role: Role,
    *,
    password: str | Hashed | None = None,
    subject: str | None = None,
    is_one_time: bool = False,
    may_exist: bool = False,
    project_ids: Collection[int] = (),
) -> Account:
    """Let somebody sign in, with a password or by what another provider calls them.

    Args:
        uow: open unit of work.
        name: as it stands beside their answers.
        role: what they may do.
        password: what they sign in with; whatever strangers may ask for comes hashed already (see `Proof`).
        subject: what the OpenID provider calls them.
        is_one_time: whether the password must be changed at the first login.
        may_exist: whether an annotator of this name, without an account, becomes this person with all their answers.
        project_ids: projects that are shared with them.

    Raises:
        Refused: the name or the password cannot be used.
        Conflict: the name is somebody else's.
    """
    name = _clean(name)
    if isinstance(password, str):
        password = Hashed(passwords.hashed(password)) if is_one_time else passwords.chosen(password, name)
    annotator = annotation_queries.annotator(uow.session, name)
    if annotator is None:
        annotator = Annotator(name=name, kind=AnnotatorKind.PERSON)
        _add_row(uow, annotator, name)
    elif not may_exist or annotator.kind is not AnnotatorKind.PERSON:
        raise Conflict(f"The name {name!r} is taken: choose another.")
    account = Account(
        annotator_id=annotator.id,
        role=role,
        password_hash=None if password is None else password.value,
        must_change_password=is_one_time,
        oidc_subject=subject,
    )
    _add_row(uow, account, name)
    for project_id in sorted(set(project_ids)):
        share(uow, project_id, account.id)
    return account


def account_named(uow: UnitOfWork, name: str) -> Account:
    """The account of this name.

    Raises:
        NotFound: nobody of this name can sign in.
    """
    found = accounts.named(uow.session, name.strip())
    if found is None:
        raise NotFound(f"Nobody named {name.strip()!r} has an account: `ssmae people list` shows who has one.")
    return found


def prove(database: Database, name: str, password: str) -> Proof | None:
    """Whether this name and password open an account; it takes as long whether or not the name exists."""
    with database.reading() as uow:
        found = accounts.named(uow.session, name.strip())
    kept = found.password_hash if found is not None else None
    is_right = len(password) <= passwords.LONGEST and passwords.matches(password, kept)
    if found is None or kept is None or not is_right or not found.is_active:
        return None
    renewed = Hashed(passwords.hashed(password)) if passwords.is_outdated(kept) else None
    return Proof(account_id=found.id, compared=kept, renewed=renewed)


def log_in(uow: UnitOfWork, proof: Proof) -> Account | None:
    """The account that a proof opens; None if its password was changed or it was deactivated since."""
    account = accounts.locked(uow.session, proof.account_id)
    if account is None or account.password_hash != proof.compared or not account.is_active:
        return None
    if proof.renewed is not None:
        account.password_hash = proof.renewed.value
    return account


def prove_change(database: Database, account_id: int, old: str, new: str) -> Proof:
    """Make sure that an account's password may be changed, for `change_password`.

    Raises:
        Refused: the old one is wrong, or the new one cannot be used.
    """
    with database.reading() as uow:
        account, name = accounts.one(uow.session, account_id)
    if len(old) > passwords.LONGEST or not passwords.matches(old, account.password_hash):
        raise Refused("The present password is not right.")
    if old == new:
        raise Refused("The new password must be another one.")
    assert account.password_hash is not None
    return Proof(account_id=account_id, compared=account.password_hash, renewed=passwords.chosen(new, name))


def change_password(uow: UnitOfWork, proof: Proof) -> Account:
    """Give an account its new password; sessions of its browsers end.

    Raises:
        Refused: somebody else has changed it meanwhile.
    """
    account = log_in(uow, proof)
    if account is None or proof.renewed is None:
        raise Refused("The present password was changed a moment ago: try again.")
    return set_password(uow, account, proof.renewed)


def set_password(uow: UnitOfWork, account: Account, new: Hashed) -> Account:
    """Give an account a password without asking for the old one; its browsers' sessions and its open links end."""
    account.password_hash, account.must_change_password = new.value, False
    uow.session.flush()
    accounts.drop_logins(uow.session, account.id)
    accounts.drop_links(uow.session, account.id)
    return account


def set_role(uow: UnitOfWork, account_id: int, role: Role) -> None:
    """Change what somebody may do, from their next click on.

    Raises:
        Refused: nobody could manage people any more.
    """
    if role is not Role.ADMIN:
        _check_not_last_admin(uow, account_id)
    account, _ = accounts.one(uow.session, account_id)
    account.role = role
    uow.session.flush()


def deactivate(uow: UnitOfWork, account_id: int) -> None:
    """Keep somebody from signing in; their sessions and open links end, their answers stay.

    Raises:
        Refused: nobody could manage people any more.
    """
    _check_not_last_admin(uow, account_id)
    account, _ = accounts.one(uow.session, account_id)
    account.is_active = False
    accounts.drop_logins(uow.session, account.id)
    accounts.drop_links(uow.session, account.id)
    uow.session.flush()


def activate(uow: UnitOfWork, account_id: int) -> None:
    """Let somebody who was deactivated sign in again."""
    account, _ = accounts.one(uow.session, account_id)
    account.is_active = True
    uow.session.flush()


def share(uow: UnitOfWork, project_id: int, account_id: int) -> None:
    """Let an account see a project; again changes nothing.

    Raises:
        NotFound: there is no such project or account.
    """
    project_queries.one(uow.session, project_id)
    accounts.one(uow.session, account_id)
    if uow.session.get(Membership, (project_id, account_id)) is None:
        uow.session.add(Membership(project_id=project_id, account_id=account_id))
        uow.session.flush()


def unshare(uow: UnitOfWork, project_id: int, account_id: int) -> None:
    """Keep a project from an account; an admin sees it in any case."""
    found = uow.session.get(Membership, (project_id, account_id))
    if found is not None:
        uow.session.delete(found)
        uow.session.flush()


def share_with_maker(uow: UnitOfWork, project_id: int, caller: Caller) -> None:
    """Whoever makes a project sees it."""
    if caller.account_id is not None:
        share(uow, project_id, caller.account_id)


def _check_not_last_admin(uow: UnitOfWork, account_id: int) -> None:
    if accounts.locked_admins(uow.session) == [account_id]:
        raise Refused("This is the only admin: make somebody else one first.")


def _clean(name: str) -> str:
    name = " ".join(name.split())
    if not name or len(name) > _LONGEST_NAME or not name.isprintable():
        raise Refused(f"A name must have 1 to {_LONGEST_NAME} characters.")
    return name


def _add_row(uow: UnitOfWork, row: Account | Annotator, name: str) -> None:
    try:
        with uow.session.begin_nested():
            uow.session.add(row)
    except IntegrityError as error:
        raise Conflict(f"The name {name!r} is taken: choose another.") from error
