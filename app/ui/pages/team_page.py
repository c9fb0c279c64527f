"""Team: who does how much and how fast, how far people agree, what waits for a decision. For others, their own work."""

from __future__ import annotations

from enum import StrEnum

import streamlit as st

from app.db.models import Project
from app.domain.people import Adjudication, Role
from app.services import reports
from app.services.reports import Waiting
from app.ui import state
from app.ui.components.agreement_report import agreement_report
from app.ui.components.disputes_list import disputes_list
from app.ui.components.flags_list import flags_list
from app.ui.components.layout import header, project_or_stop, showing_refusals
from app.ui.components.pace_report import mine, team


class Section(StrEnum):
    """What the page shows at a time."""

    WORK = "work"
    AGREEMENT = "agreement"
    DISPUTES = "disputes"
    FLAGS = "flags"


def main() -> None:
    """Draw the page."""
    leads = state.may(Role.LEAD)
    if leads:
        header("Team", "Who does how much, how far people agree, and what waits for a decision.")
    else:
        header("My work", "Your answers, your pace, and what is left for you.")
    project = project_or_stop()
    with state.runtime().database.reading() as uow:
        waiting = reports.waiting(uow, project.id)
    sections = _sections(project, waiting, leads=leads)
    chosen = Section.WORK
    if len(sections) > 1:
        chosen = st.segmented_control(
            "Section", list(sections), format_func=lambda one: sections[one], default=Section.WORK, required=True,
            label_visibility="collapsed", key="team-section",
        )  # fmt: skip
    # Somebody may have been a lead a moment ago.
    match chosen if chosen in sections else Section.WORK:
        case Section.AGREEMENT:
            agreement_report(project.id)
        case Section.DISPUTES:
            disputes_list(project.id)
        case Section.FLAGS:
            flags_list(project.id)
        case _:
            team(project.id) if leads else mine(project.id)


def _sections(project: Project, waiting: Waiting, *, leads: bool) -> dict[Section, str]:
    disputes = {Section.DISPUTES: f"Disputes · {waiting.disputes:,}"}
    if not leads:
        return {Section.WORK: "My work"} | (disputes if project.adjudication is Adjudication.MAJORITY else {})
    return {
        Section.WORK: "People",
        Section.AGREEMENT: "Agreement",
        **disputes,
        Section.FLAGS: f"Flags · {waiting.flags:,}",
    }


with showing_refusals():
    main()
