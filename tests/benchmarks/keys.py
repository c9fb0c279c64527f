"""Times key press → next image painted in a real browser: `python -m tests.benchmarks.keys --folder /var/tmp/million`.

The labeller measures itself: from the key's event to the frame after the next image was handed to the browser.
`--people` label beside it over HTTP at two answers a second each; with `--training` a real round trains meanwhile.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.db.unit_of_work import Database
from tests.benchmarks import million, timed_server
from tests.benchmarks.engines import Engine, kept
from tests.benchmarks.measuring import circumstances, quantiles
from tests.benchmarks.training import training
from tests.live_server import LiveServer
from tests.real_services import chromium_flags, chromium_program
from tests.steady import Steady, answering

if TYPE_CHECKING:
    from playwright.sync_api import Page

WATCH = """
window.measured = [];
new PerformanceObserver((list) => {
  for (const one of list.getEntries()) window.measured.push([one.name, one.duration]);
}).observe({ type: "measure" });
"""
THINK = 0.12
"""Seconds between a painted image and the next key: faster than anybody labels."""
LOOK = 2.0
"""Seconds between a painted grid and Enter: faster than anybody looks at 24 images."""


def label(page: Page, times: int) -> list[float]:
    """Press a key for each image that is painted; gives back what the labeller measured."""
    root = page.locator("section.labeller")
    root.wait_for()
    handle = root.element_handle()
    painted = "root => root.dataset.image && root.dataset.painted === root.dataset.image"
    for turn in range(times):
        page.wait_for_function(painted, arg=handle, timeout=120_000)
        time.sleep(THINK)
        page.keyboard.press(str(1 + turn % 9))
    page.wait_for_function(painted, arg=handle, timeout=120_000)
    root.locator(".status.saved").wait_for(timeout=120_000)
    return measured(page, "ssmae:answer")


def accept_grids(page: Page, times: int) -> list[float]:
    """Accept one grid after the other; gives back what the grid measured."""
    root = page.locator("section.grid-mode")
    root.wait_for()
    handle = root.element_handle()
    for _ in range(times):
        page.wait_for_function("root => root.dataset.state === 'grid' && root.dataset.painted", arg=handle)
        before = root.get_attribute("data-painted")
        time.sleep(LOOK)
        page.keyboard.press("Enter")
        page.wait_for_function(
            "([root, before]) => root.dataset.painted && root.dataset.painted !== before", arg=[handle, before]
        )
    return measured(page, "ssmae:grid")


def measured(page: Page, name: str) -> list[float]:
    """The durations of one of the page's own measures."""
    page.wait_for_timeout(200)
    found: list[list[Any]] = page.evaluate("window.measured")
    return [duration for one, duration in found if one == name]


@contextmanager
def browser_page() -> Iterator[Page]:
    """A page of a fresh browser that notes what pages measure."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_program(), args=chromium_flags(), headless=True)
        page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
        page.set_default_timeout(60_000)
        page.add_init_script(WATCH)
        yield page
        browser.close()


def main() -> None:
    """Measure on the engines that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--engine", type=Engine, choices=list(Engine), nargs="+", default=list(Engine))
    parser.add_argument("--keys", type=int, default=300)
    parser.add_argument("--grids", type=int, default=20)
    parser.add_argument("--people", type=int, default=0)
    parser.add_argument("--training", action="store_true", help="a real round trains beside")
    options = parser.parse_args()
    for engine in options.engine:
        with ExitStack() as stack:
            folder = options.folder / engine
            url = stack.enter_context(kept(engine, folder))
            database = Database(url, lambda *_: None)
            built = million.find(database)
            million.write_files(database, folder, million.served_first(database, built))
            database.engine.dispose()
            times = folder / "times.jsonl"
            times.unlink(missing_ok=True)
            server = stack.enter_context(LiveServer(folder, url, timed_server.SERVE, **{timed_server.FILE: str(times)}))
            others = [
                Steady(built.project_id, one, built.class_ids, a_second=2, batch=3, looks=True)
                for one in built.annotator_ids[1 : options.people + 1]
            ]
            page = stack.enter_context(browser_page())
            page.goto(f"{server.url}/?project={built.project_id}&as=person 1")
            page.get_by_role("link", name="Label", exact=True).click()
            page.locator("section.labeller[data-painted]").wait_for()
            before = server.cpu_seconds()
            with answering(others, server.url), training(folder, is_wanted=options.training) as trained:
                answers = label(page, options.keys)
                load, labels = circumstances(), options.keys + sum(len(one.acknowledged) for one in others)
                cpu = 1000 * (server.cpu_seconds() - before) / labels
                grids: list[float] = []
                if options.grids:
                    page.get_by_role("link", name="Grid", exact=True).click()
                    grids = accept_grids(page, options.grids)
                beside = f"{options.people} people beside, a round that used {trained():.0f} s of CPU"
            print(f"{engine}, {beside}; p50 / p95 / max; {load}")
            print(f"  key → next image painted   {quantiles(answers)}")
            print(f"  Enter → next grid painted  {quantiles(grids)}")
            for what, took in sorted(timed_server.read(times).items()):
                print(f"  server: {what:18} {quantiles(took)}")
            print(f"  server CPU per label       {cpu:7.1f} ms")
            print(f"  server memory              {server.memory():7.0f} MB")
            for one in others:
                for trouble in one.surprises[:3]:
                    print(f"  TROUBLE {trouble}")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
