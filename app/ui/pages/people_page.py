"""People: who can sign in, what they may do, which projects they see; for admins."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app.db.models import Account, Invitation
from app.db.queries import accounts as account_queries
from app.db.unit_of_work import UnitOfWork, committed
from app.domain.people import Role
from app.errors import AppError
from app.services import accounts, invitations
from app.ui import state
from app.ui.components.layout import empty, header
from app.ui.words import plain

_LINK = "people-link"


def main() -> None:
    """Draw the page."""
    state.require(Role.ADMIN)
    header("People", "Who can sign in, what they may do, and which projects they see.")
    names = {project.id: project.name for project in state.every_project()}
    _link()
    _invite(names)
    with state.runtime().database.reading() as uow:
        everybody = account_queries.every(uow.session)
        waiting = account_queries.open_invitations(uow.session)
        shared = [(account_id, project_id) for account_id, project_id, _ in account_queries.memberships(uow.session)]
    st.subheader("Accounts", anchor=False)
    for account, name in everybody:
        _person(account, name, names, [project_id for who, project_id in shared if who == account.id])
    st.subheader("Open links", anchor=False)
    if not waiting:
        empty("No link is open.", "Make one above and send it to whoever shall join.")
    for one in waiting:
        _open_link(one, names, {account.id: name for account, name in everybody})


def _link() -> None:
    """The link that was just made: its secret is kept nowhere, so it is shown until something else is done."""
    made = st.session_state.pop(_LINK, None)
    if made is None:
        return
    what, address = made
    with st.container(border=True):
        st.markdown(f"**{what}** It works once, and is shown only now: copy it and send it to them.")
        st.code(address, language=None, wrap_lines=True)


def _invite(names: Mapping[int, str]) -> None:
    with st.container(border=True):
        st.markdown("**Invite somebody**")
        left, right = st.columns(2)
        role = Role(left.selectbox("They will be", [str(one) for one in Role], key="invite-role"))
        left.caption(f"{role.article.capitalize()} {role} {role.label}.")
        chosen = right.multiselect(
            "Projects they see", list(names), format_func=lambda one: names.get(one, "?"), key="invite-projects",
            disabled=role is Role.ADMIN,
        )  # fmt: skip
        st.button("Make an invitation link", type="primary", on_click=_make_invitation, args=(role, chosen))


def _make_invitation(role: Role, project_ids: list[int]) -> None:
    def make(uow: UnitOfWork) -> None:
        secret = invitations.invite(uow, role, project_ids, by=state.caller().account_id)
        what = f"The invitation holds {invitations.INVITATION_DAYS} days."
        st.session_state[_LINK] = (what, _address(secret))

    _do(make)


def _person(account: Account, name: str, names: Mapping[int, str], sees: list[int]) -> None:
    is_me = account.id == state.caller().account_id
    with st.container(border=True):
        badges = "" if account.is_active else "  :gray-badge[deactivated]"
        badges += "  :gray-badge[you]" if is_me else ""
        st.markdown(f"**{plain(name)}**{badges}")
        left, right, more = st.columns([2, 4, 3], vertical_alignment="bottom")
        key = f"role-{account.id}-{account.role}"
        left.selectbox(
            "Role", list(Role), list(Role).index(account.role), format_func=str, key=key, disabled=is_me,
            on_change=lambda: _do(accounts.set_role, account.id, st.session_state[key]),
        )  # fmt: skip
        _shared(account, names, sees, right)
        with more.container(horizontal=True):
            st.button("New password", key=f"password-{account.id}", on_click=_make_password, args=(account.id, name))
            if account.is_active:
                st.button(
                    "Deactivate", key=f"deactivate-{account.id}", disabled=is_me,
                    on_click=_do, args=(accounts.deactivate, account.id),
                )  # fmt: skip
            else:
                st.button(
                    "Activate", key=f"activate-{account.id}",
                    on_click=_do, args=(accounts.activate, account.id),
                )  # fmt: skip


def _shared(account: Account, names: Mapping[int, str], sees: list[int], where: DeltaGenerator) -> None:
    if account.role is Role.ADMIN:
        where.caption("An admin sees every project.")
        return
    key = f"projects-{account.id}-{'-'.join(map(str, sees))}"

    def change(uow: UnitOfWork) -> None:
        wanted = set(st.session_state[key])
        for project_id in wanted - set(sees):
            accounts.share(uow, project_id, account.id)
        for project_id in set(sees) - wanted:
            accounts.unshare(uow, project_id, account.id)

    where.multiselect(
        "Projects", list(names), [one for one in sees if one in names], format_func=lambda one: names.get(one, "?"),
        key=key, on_change=_do, args=(change,),
    )  # fmt: skip


def _make_password(account_id: int, name: str) -> None:
    def make(uow: UnitOfWork) -> None:
        secret = invitations.new_password(uow, account_id, by=state.caller().account_id)
        what = f"With this link {plain(name)} chooses a new password within {invitations.NEW_PASSWORD_HOURS} hours."
        st.session_state[_LINK] = (what, _address(secret))

    _do(make)


def _open_link(one: Invitation, names: Mapping[int, str], people: Mapping[int, str]) -> None:
    with st.container(border=True, horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        projects = ", ".join(plain(names[each]) for each in one.project_ids if each in names) or "no project yet"
        until = f"until {one.expires_at:%d %B %Y, %H:%M} UTC"
        about = f"**{one.role}**, {projects}"
        if one.account_id is not None:
            about = f"**New password** for {plain(people.get(one.account_id, '?'))}"
        st.markdown(f"{about}  \n:gray[{until}]")
        st.button(
            "Withdraw", key=f"withdraw-{one.id}",
            on_click=_do, args=(invitations.withdraw, one.id),
        )  # fmt: skip


def _do(change: Callable[..., None], *arguments: Any) -> None:
    """What a button does: checked, committed, and known to every browser at once."""
    try:
        state.require(Role.ADMIN)
        with committed(state.runtime().database) as uow:
            change(uow, *arguments)
    except AppError as refusal:
        st.error(str(refusal), icon=":material/block:")
    state.forget_rights()


def _address(secret: str) -> str:
    here = urlsplit(st.context.url or "")
    base = state.runtime().settings.public_url or f"{here.scheme}://{here.netloc}"
    return f"{base}/invitation/{secret}"


main()
