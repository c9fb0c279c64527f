"""Links to files that our own routes stream: nothing passes through the page's memory."""

from __future__ import annotations

import html

import streamlit as st


def download_link(text: str, address: str) -> None:
    """A link, drawn as a button, that downloads from an address of this server."""
    st.html(
        f'<a class="ssmae-download" href="{html.escape(address, quote=True)}" download>{html.escape(text)}</a>',
        width="content",
    )
