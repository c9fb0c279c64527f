"""One image, large, with everything that was ever said of it; opened as a dialog from any grid."""

from __future__ import annotations

import html
import uuid
from collections.abc import Sequence

import streamlit as st

from app.db.models import Image, ImageClass
from app.db.queries import images, projects
from app.db.unit_of_work import committed
from app.domain.labels import Action, Queue
from app.domain.people import Adjudication, Role
from app.domain.pools import Pool, Split
from app.services import annotation, audits, blindness, flags, reports
from app.services.reports import History
from app.ui import state
from app.ui.components.blame import blame
from app.ui.components.images import url_of
from app.ui.components.layout import showing_refusals
from app.ui.when import moment

POOLS = {
    Pool.UNLABELLED: "Unlabelled",
    Pool.PSEUDO_LABELLED: "Pseudo-labelled",
    Pool.LABELLED: "Labelled",
    Pool.EXCLUDED: "Excluded",
}
SPLITS = {Split.TRAIN: "Training", Split.VALIDATION: "Validation", Split.TEST: "Test"}
_SMALL = 256
_OWED = (
    "This image still waits for an answer of your own. What others say of it is shown once you have given it: else "
    "nobody could tell whether you agree."
)
_TEST = (
    "A test image: its label is not changed here. Whoever mends labels where the model disagrees only ever raises the "
    "accuracy, and it measures nothing any more. If the label looks wrong, say so to the leads."
)


@st.dialog("Image", width="large")
def image_dialog(image_id: int) -> None:
    """Show one image with its history, and let it be labelled, excluded or brought back.

    A test image is only shown, and can be flagged. Whoever shall still answer an image by themselves sees the image
    alone.
    """
    with state.runtime().database.reading() as uow:
        image = images.one(uow.session, image_id)
        # The id comes from the browser.
        state.caller().require_project(image.project_id)
        classes = projects.classes(uow.session, image.project_id)
        anybody_decides = projects.one(uow.session, image.project_id).adjudication is Adjudication.MAJORITY
        leads, me = state.may(Role.LEAD), state.caller().annotator_id or 0
        decides = (
            image.needs_decision and (leads or anybody_decides) and annotation.settles(uow, image, me, leads=leads)
        )
        is_owed = bool(state.owed_blind(uow, image.project_id, [image_id]))
        audited = audits.state(uow, image.project_id).hidden
        told = reports.history(uow, state.runtime().storage, image_id)
    name = blindness.shown_name(image, audited)
    names = {one.id: one.name for one in classes}
    left, right = st.columns([3, 2])
    with left:
        st.html(_picture(image, name))
        st.caption(f"{name} · {image.width} × {image.height} · {image.size:,} bytes · sha256 {image.sha256[:12]}…")
    with right:
        if is_owed:
            st.markdown(f"**{SPLITS[image.split]} split**")
            st.caption(_OWED)
            return
        label = names.get(image.label_class_id or 0)
        st.markdown(f"**{POOLS[image.pool]}**{f' as `{label}`' if label else ''} · {SPLITS[image.split]} split")
        if image.needs_decision:
            st.caption("People disagree about this image, or were not sure: it waits for a decision.")
        if image.hint_class_id is not None and not blindness.measures(image, audited):
            st.caption(f"Hint from the import: {names.get(image.hint_class_id, '?')}")
        with showing_refusals():
            if image.split is Split.TEST and image.pool is not Pool.EXCLUDED:
                _flag_test_image(image)
            else:
                _change(image, classes, decides=decides)
        _flags(told)
        blame(told)


def _flags(told: History) -> None:
    for flag in told.flags:
        with st.container(horizontal=True, vertical_alignment="center", border=True):
            st.text(f"{flag.who} flagged it on {moment(flag.at)}: {flag.note}", width="stretch")
            if flag.resolved_by is not None:
                st.caption(f"Resolved by {flag.resolved_by}", width="content")
            elif state.may(Role.LEAD) and st.button("Resolve", key=f"resolve-{flag.id}"):
                with committed(state.runtime().database) as uow:
                    flags.resolve(uow, flag.id, state.annotator().id)
                st.rerun()


def _picture(image: Image, name: str) -> str:
    scaling = "image-rendering: pixelated;" if max(image.width, image.height) < _SMALL else ""
    address = html.escape(url_of(image, 1024 if max(image.width, image.height) > 1024 else None), quote=True)
    return (
        f'<img src="{address}" alt="{html.escape(name, quote=True)}" '
        f'style="width: 100%; max-height: 60vh; object-fit: contain; {scaling}">'
    )


def _change(image: Image, classes: Sequence[ImageClass], *, decides: bool) -> None:
    if image.pool is Pool.EXCLUDED:
        if st.button("Bring it back", key=f"include-{image.id}"):
            _act(image, Action.INCLUDE)
        return
    chosen = st.selectbox(
        "Your answer", classes, None, format_func=lambda one: one.name, key=f"answer-{image.id}", placeholder="Class"
    )
    with st.container(horizontal=True):
        save = "Decide" if decides else "Save"
        if st.button(save, disabled=chosen is None, type="primary", key=f"save-{image.id}") and chosen is not None:
            _act(image, Action.LABEL, chosen.id, queue=Queue.ADJUDICATION if decides else Queue.BROWSE)
        if st.button("Exclude", key=f"exclude-{image.id}", help="Broken, private, or not what the project is about."):
            _act(image, Action.EXCLUDE)


def _flag_test_image(image: Image) -> None:
    st.caption(_TEST)
    note = st.text_input("What is wrong with it?", key=f"flag-note-{image.id}", max_chars=500)
    if st.button("Flag it", disabled=not note.strip(), icon=":material/flag:", key=f"flag-{image.id}"):
        annotator = state.annotator()
        with committed(state.runtime().database) as uow:
            flags.raise_flag(uow, uid=str(uuid.uuid4()), image_id=image.id, annotator_id=annotator.id, note=note)
        st.rerun()


def _act(image: Image, action: Action, class_id: int | None = None, queue: Queue = Queue.BROWSE) -> None:
    annotator = state.annotator()
    with committed(state.runtime().database) as uow:
        annotation.answer(
            uow,
            uid=str(uuid.uuid4()),
            image_id=image.id,
            annotator_id=annotator.id,
            action=action,
            class_id=class_id,
            queue=queue,
        )
    st.rerun()
