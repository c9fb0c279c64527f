"""The frame that every page shares: its heading, what stands where there is nothing yet, and refusals."""

from __future__ import annotations

import html
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import streamlit as st

from app.db.models import Annotator, Project
from app.domain.people import Role
from app.errors import AppError, NotFound
from app.ui import state
from app.ui.navigation import ROLES

_PAGES = Path(__file__).parents[1] / "pages"


def header(title: str, lead: str = "") -> None:
    """The page's heading and one sentence on what it is for."""
    st.title(title, anchor=False)
    if lead:
        st.html(f'<p class="ssmae-lead">{html.escape(lead)}</p>')


def empty(what: str, next_step: str, *, page: str | None = None, link: str = "") -> None:
    """Where there is nothing to show yet: what is missing, what to do about it, and a link to the page that does it.

    Args:
        what: a short sentence, for instance "No images yet."
        next_step: what to do.
        page: name of the page that helps, for instance "import".
        link: text of the link.
    """
    st.html(f'<div class="ssmae-empty"><strong>{html.escape(what)}</strong><span>{html.escape(next_step)}</span></div>')
    if page is not None:
        page_link(page, link or page.capitalize())


def page_path(page: str) -> str:
    """The script of a page, for `st.switch_page`."""
    return str(_PAGES / f"{page}_page.py")


def page_link(page: str, text: str) -> None:
    """A link to another page of the same project, for whoever may open it."""
    if not state.may(ROLES.get(page, Role.ANNOTATOR)):
        return
    if st.button(text, key=f"link-to-{page}-{text}", icon=":material/arrow_forward:", type="secondary"):
        st.switch_page(page_path(page))


def project_or_stop() -> Project:
    """The project in hand; a page without one says how to make one and ends here."""
    project = state.current_project()
    if project is None:
        empty(
            "There is no project yet.",
            "A project holds the images, the classes and the rounds of one labelling task."
            if state.may(Role.LEAD)
            else "Ask a lead to share one with you.",
            page="projects" if state.may(Role.LEAD) else None,
            link="Create a project",
        )
        st.stop()
    return project


def shared_or_stop(project_id: int) -> None:
    """End a fragment whose project is not shared any more with who is at the browser: it is drawn on its own."""
    try:
        state.require_project(project_id)
    except NotFound as refusal:
        st.error(str(refusal), icon=":material/block:")
        st.stop()


def annotator_or_stop() -> Annotator:
    """Who is at the keyboard; a page for a name that nobody may answer with says so and ends here."""
    try:
        return state.annotator()
    except AppError as refusal:
        st.error(f"{refusal} Choose another name in the side bar.", icon=":material/block:")
        st.stop()


@contextmanager
def showing_refusals() -> Iterator[None]:
    """Show what the server refuses as its own sentence; anything else is a bug and propagates."""
    try:
        yield
    except AppError as refusal:
        st.error(str(refusal), icon=":material/block:")
