"""Quality: which classes are hard, what is taken for what, and the images behind it."""

from __future__ import annotations

import streamlit as st

from app.services import reports
from app.services.blindness import without_folder
from app.services.reports import ClassRow, ImageRow
from app.ui import charts, state
from app.ui.components.charted import charted
from app.ui.components.confusion_matrix import confusion_matrix
from app.ui.components.layout import empty, header, project_or_stop
from app.ui.components.tables import table
from app.ui.components.thumbnails import thumbnails
from app.ui.words import percent

_SHARE = st.column_config.NumberColumn(format="percent")


def main() -> None:
    """Draw the page."""
    header("Quality", "Where the model is right and where it is wrong, on the labelled test images.")
    project = project_or_stop()
    with state.runtime().database.reading() as uow:
        curve = reports.learning_curve(uow, project.id)
    if not curve:
        empty(
            "Nothing is measured yet.",
            "After a round, this page shows the model's mistakes on the labelled test images.",
            page="rounds",
            link="Train a round",
        )
        return
    points = {point.round_id: point for point in reversed(curve)}
    chosen = st.selectbox(
        "Round",
        list(points),
        format_func=lambda one: f"Round {points[one].round_number} · {percent(points[one].test.value)}",
        key=f"quality-round-{project.id}",
    )
    with state.runtime().database.reading() as uow:
        classes = reports.per_class(uow, chosen)
        confusion = reports.confusion(uow, chosen)
        wrong = reports.mistakes(uow, chosen)
        owed = state.owed_blind(uow, project.id, [one.image_id for one in wrong])
        wrong = [one for one in wrong if one.image_id not in owed]
    st.subheader("Classes", anchor=False)
    _classes(classes)
    st.subheader("Confusion matrix", anchor=False)
    st.caption(
        "Rows are what people say, columns what the model says; colour is the share of the row. Choose a cell to see "
        "its images."
    )
    confusion_matrix(chosen, confusion)
    st.subheader("Confident mistakes", anchor=False)
    _mistakes(chosen, wrong)


def _classes(classes: list[ClassRow]) -> None:
    st.caption("Bars are exact 95 % intervals: a class with few test images cannot be judged yet.")
    rows = [
        {
            "class": row.name,
            "right": row.recall.value,
            "at least": row.recall.low,
            "at most": row.recall.high,
            "test images": row.recall.n,
            "precision": row.precision.value,
            "called so by the model": row.precision.n,
            "training labels": row.training_labels,
        }
        for row in classes
    ]
    columns = dict.fromkeys(("right", "at least", "at most", "precision"), _SHARE)
    charted(charts.per_class(classes), rows, name="classes", columns=columns)


def _mistakes(round_id: int, wrong: list[ImageRow]) -> None:
    if not wrong:
        st.caption("Every labelled test image is right.")
        return
    st.caption(
        "Test images that the model got wrong although it was sure. Some may be labelled wrongly: people err too. Open "
        "one to flag it; its label is not changed from here, because then the accuracy could only go up."
    )
    thumbnails(wrong, key=f"mistakes-{round_id}", label="Confident mistakes")
    with st.expander("The numbers", icon=":material/table_rows:"):
        rows = [
            {
                "image": without_folder(one.name),
                "people say": one.true_class,
                "model says": one.predicted_class,
                "confidence": one.confidence,
            }
            for one in wrong
        ]
        table(rows, name="confident-mistakes", columns={"confidence": _SHARE})


main()
