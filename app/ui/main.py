"""Navigation, and nothing else: which pages there are, which project is in hand, who is at the keyboard."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from app.ui import state, theme

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
        if known:
            st.selectbox("Project", list(known), format_func=lambda one: known.get(one, "?"), key=state.PROJECT_KEY)
        st.text_input("You label as", key=state.ANNOTATOR_KEY, max_chars=100, help="Your answers carry this name.")


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
