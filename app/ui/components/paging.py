"""Earlier and later pages of a list that is read by key: the first id of each page is kept, never an offset."""

from __future__ import annotations

from collections.abc import Callable, Hashable

import streamlit as st


def position(key: str, filters: Hashable) -> int:
    """Where the present page begins; other filters begin at the first page again."""
    trail = st.session_state.setdefault(key, {"filters": filters, "starts": [0]})
    if trail["filters"] != filters:
        trail = st.session_state[key] = {"filters": filters, "starts": [0]}
    return int(trail["starts"][-1])


def pager(key: str, *, following: int | Callable[[], int] | None) -> None:
    """Two buttons.

    Args:
        key: as for `position`.
        following: where the next page begins, or what finds out when the button is pressed; None on the last page.
    """
    starts = st.session_state[key]["starts"]
    if len(starts) == 1 and following is None:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Back", key=f"{key}-back", disabled=len(starts) == 1, on_click=starts.pop, icon=":material/arrow_back:"
        )
        st.button(
            "Next",
            key=f"{key}-next",
            disabled=following is None,
            on_click=lambda: starts.append(following() if callable(following) else following),
            icon=":material/arrow_forward:",
        )
        st.caption(f"Page {len(starts)}")
