"""Navigation, and nothing else: which pages there are, which project is in hand, who is at the keyboard."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from app.ui import state, theme
from app.ui.components.unsent import unsent

PAGES = {
    "Work": [
        ("overview", "Overview", ":material/dashboard:"),
        ("label", "Label", ":material/keyboard:"),
        ("review", "Review", ":material/rule:"),
    ],
    "Learn": [
        ("rounds", "Rounds", ":material/autorenew:"),
        ("accuracy", "Accuracy", ":material/show_chart:"),
        ("quality", "Quality", ":material/grid_on:"),
    ],
    "Data": [
        ("images", "Images", ":material/photo_library:"),
        ("import", "Import", ":material/upload:"),
        ("export", "Export", ":material/download:"),
    ],
    "Project": [
        ("settings", "Settings", ":material/tune:"),
        ("projects", "Projects", ":material/folder_open:"),
    ],
}
"""Section → pages: (name of the file without `_page.py`, which is also its URL; title; icon)."""


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
        name = state.annotator_name()
        st.text_input(
            "You label as",
            name,
            key=f"choose-annotator-{name}",
            max_chars=100,
            help="Your answers carry this name.",
            on_change=lambda: state.choose_annotator(st.session_state[f"choose-annotator-{name}"]),
        )
        unsent()


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
            for section, pages in PAGES.items()
        },
        expanded=True,
    )
    theme.apply()
    _sidebar()
    state.remember()
    navigation.run()


main()
