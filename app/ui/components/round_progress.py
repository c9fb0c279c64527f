"""The round that is queued or running: where it is, its losses, its cancel button; redrawn every second."""

from __future__ import annotations

import streamlit as st

from app.db.queries import rounds as round_queries
from app.db.unit_of_work import committed
from app.domain.people import Role
from app.domain.rounds import ACTIVE, RoundStatus
from app.services import reports, rounds
from app.ui import charts, state
from app.ui.components.layout import shared_or_stop, showing_refusals
from app.ui.words import duration


@st.fragment(run_every=1)
def active_round(round_id: int, *, has_worker: bool, is_small: bool = False) -> None:
    """Show a round until it ends; then the whole page is drawn anew.

    Args:
        round_id: a queued or running round.
        has_worker: whether a worker process is alive.
        is_small: without the chart.
    """
    with state.runtime().database.reading() as uow:
        one = round_queries.one(uow.session, round_id)
        shared_or_stop(one.project_id)
        curve = reports.training_curve(uow, round_id)
    if one.status not in ACTIVE:
        st.rerun()
    with st.container(border=True):
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            st.markdown(f"**Round {one.number}** {_phase(one.status, has_worker)}", width="content")
            _cancel(round_id, is_asked=one.cancel_requested)
        if one.status is RoundStatus.QUEUED:
            return
        told = reports.progress_of(one)
        st.progress(told.share if told else 0.0, text=f"{told.phase.capitalize()}" if told else "Starting")
        if told is None:
            return
        with st.container(horizontal=True, gap="medium"):
            st.metric("Step", f"{told.step:,} of {told.total_steps:,}")
            st.metric("Images a second", f"{told.images_per_second:,.0f}" if told.images_per_second else "–")
            st.metric("Time left", duration(told.seconds_left))
            for loss, value in told.losses.items():
                if is_small or loss == charts.TOTAL:
                    continue
                st.metric(f"Loss: {charts.LOSS_NAMES.get(loss, loss.replace('_', ' '))}", f"{value:.3f}")
        if curve.losses and not is_small:
            st.altair_chart(charts.losses(curve.losses, height=220), width="stretch", key=f"live-{round_id}")


def _phase(status: RoundStatus, has_worker: bool) -> str:  # noqa: FBT001 - private
    if status is RoundStatus.RUNNING:
        return "is being trained"
    return "waits for a worker" if has_worker else "waits, and no worker is running"


def _cancel(round_id: int, *, is_asked: bool) -> None:
    if is_asked:
        st.caption("Stopping …")
    elif state.may(Role.LEAD) and st.button("Cancel", key=f"cancel-{round_id}", icon=":material/stop_circle:"):
        with showing_refusals(), committed(state.runtime().database) as uow:
            rounds.cancel(uow, round_id)
        st.rerun()


def worker_missing() -> None:
    """Say that nothing will happen without a worker, and how to start one."""
    st.warning(
        "No worker is running, so nothing that waits will begin. `ssmae up` starts server and worker together; a "
        "worker alone is started with:",
        icon=":material/power_off:",
    )
    st.code("ssmae worker", language="shell")
