"""The look that the configuration file cannot express: a style sheet and the tab's icon."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

ICON = Path(__file__).with_name("icon.svg")
_STYLE = Path(__file__).with_name("theme.css")


def apply() -> None:
    """Add the style sheet to the page."""
    st.html(_STYLE)
