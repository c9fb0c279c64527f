"""What the browser still has to send: said in the side bar of every page, and sent from whichever page is open."""

from __future__ import annotations

import streamlit as st

from app.ui import state
from app.ui.components import assets


def unsent() -> None:
    """Tell the browser whose page this is, and let it say what is not saved yet; nothing is seen while all is well."""
    caller = state.caller()
    st.components.v2.component("ssmae_unsent", js=assets.LOADER)(
        key="unsent",
        data={
            "assets": assets.base(),
            "module": "unsent.js",
            "session": {
                "annotator_id": caller.annotator_id,
                "name": state.annotator_name(),
                "csrf": caller.csrf,
                "database": state.runtime().database_uid,
            },
        },
    )
