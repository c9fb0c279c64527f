"""The labeller: a component in the browser that holds the queue and the keyboard. Python only mounts it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import streamlit as st

from app.db.models import ImageClass
from app.db.queries import projects
from app.domain.labels import Queue
from app.ui import state
from app.ui.components import assets
from app.ui.components.layout import annotator_or_stop
from ssmae.config import Acquisition


@dataclass(frozen=True, kw_only=True)
class Texts:
    """What the labeller says where there is no image."""

    finished: str
    nothing_title: str
    nothing: str


def labeller(project_id: int, queue: Queue, texts: Texts, *, context: bool = False, proposal: str = "") -> None:
    """Mount the labeller for one queue and whoever is at the browser.

    What it is drawn in, a fragment or the page, is drawn anew a while after answers were saved.

    Args:
        project_id: whose images.
        queue: which of its queues.
        texts: what to say where there is no image.
        context: also show what the model thinks of the image, and what looks alike to it.
        proposal: what stands before the class that is proposed; else that the model says so.
    """
    annotator = annotator_or_stop()
    with state.runtime().database.reading() as uow:
        classes = projects.classes(uow.session, project_id)
    mount = st.components.v2.component("ssmae_labeller", js=assets.LOADER)
    mount(
        key=f"labeller-{project_id}-{queue}-{annotator.id}",
        data={
            "assets": assets.base(),
            "module": "labeller.js",
            "project_id": project_id,
            "queue": str(queue),
            "annotator_id": annotator.id,
            "annotator_name": annotator.name,
            "classes": classes_json(classes),
            "strategies": {str(one): one.label for one in Acquisition},
            "texts": asdict(texts),
            "fresh": state.answers_of_others(),
            "context": context,
            "proposal": proposal,
        },
        on_progress_change=saved,
    )


def saved() -> None:
    """Answers were saved: Streamlit draws the counts around the component anew after any message of it."""


def classes_json(classes: Sequence[ImageClass]) -> list[Mapping[str, Any]]:
    """Classes as the browser's side takes them, which knows the person's keys."""
    return [{"id": one.id, "name": one.name} for one in classes]
