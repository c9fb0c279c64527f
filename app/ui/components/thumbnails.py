"""Test images with what people and the model say of them; a click opens one, where it can be flagged."""

from __future__ import annotations

from collections.abc import Sequence

from app.db.queries import images as image_queries
from app.services.reports import ImageRow
from app.ui import state
from app.ui.components.gallery import Tile, gallery
from app.ui.components.image_card import image_dialog


def thumbnails(rows: Sequence[ImageRow], *, key: str, label: str) -> None:
    """Show images in the given order.

    Args:
        rows: what to show.
        key: distinguishes this wall from others of the page.
        label: what the wall holds, for screen readers.
    """
    with state.runtime().database.reading() as uow:
        by_id = {image.id: image for image in image_queries.some(uow.session, [row.image_id for row in rows])}
        for project_id in {image.project_id for image in by_id.values()}:
            for image_id in state.owed_blind(uow, project_id, list(by_id)):
                by_id.pop(image_id, None)
    tiles = [
        Tile(
            image=by_id[row.image_id],
            title=row.true_class if row.is_right else f"{row.true_class}, taken for {row.predicted_class}",
            detail=f"{row.confidence:.0%} sure",
        )
        for row in rows
        if row.image_id in by_id
    ]
    if (opened := gallery(tiles, key=key, label=label).open) is not None:
        image_dialog(opened)
