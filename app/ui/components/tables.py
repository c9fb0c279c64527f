"""A table with its download: every chart shows its numbers with one of these."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import streamlit as st


def table(
    rows: Sequence[Mapping[str, Any]],
    *,
    name: str,
    columns: Mapping[str, Any] | None = None,
    hidden: Sequence[str] = (),
    height: int | Literal["auto"] = "auto",
) -> None:
    """Rows as a table, with a button that downloads all of their columns as CSV.

    Args:
        rows: one mapping a row, all with the same keys; the keys are the column headings.
        name: the downloaded file's name without its ending; also makes the widget's key.
        columns: Streamlit column configuration by heading.
        hidden: headings that are only in the download.
        height: height in pixels, or "auto".
    """
    if not rows:
        return
    shown = [heading for heading in rows[0] if heading not in hidden]
    st.dataframe(
        {heading: [row[heading] for row in rows] for heading in shown},
        column_config=dict(columns or {}),
        hide_index=True,
        height=height,
        key=f"table-{name}",
    )
    download(rows, name=name)


def download(rows: Sequence[Mapping[str, Any]], *, name: str) -> None:
    """A button that downloads rows as CSV."""
    st.download_button(
        "Download as CSV",
        to_csv(rows),
        file_name=f"{name}.csv",
        mime="text/csv",
        key=f"download-{name}",
        icon=":material/download:",
        type="tertiary",
        on_click="ignore",
    )


def to_csv(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """Rows as CSV in UTF-8, with a heading; a text that a spreadsheet would take for a formula is quoted as text."""
    buffer = io.StringIO()
    if rows:
        writer = csv.DictWriter(buffer, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows({key: _harmless(value) for key, value in row.items()} for row in rows)
    return buffer.getvalue().encode()


def _harmless(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value[:1] in {"=", "+", "-", "@", "\t", "\r"} else value
