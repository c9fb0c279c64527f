"""The labeller: a component in the browser that holds the queue and the keyboard. Python only mounts it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import streamlit as st

from app.db.models import Annotator, ImageClass
from app.domain.labels import Queue
from app.ui.components import assets
from ssmae.config import Acquisition


@dataclass(frozen=True, kw_only=True)
class Texts:
    """What the labeller says where there is no image."""

    finished: str
    nothing_title: str
    nothing: str


def labeller(
    *,
    project_id: int,
    queue: Queue,
    annotator: Annotator,
    classes: Sequence[ImageClass],
    texts: Texts,
    fresh: int,
    on_progress: Callable[[], None],
    context: bool = False,
    proposal: str = "",
) -> None:
    """Mount the labeller for one queue.

    Args:
        project_id: whose images.
        queue: which of its queues.
        annotator: who answers.
        classes: in their order; their keys follow from it.
        texts: what to say where there is no image.
        fresh: another number makes the labeller ask again for the images it holds.
        on_progress: called, at most every two seconds, after answers were saved.
        context: also show what the model thinks of the image, and what looks alike to it.
        proposal: what stands before the class that is proposed; else that the model says so.
    """
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
            "fresh": fresh,
            "context": context,
            "proposal": proposal,
        },
        on_progress_change=on_progress,
    )


def classes_json(classes: Sequence[ImageClass]) -> list[Mapping[str, Any]]:
    """Classes as the browser's side takes them, which knows the person's keys."""
    return [{"id": one.id, "name": one.name} for one in classes]
