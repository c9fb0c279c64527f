"""Let the seal answer: the simulated annotator of a sealed project."""

from __future__ import annotations

import sys

import streamlit as st

from app.db.unit_of_work import committed
from app.domain.labels import Queue
from app.domain.people import Role
from app.services import annotation
from app.ui import state
from app.ui.components.layout import showing_refusals

_CHUNK = 200
"""Answers a transaction: people who label at the same time never wait long."""


def answer(project_id: int, queue: Queue, count: int) -> int:
    """Let the seal answer up to `count` images of a queue; gives back how many it did."""
    state.require(Role.LEAD)
    state.require_project(project_id)
    done = 0
    while done < count:
        with committed(state.runtime().database) as uow:
            answered = annotation.simulate(uow, project_id, queue, min(_CHUNK, count - done))
        done += answered
        if not answered:
            break
    return done


def simulated_annotator(project_id: int, queue: Queue, left: int) -> None:
    """Two buttons, for leads: the next 20, or all that are left."""
    if not state.may(Role.LEAD):
        return
    with st.container(border=True):
        st.markdown("**Simulated annotator**")
        st.caption(
            "The true classes of this project are sealed: known to the server, shown to nobody. They can answer "
            "for you, to see in minutes how the accuracy grows."
        )
        with st.container(horizontal=True):
            some = st.button(f"Answer the next {min(20, left)}", disabled=not left, key=f"simulate-some-{queue}")
            everything = st.button(f"Answer all {left}", disabled=not left, key=f"simulate-all-{queue}")
    if some or everything:
        with showing_refusals():
            # All that are open, also those that the person at the keyboard has skipped.
            done = answer(project_id, queue, sys.maxsize if everything else 20)
            state.note_answers_of_others()
            st.toast(f"{done} answered by the seal.", icon=":material/smart_toy:")
            st.rerun(scope="app")
