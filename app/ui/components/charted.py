"""A chart with its numbers: the picture, then the same data as a table with its download."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from app.ui.components.tables import table


def charted(
    chart: Any, rows: Sequence[Mapping[str, Any]], *, name: str, columns: Mapping[str, Any] | None = None
) -> None:
    """Draw a chart and fold its data below it.

    Args:
        chart: any Altair chart.
        rows: the data in the words of a table; its keys are the headings.
        name: the downloaded file's name without its ending.
        columns: Streamlit column configuration by heading.
    """
    st.altair_chart(chart, width="stretch", key=f"chart-{name}")
    with st.expander("The numbers", icon=":material/table_rows:"):
        table(rows, name=name, columns=columns)
