"""Navigation, and nothing else: which pages there are, which project is in hand, who is at the keyboard."""

from __future__ import annotations

import html
from pathlib import Path

import streamlit as st

from app.domain.callers import Caller
from app.ui import state, theme
from app.ui.components.unsent import unsent
from app.ui.navigation import offered


def path(name: str) -> Path:
    """The script of a page."""
    return Path(__file__).parent / "pages" / f"{name}_page.py"


def _sidebar() -> None:
    known = {project.id: project.name for project in state.every_project()}
    with st.sidebar:
        # The choice is kept beside the widgets, whose own state is lost when a run is interrupted; a key that follows
        # the choice makes a widget that was left with another value a new one.
        current = st.session_state.get(state.PROJECT_KEY)
        if current in known:
            key = f"choose-project-{current}"
            st.selectbox(
                "Project",
                list(known),
                list(known).index(current),
                format_func=lambda one: known.get(one, "?"),
                key=key,
                on_change=lambda: state.choose_project(st.session_state[key]),
            )
        if state.caller().name is None:
            _choose_name()
        unsent()
        if state.caller().name is not None:
            _signed_in(state.caller())


def _choose_name() -> None:
    name = state.annotator_name()
    st.text_input(
        "You label as",
        name,
        key=f"choose-annotator-{name}",
        max_chars=100,
        help="Your answers carry this name.",
        on_change=lambda: state.choose_annotator(st.session_state[f"choose-annotator-{name}"]),
    )


def _signed_in(caller: Caller) -> None:
    name, csrf = html.escape(caller.name or ""), html.escape(caller.csrf, quote=True)
    st.html(
        f'<div class="ssmae-person"><p>Signed in as <strong>{name}</strong> · {caller.role}</p>'
        '<p><a href="/password" target="_self">Change password</a></p>'
        f'<form method="post" action="/logout"><input type="hidden" name="csrf" value="{csrf}">'
        '<button type="submit">Sign out</button></form></div>'
    )


def main() -> None:
    """Draw the frame, then run the page."""
    st.set_page_config(page_title="SSMAE", page_icon=str(theme.ICON), layout="wide")
    state.restore()
    navigation = st.navigation(
        {
            section: [
                st.Page(path(name), title=title, icon=icon, url_path=name, default=name == "overview")
                for name, title, icon in pages
            ]
            for section, pages in offered(state.caller().role, has_accounts=state.has_accounts()).items()
        },
        expanded=True,
    )
    theme.apply()
    _sidebar()
    state.remember()
    navigation.run()


main()
