"""Signing in and out, choosing a password, following an invitation."""

from __future__ import annotations

from urllib.parse import quote

from starlette.responses import RedirectResponse, Response

from app.api.pages import Field, Page, Visit, page
from app.db.models import Account, Invitation
from app.db.unit_of_work import UnitOfWork, committed
from app.errors import AppError, NotFound, Refused
from app.services import accounts, invitations, passwords, sessions
from app.services.sessions import COOKIE
from app.services.throttle import network

_FRESH = {"Cache-Control": "no-store"}
_RULE = f"At least {passwords.SHORTEST} characters; a few words together are easy to remember."
_NEW = Field(
    name="new", label="New password", kind="password", hint=_RULE, complete="new-password", longest=passwords.LONGEST
)
_AGAIN = Field(
    name="again", label="New password again", kind="password", complete="new-password", longest=passwords.LONGEST
)


def form(visit: Visit) -> Response:
    """The page that asks for name and password."""
    if visit.caller is not None:
        return _go(visit.next)
    return page(_login(visit))


def sign_in(visit: Visit) -> Response:
    """Begin a session; a wrong name and a wrong password cannot be told apart, by words or by time."""
    name, password = visit.form.get("name", "").strip(), visit.form.get("password", "")
    runtime, where, who = visit.runtime, place(visit), name.casefold()
    waits = (
        runtime.tries_by_place.wait(where),
        runtime.tries_by_name.wait(f"{where} {who}"),
        runtime.tries_against_name.wait(who),
    )
    if wait := max(waits):
        said = f"Too many tries. Try again in {_minutes(wait)}."
        return page(_login(visit, error=said), 429, {"Retry-After": str(wait)})
    if (proof := accounts.prove(runtime.database, name, password)) is not None:
        with committed(runtime.database) as uow:
            account = accounts.log_in(uow, proof)
            if account is not None:
                runtime.tries_by_name.forgive(f"{where} {who}")
                runtime.tries_against_name.forgive(who)
                return enter(visit, uow, account, visit.next)
    return page(_login(visit, error="The name or the password is not right."), 401)


def sign_out_form(visit: Visit) -> Response:
    """Asks whether to sign out, for browsers that follow a link here."""
    csrf = visit.signed_in().csrf
    return page(
        Page(title="Sign out?", lead="What you answered is kept.", hidden=[("csrf", csrf)], button="Sign out",
             links=[("/", "Stay signed in")])
    )  # fmt: skip


def sign_out(visit: Visit) -> Response:
    """End this browser's session."""
    caller = visit.signed_in()
    if caller.session_id is not None:
        with committed(visit.runtime.database) as uow:
            sessions.end(uow, caller.session_id)
        visit.runtime.callers.forget()
    answer = _go("/login")
    answer.delete_cookie(COOKIE, httponly=True, samesite="lax")
    return answer


def password_form(visit: Visit) -> Response:
    """The page that asks for another password."""
    visit.signed_in()
    return page(_password(visit))


def change_password(visit: Visit) -> Response:
    """Change the caller's password; all their sessions end, and this browser gets a new one."""
    caller = visit.signed_in()
    if caller.account_id is None:
        raise NotFound("There are no accounts here, and so no passwords.")
    if wait := visit.runtime.tries_by_name.wait(f"password of {caller.account_id}"):
        said = f"Too many tries. Try again in {_minutes(wait)}."
        return page(_password(visit, error=said), 429, {"Retry-After": str(wait)})
    try:
        new = _chosen(visit)
        proof = accounts.prove_change(visit.runtime.database, caller.account_id, visit.form.get("old", ""), new)
        with committed(visit.runtime.database) as uow:
            account = accounts.change_password(uow, proof)
            return enter(visit, uow, account, visit.next)
    except AppError as refusal:
        return page(_password(visit, error=str(refusal)), 422)


def invitation_form(visit: Visit) -> Response:
    """The page behind an invitation, or behind a link for a new password."""
    with visit.runtime.database.reading() as uow:
        found, name = invitations.named(uow, _secret(visit))
    return page(_invitation(visit, found, name))


def accept(visit: Visit) -> Response:
    """Use the link: make the account or set its password, and sign in."""
    if wait := visit.runtime.tries_by_place.wait(place(visit)):
        raise NotFound(f"Too many tries. Try again in {_minutes(wait)}.")
    with visit.runtime.database.reading() as uow:
        found, name = invitations.named(uow, _secret(visit))
    try:
        asked = visit.form.get("name", "")
        password = passwords.chosen(_chosen(visit), asked if name is None else name)
        with committed(visit.runtime.database) as uow:
            account = invitations.accept(uow, _secret(visit), name=asked, password=password)
            return enter(visit, uow, account, "/")
    except AppError as refusal:
        return page(_invitation(visit, found, name, error=str(refusal)), 422)


def enter(visit: Visit, uow: UnitOfWork, account: Account, address: str) -> Response:
    """Give this browser a new session in place of any other, and send it on.

    The session is committed before the browser hears of it.
    """
    if visit.caller is not None and visit.caller.session_id is not None:
        sessions.end(uow, visit.caller.session_id)
    begun = sessions.begin(uow, account.id)
    uow.commit()
    visit.runtime.callers.forget()
    answer = _go(f"/password?next={quote(address, safe='/')}" if account.must_change_password else address)
    answer.set_cookie(
        COOKIE,
        begun.secret,
        max_age=int(sessions.LONGEST.total_seconds()),
        secure=visit.is_encrypted,
        httponly=True,
        samesite="lax",
    )
    return answer


def place(visit: Visit) -> str:
    """Where a request comes from, as far as tries are counted together."""
    client = visit.request.client
    return network(client.host if client else "")


def _login(visit: Visit, error: str = "") -> Page:
    oidc = visit.runtime.settings.oidc
    name = Field(name="name", label="Name", value=visit.form.get("name", ""), complete="username", longest=100)
    password = Field(name="password", label="Password", kind="password", complete="current-password")
    links = []
    if oidc is not None:
        links.append((f"/login/oidc?next={quote(visit.next, safe='/')}", f"Sign in with {oidc.name}"))
    return Page(title="Sign in", error=error, fields=[name, password], button="Sign in", links=links)


def _password(visit: Visit, error: str = "") -> Page:
    caller = visit.caller
    assert caller is not None
    old = Field(name="old", label="Present password", kind="password", complete="current-password")
    return Page(
        title="Choose a password",
        lead="The one that you signed in with was for one time. " * caller.must_change_password
        + "Your other browsers will be signed out.",
        error=error,
        fields=[old, _NEW, _AGAIN],
        hidden=[("csrf", caller.csrf)],
        button="Change the password",
    )


def _invitation(visit: Visit, found: Invitation, name: str | None, error: str = "") -> Page:
    if name is not None:
        return Page(
            title="Choose a new password", lead=f"For the account of {name}.", error=error, fields=[_NEW, _AGAIN],
            button="Set the password",
        )  # fmt: skip
    hint = "It stands beside your answers."
    asked = visit.form.get("name", "")
    oidc = visit.runtime.settings.oidc
    links = [] if oidc is None else [(f"/login/oidc?invitation={_secret(visit)}", f"Sign in with {oidc.name} instead")]
    return Page(
        title="You are invited",
        lead=f"You will be {found.role.article} {found.role}, who {found.role.label}.",
        error=error,
        fields=[
            Field(name="name", label="Your name", value=asked, hint=hint, complete="username", longest=100),
            _NEW,
            _AGAIN,
        ],
        button="Make the account",
        links=links,
    )


def _chosen(visit: Visit) -> str:
    new = visit.form.get("new", "")
    if new != visit.form.get("again", ""):
        raise Refused("The two new passwords differ: type them again.")
    return new


def _secret(visit: Visit) -> str:
    return str(visit.request.path_params["secret"])


def _go(address: str) -> Response:
    return RedirectResponse(address, status_code=303, headers=_FRESH)


def _minutes(seconds: int) -> str:
    return f"{seconds} seconds" if seconds < 90 else f"{round(seconds / 60)} minutes"
