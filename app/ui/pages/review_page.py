"""Review: what the model proposed. Rejected pseudo-labels are confirmed or corrected, accepted ones can be revoked."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from app.db.models import Image, ImageClass, Project, PseudoLabel
from app.db.queries import images, projects, rounds
from app.db.unit_of_work import committed
from app.domain.labels import Queue
from app.domain.people import Role
from app.domain.pseudo_labels import PseudoLabelStatus
from app.errors import AppError
from app.services import review
from app.ui import state
from app.ui.components.gallery import Mode, Tile, gallery
from app.ui.components.image_card import image_dialog
from app.ui.components.labeller import Texts, labeller
from app.ui.components.layout import empty, header, project_or_stop, shared_or_stop
from app.ui.components.paging import pager, position
from ssmae.config import RejectionReason

_PAGE = 36
_PAGING = "review-paging"
_ACCEPTED_KEY = "review-accepted"
_ONE_BY_ONE = "one-by-one"
_TEXTS = Texts(
    finished="Nothing is left to review from the newest round.",
    nothing_title="Nothing was rejected",
    nothing="After a round, what the model proposed and the gate turned down appears here.",
)
REASONS = {
    RejectionReason.GATE_CLOSED: "Gate closed",
    RejectionReason.LOW_CONFIDENCE: "Not sure enough",
    RejectionReason.INCONSISTENT: "Changes its mind",
    RejectionReason.CLASS_BLOCKED: "Class blocked",
    RejectionReason.OUTSIDE_FRAME: "Not in the draw",
}
_MEANINGS = {
    RejectionReason.GATE_CLOSED: "Sure and consistent, but the validation sample did not prove the model reliable.",
    RejectionReason.LOW_CONFIDENCE: "Below the confidence that the gate asks for.",
    RejectionReason.INCONSISTENT: "Another class when the image is changed a little.",
    RejectionReason.CLASS_BLOCKED: "Of a class that the model was wrong about too often in the validation sample.",
    RejectionReason.OUTSIDE_FRAME: "Imported, asked about or brought back since the validation sample was drawn, or "
    "when it was: its answers say nothing about these images. The next draw takes them in.",
}


def main() -> None:
    """Draw the page."""
    header("Review", "The model's own labels from the newest round: look over what it got right, and what it did not.")
    project = project_or_stop()
    with state.runtime().database.reading() as uow:
        newest = rounds.last_succeeded(uow.session, project.id)
        classes = projects.classes(uow.session, project.id)
        rejected = review.reason_counts(uow, project.id)
        counts = uow.recent(rounds.pseudo_label_counts, newest.id) if newest else {}
    if newest is None:
        empty(
            "No round has finished yet.",
            "After the first round, the classes that the model proposes for your unlabelled images appear here.",
            page="rounds",
            link="Go to Rounds",
        )
        return
    if not counts:
        empty(
            f"Round {newest.number} proposed nothing.",
            "It knew too few labels to say anything about the other images. Label more, then train again.",
            page="label",
            link="Label images",
        )
        return
    waiting, accepted = sum(rejected.values()), counts.get(PseudoLabelStatus.ACCEPTED, 0)
    views = {
        _ONE_BY_ONE: f"One by one · {waiting:,}",
        PseudoLabelStatus.ACCEPTED: f"Accepted · {accepted:,}",
    }
    view = st.segmented_control(
        "Pseudo-labels",
        list(views),
        format_func=lambda one: views[one],
        default=_ONE_BY_ONE,
        required=True,
        label_visibility="collapsed",
        key="review-status",
    )
    if view is PseudoLabelStatus.ACCEPTED:
        _accepted(project, classes)
    else:
        _one_by_one(project)
        _why(rejected)


@st.fragment
def _one_by_one(project: Project) -> None:
    """The rejected ones as large cards, each with what the model thinks of it."""
    shared_or_stop(project.id)
    st.caption("Enter confirms what the model says, a class key corrects it. The surest come first.")
    labeller(project.id, Queue.REVIEW, _TEXTS, context=True)


def _why(rejected: dict[RejectionReason, int]) -> None:
    """How many were rejected for which reason, and what that means."""
    with st.expander("Why they were rejected", icon=":material/help:"):
        for reason, count in sorted(rejected.items(), key=lambda one: -one[1]):
            st.markdown(f"**{REASONS[reason]} · {count:,}.** {_MEANINGS[reason]}")


def _accepted(project: Project, classes: Sequence[ImageClass]) -> None:
    class_ = _class_filter(st.columns(2)[0], classes)
    st.caption("These teach the model as if they were labels. The most doubtful come first; revoke what is wrong.")
    found, following = _page(project, class_)
    if not found:
        empty("No pseudo-label is in use.", "The gate lets them in when the validation sample proves them reliable.")
        return
    names = {one.id: one.name for one in classes}
    clicked = gallery(
        [_tile(label, image, names) for label, image in found],
        key=_ACCEPTED_KEY,
        label="Accepted pseudo-labels",
        mode=Mode.REVOKE if state.may(Role.LEAD) else Mode.LOOK,
        on_revoke=_revoke,
    )
    pager(_PAGING, following=following)
    if clicked.open is not None:
        image_dialog(clicked.open)


def _revoke() -> None:
    pseudo_label_id = st.session_state[_ACCEPTED_KEY]["revoke"]
    try:
        state.require(Role.LEAD)
        annotator_id = state.annotator().id
        with committed(state.runtime().database) as uow:
            label = rounds.pseudo_label(uow.session, int(pseudo_label_id))
            state.caller().require_project(images.one(uow.session, label.image_id).project_id)
            review.revoke(uow, label.id, annotator_id)
    except AppError as refusal:
        st.toast(str(refusal), icon=":material/block:")
    else:
        st.toast("Revoked: the image is unlabelled again.", icon=":material/undo:")


def _class_filter(place: st.delta_generator.DeltaGenerator, classes: Sequence[ImageClass]) -> ImageClass | None:
    return place.selectbox(
        "Proposed class", [None, *classes], format_func=lambda one: one.name if one else "Any class", key="review-class"
    )


def _page(project: Project, class_: ImageClass | None) -> tuple[list[tuple[PseudoLabel, Image]], int | None]:
    class_id = class_.id if class_ else None
    after_id = position(_PAGING, (project.id, class_id))
    with state.runtime().database.reading() as uow:
        found = review.accepted(uow, project.id, class_id=class_id, after_id=after_id, limit=_PAGE + 1)
    return list(found[:_PAGE]), found[_PAGE - 1][0].id if len(found) > _PAGE else None


def _tile(label: PseudoLabel, image: Image, names: dict[int, str]) -> Tile:
    # The number that the gate compares with its threshold; where the views disagree it is 0 and says nothing.
    return Tile(
        image=image,
        title=names.get(label.class_id, "?"),
        detail=f"{label.score or label.confidence:.0%} sure",
        pseudo_label_id=label.id,
    )


main()
