"""The confusion matrix whose cells open the images behind them."""

from __future__ import annotations

import streamlit as st

from app.services import reports
from app.services.reports import Confusion
from app.ui import charts, state
from app.ui.components.tables import table
from app.ui.components.thumbnails import thumbnails

_LIMIT = 60
_PEOPLE, _MODEL = "confusion-people", "confusion-model"


def confusion_matrix(round_id: int, table_of: Confusion) -> None:
    """Draw the matrix; a click on a cell, or the two lists below it, choose what is shown."""
    names = dict(table_of.classes)
    chart_key = f"confusion-{round_id}"
    worst = table_of.worst or (table_of.classes[0][0], table_of.classes[0][0])
    for key, class_id in zip((_PEOPLE, _MODEL), worst, strict=True):
        if st.session_state.get(key) not in names or st.session_state.get("confusion-round") != round_id:
            st.session_state[key] = class_id
    st.session_state["confusion-round"] = round_id
    st.altair_chart(
        charts.confusion(table_of, is_dark=st.context.theme.type == "dark"),
        width="stretch",
        key=chart_key,
        on_select=lambda: _clicked(chart_key),
        selection_mode=charts.CELL,
    )
    left, right = st.columns(2)
    people = left.selectbox("People say", list(names), format_func=names.__getitem__, key=_PEOPLE)
    model = right.selectbox("The model says", list(names), format_func=names.__getitem__, key=_MODEL)
    _images(round_id, table_of.counts.get((people, model), 0), people, model)
    with st.expander("The numbers", icon=":material/table_rows:"):
        rows = [
            {"people say": true_name, "model says": said_name, "images": table_of.counts.get((true, said), 0)}
            for true, true_name in table_of.classes
            for said, said_name in table_of.classes
        ]
        table(rows, name="confusion-matrix")


def _clicked(chart_key: str) -> None:
    cells = st.session_state[chart_key]["selection"].get(charts.CELL, [])
    if cells:
        st.session_state[_PEOPLE], st.session_state[_MODEL] = cells[0]["true_id"], cells[0]["said_id"]


def _images(round_id: int, count: int, people: int, model: int) -> None:
    if not count:
        st.caption("No test image is in this cell.")
        return
    with state.runtime().database.reading() as uow:
        images = reports.confusion_images(uow, round_id, people, model, limit=_LIMIT)
    more = f", the {_LIMIT} most confident are shown" if count > _LIMIT else ""
    st.caption(f"{count:,} test image{'' if count == 1 else 's'} in this cell{more}, most confident first.")
    thumbnails(images, key=f"cell-{round_id}-{people}-{model}", label="Test images of the chosen cell")
