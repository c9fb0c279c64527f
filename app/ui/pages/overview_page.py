"""Overview: what to do next, where the project stands, what is running."""

from __future__ import annotations

import streamlit as st

from app.db.models import Project
from app.domain.labels import Queue
from app.domain.people import Role
from app.domain.rounds import ImportStatus
from app.errors import AppError
from app.services import reports
from app.services.reports import ImportRow, NextStep, Overview
from app.ui import charts, state
from app.ui.components.layout import header, page_link, page_path, project_or_stop
from app.ui.components.round_progress import active_round, worker_missing
from app.ui.navigation import ROLES
from app.ui.words import ago, interval, percent


def main() -> None:
    """Draw the page."""
    project = state.current_project()
    header(project.name if project else "Welcome", "" if project else _WELCOME)
    _project(project_or_stop())


_WELCOME = (
    "Many images, few labels: this server asks you about the images that teach it most, trains on your answers and on "
    "all images, and shows how good it has become."
)


def _project(project: Project) -> None:
    with state.runtime().database.reading() as uow:
        now = reports.overview(uow, project.id, _annotator_id())
    if now.waits_for_worker and not now.workers:
        worker_missing()
    _next(now.next_step)
    _waiting(project)
    if not now.images and state.may(Role.LEAD):
        _first_steps()
    if not now.images:
        return
    _numbers(now)
    if now.active_round_id is not None:
        active_round(now.active_round_id, has_worker=bool(now.workers), is_small=True)
    left, right = st.columns([3, 2], gap="large")
    with left:
        st.subheader("Learning curve", anchor=False)
        _curve(now)
    with right:
        st.subheader("Still to answer", anchor=False)
        _left(now)
        st.subheader("Last imports", anchor=False)
        for one in now.imports:
            _import(one)


def _annotator_id() -> int | None:
    try:
        return state.annotator().id
    except AppError:  # a name that is kept for somebody else: the counts are then nobody's
        return None


def _next(step: NextStep) -> None:
    row = st.container(border=True, horizontal=True, horizontal_alignment="distribute", vertical_alignment="center")
    with row:
        st.markdown(f"**Next:** {step.sentence}", width="stretch")
        if not state.may(ROLES.get(step.target, Role.ANNOTATOR)):
            st.caption("A lead does this.", width="content")
        elif st.button(step.button, type="primary", icon=":material/arrow_forward:", key="next-step"):
            if step.queue is not None and step.queue is not Queue.REVIEW:
                state.choose_queue(step.queue)
            st.switch_page(page_path(step.target))


def _waiting(project: Project) -> None:
    """What other people left for a lead: without it, disputed images stay without a label and nobody notices."""
    if not state.may(Role.LEAD):
        return
    with state.runtime().database.reading() as uow:
        found = reports.waiting(uow, project.id)
    if not found.disputes and not found.flags:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(found.sentence, width="content")
        page_link("team", "Go to Team")


def _first_steps() -> None:
    st.markdown(
        "1. **Import** a folder, a zip or tar archive, or a manifest. A part of it, drawn at random, becomes the test "
        "set.\n"
        "2. **Label** what the server asks about: one key an answer.\n"
        "3. **Train a round**, and look at the accuracy with its error bar. Repeat until it is good enough.\n"
        "4. **Export** the labels and the model."
    )


def _numbers(now: Overview) -> None:
    newest = now.newest
    pools = " · ".join(f"{count:,} {charts.POOL_NAMES[pool]}" for pool, count in now.pools.items() if count)
    with st.container(horizontal=True, gap="medium"):
        st.metric(
            "Test accuracy",
            percent(newest.test.value if newest else None),
            interval(newest.test) if newest else "not measured yet",
            delta_color="off",
            delta_arrow="off",
            help="Measured on the test set; below it the exact 95 % interval.",
        )
        st.metric(
            "Labels given",
            f"{now.labels:,}",
            f"+ {now.test_labels:,} of {now.test_images:,} test labels",
            delta_color="off",
            delta_arrow="off",
            help="Training and validation labels. Test labels only measure, so they are counted apart.",
        )
        st.metric(
            "Pseudo-labels",
            f"{now.accepted:,}",
            help="Labels of the model itself that the gate let in and that are in use.",
        )
        st.metric(
            "To review",
            f"{now.left[Queue.REVIEW]:,}",
            help="Pseudo-labels that the gate or the consistency check rejected.",
        )
        st.metric("Images", f"{now.images:,}", help=pools)


def _curve(now: Overview) -> None:
    if now.curve:
        st.altair_chart(charts.learning_curve(now.curve, height=charts.SMALL), width="stretch", key="small-curve")
        page_link("accuracy", "The whole picture")
    else:
        st.caption(
            "The first point appears after the first round, measured on the labelled part of the test set "
            f"({now.test_labels:,} of {now.test_images:,} images so far)."
        )


def _left(now: Overview) -> None:
    names = {
        Queue.SELECTION: "Selection",
        Queue.VALIDATION: "Validation sample",
        Queue.TEST: "Test set",
        Queue.REVIEW: "Rejected pseudo-labels",
    }
    st.markdown("\n".join(f"- {name}: **{now.left[queue]:,}**" for queue, name in names.items()))


def _import(one: ImportRow) -> None:
    refused = f", {one.refused:,} refused" if one.refused else ""
    state_word = "" if one.status is ImportStatus.SUCCEEDED else f" · {one.status.value}"
    st.markdown(f"`{one.source.rstrip('/').rsplit('/', maxsplit=1)[-1]}` {ago(one.at)}{state_word}")
    st.caption(f"{one.added:,} added, {one.duplicates:,} already there{refused}")


main()
