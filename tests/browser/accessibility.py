"""What axe-core says of a page: the same check for every page, in both themes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from axe_playwright_python.sync_playwright import Axe

if TYPE_CHECKING:
    from playwright.sync_api import Page

GRAVE = frozenset({"serious", "critical"})
SCOPE = {"exclude": [['[data-testid="stSidebarNavItems"]']]}
"""Streamlit's own list of pages has a div between the list and its items, which no setting changes."""


def barriers(page: Page) -> list[str]:
    """What would keep people out of this page as it is now, of serious or critical impact: one sentence each."""
    page.evaluate(Axe().axe_script)
    found = page.evaluate("scope => axe.run(scope, { resultTypes: ['violations'] })", SCOPE)["violations"]
    return [
        f"{one['id']} at {node['target']}: {node['failureSummary']}"
        for one in found
        if one["impact"] in GRAVE
        for node in one["nodes"]
    ]
