"""Projects: make one, and choose which one is in hand."""

from __future__ import annotations

import streamlit as st

from app.db.models import Project
from app.db.queries import images, projects
from app.db.unit_of_work import committed
from app.domain.people import Role
from app.domain.pools import Pool
from app.domain.splits import DEFAULT_TEST_SIZE
from app.errors import AppError
from app.services import accounts
from app.services import projects as project_service
from app.ui import state
from app.ui.components.class_form import split_names
from app.ui.components.layout import empty, header
from app.ui.words import plain
from ssmae.metrics import interval_half_width

HOW_IT_IS_DRAWN = (
    "They are drawn at random, at most half of the images, and anew with every import until a test image is answered "
    "or a round is queued."
)


def what_a_test_set_buys(size: int) -> str:
    """The width of the error bar that a test set of this size allows, in a sentence."""
    if size == 0:
        return "Without a test set no accuracy can be shown: once a round was queued it cannot be drawn any more."
    points = 100 * interval_half_width(size)
    return (
        f"{size:,} test images measure an accuracy near 90% to about ±{points:.1f} points (95% interval). "
        "They teach nothing; four times as many halve the error bar."
    )


def main() -> None:
    """Draw the page."""
    header("Projects", "A project is one labelling task: its images, its classes, its rounds.")
    known = state.every_project()
    if known:
        for project in known:
            _row(project)
    else:
        step = "Name one below; images and classes can follow later."
        empty("There is no project yet.", step if state.may(Role.LEAD) else "Ask a lead to share one with you.")
    if not state.may(Role.LEAD):
        return
    with st.expander("New project", expanded=not known, icon=":material/add:"):
        _create()


def _row(project: Project) -> None:
    with state.runtime().database.reading() as uow:
        pools = uow.recent(images.pool_counts, project.id)
        classes = projects.classes(uow.session, project.id)
    total = sum(pools.values())
    labelled = sum(count for (_, pool), count in pools.items() if pool is Pool.LABELLED)
    is_current = st.session_state.get(state.PROJECT_KEY) == project.id
    with st.container(border=True, horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        sealed = "  :gray-badge[sealed]" if project.is_sealed else ""
        st.markdown(f"**{plain(project.name)}**{sealed}  \n:gray[{_facts(total, labelled, len(classes))}]")
        if is_current:
            st.button("In hand", disabled=True, key=f"open-{project.id}", icon=":material/check:")
        else:
            st.button("Open", key=f"open-{project.id}", on_click=state.choose_project, args=(project.id,))


def _facts(total: int, labelled: int, classes: int) -> str:
    return f"{total:,} images, {labelled:,} labelled, {classes:,} classes"


def _create() -> None:
    name = st.text_input("Name", key="new-project-name", max_chars=100, placeholder="Leaf diseases")
    text = st.text_area(
        "Classes",
        key="new-project-classes",
        placeholder="healthy, rust, mildew",
        help="Separate them with commas or line breaks. Leave it empty if your folders carry the names.",
        height=80,
    )
    size = st.number_input("Test images", 0, 100_000, DEFAULT_TEST_SIZE, 50, key="new-project-test-size")
    st.caption(what_a_test_set_buys(size) + " " + HOW_IT_IS_DRAWN)
    is_sealed = st.toggle(
        "Sealed: for trying things out",
        key="new-project-sealed",
        help="The classes that come with the images are known to the server but shown to nobody and used by no "
        "training. A simulated annotator answers with them, so that a strategy can be tried before people's time is "
        "spent.",
    )
    if not st.button("Create the project", type="primary", disabled=not name.strip()):
        return
    try:
        state.require(Role.LEAD)
        with committed(state.runtime().database) as uow:
            made = project_service.create(
                uow, name=name, classes=split_names(text), is_sealed=is_sealed, test_size=int(size)
            )
            accounts.share_with_maker(uow, made.id, state.caller())
    except AppError as refusal:
        st.error(str(refusal), icon=":material/block:")
        return
    state.forget_rights()
    st.session_state[state.NEXT_PROJECT_KEY] = made.id
    st.rerun()


main()
