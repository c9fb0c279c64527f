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
        },
        on_progress_change=on_progress,
    )


def classes_json(classes: Sequence[ImageClass]) -> list[Mapping[str, Any]]:
    """Classes as the browser's side takes them, which knows the person's keys."""
    return [{"id": one.id, "name": one.name} for one in classes]
