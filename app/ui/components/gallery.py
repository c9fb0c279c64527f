"""A grid of thumbnails in the browser: to look at, or to revoke."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import streamlit as st

from app.db.models import Image
from app.services import blindness
from app.ui.components import assets


class Mode(StrEnum):
    """What can be done with the images of a grid, besides opening one."""

    LOOK = "look"
    REVOKE = "revoke"


@dataclass(frozen=True, kw_only=True)
class Tile:
    """One image of a grid, with its two lines of text."""

    image: Image
    title: str
    detail: str
    name: str | None = None
    pseudo_label_id: int | None = None


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """What was clicked in the last run: an image to open, a pseudo-label to revoke."""

    open: int | None
    revoke: int | None


def gallery(
    tiles: Sequence[Tile],
    *,
    key: str,
    label: str,
    mode: Mode = Mode.LOOK,
    on_revoke: Callable[[], None] | None = None,
) -> Chosen:
    """Mount a grid; gives back what was clicked.

    Args:
        tiles: what it shows, in order.
        key: distinguishes it from other grids of the page.
        label: what the grid holds, for screen readers.
        mode: what can be done.
        on_revoke: called when somebody revokes; `st.session_state[key]["revoke"]` is the pseudo-label.
    """
    mount = st.components.v2.component("ssmae_gallery", js=assets.LOADER)
    result = mount(
        key=key,
        data={
            "assets": assets.base(),
            "module": "gallery.js",
            "mode": str(mode),
            "label": label,
            "images": [_tile_json(tile) for tile in tiles],
        },
        on_open_change=_noticed,
        on_revoke_change=on_revoke or _noticed,
    )
    return Chosen(open=result.open, revoke=result.revoke)


def _noticed() -> None:
    """The page is drawn anew and reads the click from what `gallery` gives back."""


def _tile_json(tile: Tile) -> dict[str, object]:
    image = tile.image
    return {
        "id": image.id,
        "v": image.sha256[:16],
        "name": tile.name or blindness.shown_name(image),
        "width": image.width,
        "height": image.height,
        "pseudo_label_id": tile.pseudo_label_id,
        "title": tile.title,
        "detail": tile.detail,
    }
