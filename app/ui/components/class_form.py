"""A small form that adds classes; shown in the settings and wherever classes are missing."""

from __future__ import annotations

import streamlit as st

from app.db.unit_of_work import committed
from app.domain.people import Role
from app.errors import AppError
from app.services import projects
from app.ui import state


def split_names(text: str) -> list[str]:
    """Names separated by commas or line breaks."""
    return [name.strip() for name in text.replace("\n", ",").split(",") if name.strip()]


def add_classes(project_id: int) -> None:
    """A field for one or several names, and a button."""
    with st.form(f"add-classes-{project_id}", clear_on_submit=True, border=False):
        text = st.text_input("Add classes", placeholder="cat, dog, neither", help="Separate several with commas.")
        sent = st.form_submit_button("Add", icon=":material/add:")
    if not sent:
        return
    if not split_names(text):
        st.warning("Write at least one name.")
        return
    try:
        state.require(Role.LEAD)
        with committed(state.runtime().database) as uow:
            for name in split_names(text):
                projects.add_class(uow, project_id, name)
    except AppError as refusal:
        st.error(str(refusal))
        return
    st.rerun()
