"""The round that collects answers: what is asked, what is left, and another draw."""

from __future__ import annotations

import streamlit as st

from app.db.models import Project
from app.db.queries import rounds as round_queries
from app.db.unit_of_work import committed
from app.domain.labels import Queue
from app.domain.rounds import SelectionStatus
from app.services import rounds
from app.services.reports import Asked, Draft
from app.ui import state
from app.ui.components.layout import page_path, shared_or_stop, showing_refusals
from ssmae.config import Acquisition


def no_draft(project: Project, *, is_training: bool) -> None:
    """Nothing is being asked: offer to begin, or to wait for the model that is being trained."""
    sizes = (project.strategy, project.selection_size, project.validation_size)
    if is_training:
        st.markdown("When this round is done, its model chooses the next images, and they appear here.")
        with st.expander("Choose some now, with what is known so far", icon=":material/casino:"):
            _draw_form(None, *sizes, project.id)
        return
    st.markdown("No round is collecting answers. The server can choose the next images that are worth asking about.")
    _draw_form(None, *sizes, project.id)


def draft_panel(draft: Draft) -> None:
    """The draft: its counts, its queues, and the form that draws again."""
    if draft.status is SelectionStatus.PENDING:
        _pending(draft.id)
    elif draft.status is SelectionStatus.FAILED:
        st.error(f"No images could be chosen. {draft.message or ''}", icon=":material/error:")
    else:
        left, right = st.columns(2)
        with left:
            _queue(
                "Selection", "Chosen because the model would learn most from them.", draft.selection, Queue.SELECTION
            )
        with right:
            _queue(
                "Validation sample",
                "Drawn at random: these answers judge the gate, then join the training labels.",
                draft.validation,
                Queue.VALIDATION,
            )
        if draft.chosen_by:
            st.caption("Chosen by: " + " · ".join(f"{count} {_short(one)}" for one, count in draft.chosen_by.items()))
    with st.expander("Draw again", icon=":material/casino:", expanded=draft.status is SelectionStatus.FAILED):
        st.caption("What was answered stays answered; the images that are still open are chosen anew.")
        _draw_form(draft.id, draft.strategy, draft.selection_size, draft.validation_size, None)


@st.fragment(run_every=1)
def _pending(draft_id: int) -> None:
    with state.runtime().database.reading() as uow:
        draft = round_queries.one(uow.session, draft_id)
    shared_or_stop(draft.project_id)
    if draft.selection_status is not SelectionStatus.PENDING:
        st.rerun()
    st.info("A worker is choosing the images.", icon=":material/hourglass_top:")


def _queue(title: str, why: str, asked: Asked, queue: Queue) -> None:
    with st.container(border=True):
        st.markdown(f"**{title}**")
        st.progress(
            asked.settled / asked.total if asked.total else 1.0,
            text=f"{asked.settled:,} of {asked.total:,} answered" if asked.total else "Nothing is asked.",
        )
        st.caption(why)
        if asked.left and st.button(f"Label {asked.left:,}", key=f"label-{queue}", icon=":material/keyboard:"):
            state.choose_queue(queue)
            st.switch_page(page_path("label"))


def _draw_form(
    draft_id: int | None, strategy: Acquisition, selection_size: int, validation_size: int, project_id: int | None
) -> None:
    members = list(Acquisition)
    with st.form(f"draw-{draft_id}", border=False):
        chosen = st.selectbox(
            "Strategy",
            members,
            index=members.index(strategy),
            format_func=lambda one: one.label,
            help="A fifth of every selection is always drawn at random, so that nothing stays invisible.",
        )
        left, right = st.columns(2)
        size = left.number_input("Images to choose", min_value=1, max_value=100_000, value=selection_size)
        sample = right.number_input(
            "Validation sample",
            min_value=0,
            max_value=100_000,
            value=validation_size,
            help="Without enough of these answers the gate stays closed. They count as labels, and teach afterwards.",
        )
        sent = st.form_submit_button(
            "Draw again" if draft_id else "Draw a selection",
            icon=":material/casino:",
            type="secondary" if draft_id else "primary",
        )
    if not sent:
        return
    with showing_refusals():
        with committed(state.runtime().database) as uow:
            if draft_id is not None:
                rounds.redraw(uow, draft_id, strategy=chosen, selection_size=int(size), validation_size=int(sample))
            elif project_id is not None:
                rounds.open_draft(
                    uow, project_id, strategy=chosen, selection_size=int(size), validation_size=int(sample)
                )
        st.rerun()


def _short(strategy: Acquisition) -> str:
    return strategy.label.split(":", maxsplit=1)[0].lower()
