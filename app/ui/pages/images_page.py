"""Images: look through the pools, open one, read what was said of it."""

from __future__ import annotations

import streamlit as st

from app.db.models import Image
from app.db.queries import images, projects
from app.domain.pools import Pool, Split
from app.services import audits
from app.services.blindness import shown_name
from app.ui import state
from app.ui.components.gallery import Tile, gallery
from app.ui.components.image_card import POOLS, SPLITS, image_dialog
from app.ui.components.layout import empty, header, project_or_stop
from app.ui.components.paging import pager, position

_PAGE = 60
_PAGING = "images-paging"


def main() -> None:
    """Draw the page."""
    header("Images", "Everything that was imported. Open an image to read its history, to label or to exclude it.")
    project = project_or_stop()
    with state.runtime().database.reading() as uow:
        counts = uow.recent(images.pool_counts, project.id)
        classes = projects.classes(uow.session, project.id)
    if not counts:
        empty("There are no images yet.", "Import a folder, an archive or a manifest.", page="import", link="Import")
        return
    left, middle, right = st.columns(3)
    pool = left.selectbox("Pool", [None, *Pool], format_func=lambda one: _pool(one, counts), key="images-pool")
    split = middle.selectbox("Split", [None, *Split], format_func=lambda one: SPLITS.get(one, "All splits"))
    class_ = right.selectbox(
        "Label", [None, *classes], format_func=lambda one: one.name if one else "Any label or none", key="images-class"
    )
    class_id = class_.id if class_ else None
    after = position(_PAGING, (project.id, pool, split, class_id))
    with state.runtime().database.reading() as uow:
        found = images.page(
            uow.session, project.id, pool=pool, split=split, class_id=class_id, after_id=after, limit=_PAGE + 1
        )
        owed = state.owed_blind(uow, project.id, [image.id for image in found])
        audited = audits.state(uow, project.id).hidden
    if not found:
        empty("No image fits these filters.", "Choose another pool, split or label.")
        return
    shown, following = found[:_PAGE], found[_PAGE - 1].id if len(found) > _PAGE else None
    names = {one.id: one.name for one in classes}
    # Under a label, an image that somebody shall answer by themselves would tell it.
    shown = [image for image in shown if class_id is None or image.id not in owed]
    tiles = [_tile(image, names, shown_name(image, audited), is_owed=image.id in owed) for image in shown]
    clicked = gallery(tiles, key="images-gallery", label="Images")
    pager(_PAGING, following=following)
    if clicked.open is not None:
        image_dialog(clicked.open)


def _pool(pool: Pool | None, counts: dict[tuple[Split, Pool], int]) -> str:
    count = sum(number for (_, other), number in counts.items() if pool in {None, other})
    return f"{POOLS[pool] if pool else 'All pools'} · {count:,}"


def _tile(image: Image, names: dict[int, str], name: str, *, is_owed: bool) -> Tile:
    title = "Waits for your answer" if is_owed else names.get(image.label_class_id or 0) or POOLS[image.pool]
    return Tile(image=image, title=title, detail=f"{SPLITS[image.split]} · {name}", name=name)


main()
