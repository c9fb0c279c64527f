"""Labels 2,000 images in a tab and watches the memory: `python -m tests.benchmarks.soak --folder /var/tmp/million`."""

from __future__ import annotations

import argparse
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from app.db.unit_of_work import Database
from tests.benchmarks import keys, million
from tests.benchmarks.engines import Engine, kept
from tests.benchmarks.measuring import circumstances
from tests.live_server import LiveServer

if TYPE_CHECKING:
    from playwright.sync_api import Page


def heap(page: Page) -> tuple[float, int]:
    """(MB of JavaScript objects, DOM nodes) after a garbage collection."""
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.enable")
    session.send("HeapProfiler.collectGarbage")
    session.send("Performance.enable")
    metrics = {one["name"]: one["value"] for one in session.send("Performance.getMetrics")["metrics"]}
    session.detach()
    return metrics["JSHeapUsedSize"] / 2**20, int(metrics["Nodes"])


def main() -> None:
    """Measure on the engine that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--engine", type=Engine, choices=list(Engine), default=Engine.SQLITE)
    parser.add_argument("--answers", type=int, default=2000)
    parser.add_argument("--steps", type=int, default=10)
    options = parser.parse_args()
    keys.THINK = 0.0
    with ExitStack() as stack:
        folder = options.folder / options.engine
        url = stack.enter_context(kept(options.engine, folder))
        database = Database(url, lambda *_: None)
        built = million.find(database)
        database.engine.dispose()
        server = stack.enter_context(LiveServer(folder, url))
        page = stack.enter_context(keys.browser_page())
        page.goto(f"{server.url}/?project={built.project_id}&as=person 1")
        page.get_by_role("link", name="Label", exact=True).click()
        page.locator("section.labeller[data-painted]").wait_for()
        print(f"{options.engine}, one tab; {circumstances()}\n answers   heap MB   DOM nodes   server MB")
        for step in range(options.steps + 1):
            if step:
                keys.label(page, options.answers // options.steps)
            used, nodes = heap(page)
            answers = step * options.answers // options.steps
            print(f"{answers:8}  {used:8.1f}  {nodes:10}  {server.memory():10.0f}", flush=True)


if __name__ == "__main__":
    main()
