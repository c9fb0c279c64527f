"""Audit: random pseudo-labels that the gate let in, asked blind until their error rate is proven."""

from __future__ import annotations

import html

import streamlit as st

from app.db.models import Project
from app.domain.labels import Queue
from app.services import audits
from app.services.audits import AuditState, Standing
from app.ui import state
from app.ui.components.labeller import Texts, labeller
from app.ui.components.layout import empty, header, project_or_stop, shared_or_stop
from app.ui.components.simulated import simulated_annotator

_TEXTS = Texts(
    finished="What is still open you have passed over, or seen with the model's proposal: somebody else must answer.",
    nothing_title="Nothing is asked",
    nothing="The audit of this round has ended.",
)


def main() -> None:
    """Draw the page."""
    header("Audit", "A random sample of the labels that the model gave itself, answered without seeing them.")
    _work(project_or_stop())


@st.fragment
def _work(project: Project) -> None:
    shared_or_stop(project.id)
    with state.runtime().database.reading() as uow:
        audit = audits.state(uow, project.id)
    if audit.standing is Standing.NOTHING:
        empty(
            audit.sentence,
            "Once the gate lets pseudo-labels in, a few dozen blind answers show how many of them are wrong.",
            page="rounds",
            link="Go to Rounds",
        )
        return
    _certificate(audit)
    if audit.standing is not Standing.RUNNING:
        return
    st.caption(
        "Answer what you see; your answers become labels. A skip or “not sure” counts as an error of the model until "
        "somebody names the class. An image that the draw names twice counts twice and is asked once. The certificate "
        f"moves every {audits.STEP} draws, so that nobody sees which answer it was."
    )
    labeller(project.id, Queue.AUDIT, _TEXTS)
    if project.is_sealed:
        simulated_annotator(project.id, Queue.AUDIT, len(audit.waiting))


def _certificate(audit: AuditState) -> None:
    """The sentence, and how far the audit is."""
    marks = {Standing.RUNNING: "", Standing.CERTIFIED: "✓ ", Standing.FAILED: "✗ "}
    st.html(
        f'<div class="ssmae-certificate {audit.standing}" role="status"><strong>{marks[audit.standing]}Round '
        f"{audit.round_number} · {audit.accepted:,} accepted</strong><span>{html.escape(audit.sentence)}</span></div>"
    )


main()
