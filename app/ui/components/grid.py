"""The grid: many images of one proposed class at once, in the browser. Python only mounts it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import streamlit as st

from app.db.models import Annotator, ImageClass
from app.domain.acceptance import Order
from app.domain.labels import Queue
from app.ui.components import assets
from app.ui.components.labeller import Texts, classes_json, saved

_TEXTS = Texts(
    finished="Choose another class above.",
    nothing_title="Nothing of this class is left to look at",
    nothing="Choose another class above; after the next round there are new proposals.",
)


def grid(project_id: int, annotator: Annotator, classes: Sequence[ImageClass], shown: ImageClass, order: Order) -> None:
    """Mount the grid of one class.

    Args:
        project_id: whose images.
        annotator: who answers.
        classes: in their order; their keys follow from it.
        shown: the class that the model proposes for all of them.
        order: in which order they come.
    """
    mount = st.components.v2.component("ssmae_grid", js=assets.LOADER)
    mount(
        key=f"grid-{project_id}-{shown.id}-{order}-{annotator.id}",
        data={
            "assets": assets.base(),
            "module": "grid.js",
            "project_id": project_id,
            "queue": str(Queue.GRID),
            "part": {"class_id": shown.id, "order": str(order)},
            "note": order.note,
            "name": shown.name,
            "annotator_id": annotator.id,
            "annotator_name": annotator.name,
            "classes": classes_json(classes),
            "texts": asdict(_TEXTS),
        },
        on_progress_change=saved,
    )
