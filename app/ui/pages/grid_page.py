"""Grid: the proposals of one class by the dozen; the odd ones are marked, the rest is accepted with one key."""

from __future__ import annotations

import streamlit as st

from app.db.models import Annotator, Project
from app.db.queries import projects, rounds
from app.domain.acceptance import Order
from app.services import grids
from app.ui import state
from app.ui.components.grid import grid
from app.ui.components.layout import annotator_or_stop, empty, header, project_or_stop, shared_or_stop


def main() -> None:
    """Draw the page."""
    header("Grid", "Everything that the model takes for one class: mark what is not, accept the rest with one key.")
    project = project_or_stop()
    annotator = annotator_or_stop()
    with state.runtime().database.reading() as uow:
        has_result = rounds.last_succeeded(uow.session, project.id) is not None
    if not has_result:
        empty(
            "No round has finished yet.",
            "After the first round, the classes that the model proposes for your unlabelled images appear here.",
            page="rounds",
            link="Go to Rounds",
        )
        return
    _work(project, annotator)


@st.fragment
def _work(project: Project, annotator: Annotator) -> None:
    shared_or_stop(project.id)
    with state.runtime().database.reading() as uow:
        classes = projects.classes(uow.session, project.id)
        left = grids.open_counts(uow, project.id)
    proposed = [one for one in classes if left.get(one.id)]
    if not proposed:
        empty(
            "Nothing is left to look at.",
            "Every proposal of the newest round has been judged. Label more, then train again.",
            page="label",
            link="Label images",
        )
        return
    names = {one.id: one for one in classes}
    # A class whose last image was just judged stays chosen until another one is.
    chosen = st.session_state.get("grid-class")
    options = [one.id for one in classes if one in proposed or one.id == chosen]
    places = st.columns([2, 3])
    class_id = places[0].selectbox(
        "Class that the model proposes",
        options,
        format_func=lambda one: f"{names[one].name} · {left.get(one, 0):,}",
        key="grid-class",
    )
    order = places[1].segmented_control(
        "Order", list(Order), format_func=lambda one: one.label, default=Order.DOUBT, required=True, key="grid-order"
    )
    assert class_id is not None, "one is always chosen"
    assert order is not None, "one is always chosen"
    grid(project.id, annotator, classes, names[class_id], order)


main()
