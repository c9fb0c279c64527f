"""The labelling page as one would first write it in Streamlit: an image, a button a class, a rerun for each answer."""

from __future__ import annotations

import os
import time
import uuid
from pathlib import Path

import streamlit as st

from app.db.unit_of_work import Database, committed
from app.domain.labels import Action, Queue
from app.services import annotation, queues
from app.storage import Storage, image_key
from tests.benchmarks import million

folder = Path(os.environ["DATA_DIR"])


@st.cache_resource
def opened() -> Database:
    return Database(os.environ["DATABASE_URL"], lambda *_: None)


database = opened()
built = st.cache_data(lambda: million.find(opened()))()
me = built.annotator_ids[0]


def answer(image_id: int, class_id: int) -> None:
    with committed(database) as uow:
        annotation.answer(
            uow, uid=str(uuid.uuid4()), image_id=image_id, annotator_id=me, action=Action.LABEL, class_id=class_id,
            queue=Queue.SELECTION,
        )  # fmt: skip


begun = time.perf_counter()
with database.reading() as uow:
    (item,) = queues.next_images(uow, built.project_id, Queue.SELECTION, me, 1)
    left = queues.progress(uow, built.project_id, Queue.SELECTION, me).left
st.caption(f"{left:,} left")
st.image(Storage(folder / "files").path(image_key(item.sha256, item.suffix)).read_bytes())
for number, (class_id, name) in enumerate(zip(built.class_ids, million.CLASSES, strict=True)):
    st.button(name, shortcut=str(number), on_click=answer, args=(item.image_id, class_id))
