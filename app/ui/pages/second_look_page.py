"""Second look: one's own answers that the newest model doubts most, for nobody else's eyes."""

from __future__ import annotations

import streamlit as st

from app.db.models import Project
from app.domain.labels import Queue
from app.services import second_look
from app.ui import state
from app.ui.components.labeller import Texts, labeller
from app.ui.components.layout import annotator_or_stop, empty, header, project_or_stop, shared_or_stop

_TEXTS = Texts(
    finished="The next round may doubt others.",
    nothing_title="The model doubts none of your answers",
    nothing="It holds each of them for more likely than not. After the next round, look here again.",
)


def main() -> None:
    """Draw the page."""
    header("Second look", "Your own answers that the newest model doubts most. Nobody else sees this list.")
    project = project_or_stop()
    annotator = annotator_or_stop()
    with state.runtime().database.reading() as uow:
        look = second_look.doubted(uow, state.runtime().storage, project.id, annotator.id, 0)
    if look.round_number is None:
        empty(
            "No model has an opinion yet.",
            "After a round has learnt from labels, the answers of yours that it doubts are listed here.",
            page="rounds",
            link="Go to Rounds",
        )
        return
    _work(project, look.round_number)


@st.fragment
def _work(project: Project, round_number: int) -> None:
    shared_or_stop(project.id)
    st.caption(
        f"Enter keeps what you said, a class key changes it; either way the answer leaves the list until a round after "
        f"round {round_number} doubts it again. Answers to test images and to a validation sample are never here: "
        "looking again only where the model doubts would make it seem more accurate than it is."
    )
    labeller(project.id, Queue.SECOND_LOOK, _TEXTS, context=True, proposal="Keep")


main()
