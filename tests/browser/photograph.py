"""Takes the pictures of docs/pages.md from a running demo: `python -m tests.browser.photograph http://127.0.0.1:8501`.

Nothing is answered; play the demo for two rounds first, so that every page has something to show.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tests.real_services import chromium_flags, chromium_program

PAGES = (
    "Overview", "Label", "Grid", "Review", "Team", "Audit", "Second look", "Rounds", "Accuracy", "Quality", "Images",
    "Import", "Export", "Settings", "Projects",
)  # fmt: skip
_DOCS = Path(__file__).parents[2] / "docs"
_SETTLED = 4000
"""Milliseconds in which a page has drawn its charts and images."""


def main(url: str) -> None:
    """Open every page in light and in dark."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_program(), args=chromium_flags(), headless=True)
        for scheme in ("light", "dark"):
            page = browser.new_context(viewport={"width": 1280, "height": 860}, color_scheme=scheme).new_page()
            page.on("pageerror", lambda error: print(f"TROUBLE {error}", file=sys.stderr))
            page.goto(url)
            for name in PAGES:
                page.get_by_role("link", name=name, exact=True).click()
                page.wait_for_timeout(_SETTLED)
                file = f"{name.lower().replace(' ', '-')}-{scheme}.png"
                page.screenshot(path=_DOCS / file if file == "overview-light.png" else _DOCS / "pages" / file)
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1])
