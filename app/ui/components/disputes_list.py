"""Images that wait for a decision: one after the other with a key each, or as a list."""

from __future__ import annotations

import streamlit as st

from app.db.queries import projects
from app.domain.labels import Queue
from app.domain.people import Adjudication
from app.services import reports
from app.ui import state
from app.ui.components.gallery import Tile, gallery
from app.ui.components.image_card import image_dialog
from app.ui.components.labeller import Texts, labeller
from app.ui.components.layout import empty
from app.ui.components.paging import pager, position

_PAGE = 24
_PAGING = "disputes-paging"
_TEXTS = Texts(
    finished="Every dispute is decided.",
    nothing_title="Nothing waits for a decision",
    nothing="Images appear here when people disagree about them, or when nobody knew.",
)
_RULES = {
    Adjudication.MAJORITY: "What most people say is the label. These images are tied, or somebody was not sure and "
    "nobody knew: your answer decides.",
    Adjudication.LEAD: "People disagree about these images, or somebody was not sure and nobody knew. Until a lead "
    "decides, they have no label.",
}


def disputes_list(project_id: int) -> None:
    """Draw the list, or the labeller over it: that stays when nothing is left, so that the last key can be undone."""
    with state.runtime().database.reading() as uow:
        rule = projects.one(uow.session, project_id).adjudication
    st.caption(_RULES[rule])
    how = st.segmented_control(
        "How", ["One by one", "As a list"], default="One by one", required=True, label_visibility="collapsed",
        key="disputes-how",
    )  # fmt: skip
    if how == "As a list":
        _list(project_id)
    else:
        labeller(project_id, Queue.ADJUDICATION, _TEXTS)


def _list(project_id: int) -> None:
    after = position(_PAGING, project_id)
    with state.runtime().database.reading() as uow:
        found = reports.disputes(uow, project_id, after_id=after, limit=_PAGE + 1)
    if not found:
        empty(f"{_TEXTS.nothing_title}.", _TEXTS.nothing)
        return
    shown, following = found[:_PAGE], found[_PAGE - 1].image.id if len(found) > _PAGE else None
    tiles = [
        Tile(
            image=one.image,
            title=" · ".join(f"{what} ({count})" for what, count in one.votes.most_common()),
            detail=", ".join(f"{said.who}: {said.what}" for said in one.opinions),
        )
        for one in shown
    ]
    clicked = gallery(tiles, key="disputes-gallery", label="Images that wait for a decision")
    pager(_PAGING, following=following)
    if clicked.open is not None:
        image_dialog(clicked.open)
