"""Rounds: ask, train, and look at what came out."""

from __future__ import annotations

import streamlit as st

from app.domain.people import Role
from app.domain.rounds import ACTIVE, RoundStatus
from app.services import reports
from app.ui import state
from app.ui.components import round_draft, round_form, round_history, round_progress
from app.ui.components.layout import empty, header, project_or_stop


def main() -> None:
    """Draw the page."""
    state.require(Role.LEAD)
    header("Rounds", "A round asks for labels, trains on them, and lets the gate judge what the model proposes itself.")
    project = project_or_stop()
    with state.runtime().database.reading() as uow:
        now = reports.overview(uow, project.id)
        draft = reports.draft(uow, project.id)
        history = reports.round_history(uow, project.id)
    if not now.images:
        empty("There are no images yet.", "Import some: a round needs them.", page="import", link="Import images")
        return
    if now.waits_for_worker and not now.workers:
        round_progress.worker_missing()
    if now.active_round_id is not None:
        round_progress.active_round(now.active_round_id, has_worker=bool(now.workers))
    elif history and history[0].status is RoundStatus.FAILED:
        round_history.failure(history[0])

    st.subheader(f"Round {draft.number}: what is asked" if draft else "The next selection", anchor=False)
    if draft is not None:
        round_draft.draft_panel(draft)
    else:
        round_draft.no_draft(project, is_training=now.active_round_id is not None)
    if now.active_round_id is None:
        st.subheader("Train a round", anchor=False)
        round_form.round_form(project, draft, history)
    if not history:
        return
    st.subheader("History", anchor=False)
    round_history.history_table(history)
    if ended := [row for row in history if row.status not in ACTIVE]:
        st.subheader("One round", anchor=False)
        round_history.details(ended)
    st.subheader("Compare two rounds", anchor=False)
    round_history.comparison(history)


main()
