"""What people want the leads to look at: an image, a note, and the word that it is dealt with."""

from __future__ import annotations

import html

import streamlit as st

from app.db.queries import disputes
from app.db.unit_of_work import UnitOfWork, committed
from app.domain.people import Role
from app.errors import AppError
from app.services import flags, reports
from app.services.reports import FlagRow
from app.ui import state
from app.ui.components.image_card import image_dialog
from app.ui.components.images import url_of
from app.ui.components.layout import empty
from app.ui.components.paging import pager, position
from app.ui.when import moment

_PAGE = 20
_PAGING = "flags-paging"
_SIDE = 256


def flags_list(project_id: int) -> None:
    """Draw the flags, newest first."""
    which = st.segmented_control(
        "Flags", ["Open", "Resolved"], default="Open", required=True, label_visibility="collapsed", key="flags-which"
    )
    is_open = which == "Open"
    before = position(_PAGING, (project_id, is_open))
    with state.runtime().database.reading() as uow:
        found = reports.flags(uow, project_id, is_open=is_open, before_id=before, limit=_PAGE + 1)
    if not found:
        empty(
            "No flag is open." if is_open else "No flag was resolved yet.",
            "While labelling, anybody can flag an image and say what is the matter; it then waits here.",
        )
        return
    for row in found[:_PAGE]:
        _flag(row)
    pager(_PAGING, following=found[_PAGE - 1].id if len(found) > _PAGE else None)


def _flag(row: FlagRow) -> None:
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        address = html.escape(url_of(row.image, _SIDE), quote=True)
        name = html.escape(row.image.name, quote=True)
        st.html(f'<img class="ssmae-thumb" src="{address}" alt="{name}" loading="lazy">', width="content")
        with st.container():
            done = f" · resolved by {row.resolved_by} on {moment(row.resolved_at)}" if row.resolved_at else ""
            st.text(f"{row.note}\n{row.who} · {moment(row.at)} · {row.image.name}{done}")
        if st.button("Open", key=f"flag-open-{row.id}"):
            image_dialog(row.image.id)
        if row.resolved_at is None:
            st.button("Resolve", key=f"flag-resolve-{row.id}", on_click=_resolve, args=(row.id,))
        else:
            st.button("Reopen", key=f"flag-reopen-{row.id}", on_click=_reopen, args=(row.id,))


def _resolve(flag_id: int) -> None:
    try:
        me = state.annotator().id
        with committed(state.runtime().database) as uow:
            _require(uow, flag_id)
            flags.resolve(uow, flag_id, me)
    except AppError as refusal:
        st.toast(str(refusal), icon=":material/block:")


def _reopen(flag_id: int) -> None:
    try:
        with committed(state.runtime().database) as uow:
            _require(uow, flag_id)
            flags.reopen(uow, flag_id)
    except AppError as refusal:
        st.toast(str(refusal), icon=":material/block:")


def _require(uow: UnitOfWork, flag_id: int) -> None:
    state.require(Role.LEAD)
    state.require_project(disputes.flag(uow.session, flag_id).project_id)
