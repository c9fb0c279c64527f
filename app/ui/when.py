"""Times as the person at the browser reads them: in their own time zone."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st


def zone() -> tzinfo:
    """The browser's time zone; UTC where it does not say, or names one that this machine does not know."""
    name = st.context.timezone
    try:
        return ZoneInfo(name) if isinstance(name, str) else UTC
    except (ZoneInfoNotFoundError, ValueError):
        return UTC


def moment(at: datetime) -> str:
    """For instance "5 Mar 2026, 14:02"."""
    local = at.astimezone(zone())
    return f"{local.day} {local:%b %Y, %H:%M}"
