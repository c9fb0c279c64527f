"""Label: one image at a time, one key an answer."""

from __future__ import annotations

import streamlit as st

from app.db.models import Annotator, Project
from app.db.queries import images, projects, rounds
from app.domain.labels import Queue
from app.domain.people import Role
from app.domain.rounds import SelectionStatus
from app.services import reports
from app.services import rounds as round_service
from app.ui import state
from app.ui.components.class_form import add_classes
from app.ui.components.labeller import Texts, labeller
from app.ui.components.layout import annotator_or_stop, empty, header, page_link, project_or_stop, shared_or_stop
from app.ui.components.simulated import simulated_annotator

QUEUES = {
    Queue.SELECTION: "The images that teach the model most, chosen by the strategy of this round.",
    Queue.VALIDATION: "A random sample. Your answers judge whether the model's own labels may be trusted this round; a "
    "skip counts as an error of the model.",
    Queue.TEST: "A fixed random sample that no training ever sees. It measures the accuracy, so answer with care.",
    Queue.REVIEW: "What the model proposed and the gate or the consistency check turned down, surest first.",
}
NAMES = {queue: queue.label for queue in QUEUES} | {Queue.REVIEW: "Rejected pseudo-labels"}

TEXTS = {
    Queue.SELECTION: Texts(
        finished="Answer the validation sample next, then train a round.",
        nothing_title="Nothing was selected",
        nothing="Every training image may have a label already.",
    ),
    Queue.VALIDATION: Texts(
        finished="The gate has its evidence. When the selection is answered too, train a round.",
        nothing_title="There is no validation sample",
        nothing="It is drawn together with the selection; its size is in the settings.",
    ),
    Queue.TEST: Texts(
        finished="The accuracy can be measured now.",
        nothing_title="There is no test set",
        nothing="It is drawn at the first import; its size is a setting of the project.",
    ),
    Queue.REVIEW: Texts(
        finished="Nothing is left to review from the newest round.",
        nothing_title="Nothing was rejected",
        nothing="After a round, what the model proposed and the gate turned down appears here.",
    ),
}


def main() -> None:
    """Draw the page."""
    header("Label")
    project = project_or_stop()
    annotator = annotator_or_stop()
    with state.runtime().database.reading() as uow:
        has_images = bool(uow.recent(images.pool_counts, project.id))
        has_classes = bool(projects.classes(uow.session, project.id))
    if not has_images:
        empty("There are no images yet.", "Import some, then label them here.", page="import", link="Import images")
    elif not has_classes:
        if state.may(Role.LEAD):
            empty("There are no classes yet.", "Name what the images can show; you can add more at any time.")
            add_classes(project.id)
        else:
            empty("There are no classes yet.", "A lead has to name them first.")
    else:
        _work(project, annotator)


@st.fragment
def _work(project: Project, annotator: Annotator) -> None:
    """The queues and the labeller; drawn anew on its own when answers were saved."""
    shared_or_stop(project.id)
    with state.runtime().database.reading() as uow:
        left = round_service.unanswered(uow, project.id, annotator.id)
        draft = rounds.draft(uow.session, project.id)
    if st.session_state.get(state.QUEUE_KEY) not in QUEUES:
        st.session_state[state.QUEUE_KEY] = next((queue for queue in QUEUES if left[queue]), Queue.SELECTION)
    queue = st.segmented_control(
        "Queue",
        list(QUEUES),
        format_func=lambda one: f"{NAMES[one]} · {left[one]:,}",
        key=state.QUEUE_KEY,
        required=True,
        label_visibility="collapsed",
    )
    assert queue is not None, "one is always chosen"
    st.caption(QUEUES[queue])
    needs_draft = queue in {Queue.SELECTION, Queue.VALIDATION}
    if needs_draft and draft is None:
        empty(
            "No round is collecting answers.",
            "Open the next round, and the server chooses the images that are worth asking about.",
            page="rounds",
            link="Go to Rounds",
        )
        return
    if needs_draft and draft is not None and draft.selection_status is SelectionStatus.FAILED:
        empty(
            "No images could be chosen for this round.",
            draft.selection_message or "The worker gave no reason.",
            page="rounds",
            link="Draw again in Rounds",
        )
        return
    labeller(project.id, queue, TEXTS[queue])
    if not left[queue]:
        _next_step(project.id, annotator.id, queue)
    if project.is_sealed:
        simulated_annotator(project.id, queue, left[queue])


def _next_step(project_id: int, annotator_id: int, queue: Queue) -> None:
    with state.runtime().database.reading() as uow:
        step = reports.overview(uow, project_id, annotator_id).next_step
    if step.queue in QUEUES and step.queue is not queue:
        st.button(step.button, icon=":material/arrow_forward:", on_click=state.choose_queue, args=(step.queue,))
    elif step.queue is None:
        page_link(step.target, step.button)


main()
