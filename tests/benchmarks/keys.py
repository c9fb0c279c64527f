"""Times key press → next image painted in a real browser: `python -m tests.benchmarks.keys --folder /var/tmp/million`.

The labeller measures itself: from the key's event to the frame after the next image was handed to the browser.
`--people` label beside it over HTTP at two answers a second each; `--training` runs two processes that multiply
matrices for as long, as a round does, with the niceness that is given.
"""

from __future__ import annotations

import argparse
import os
import subprocess
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
from tests.benchmarks.people import Person, working
from tests.live_server import LiveServer
from tests.real_services import chromium_flags, chromium_program

if TYPE_CHECKING:
    from playwright.sync_api import Page

WATCH = """
window.measured = [];
new PerformanceObserver((list) => {
  for (const one of list.getEntries()) window.measured.push([one.name, one.duration]);
}).observe({ type: "measure" });
"""
BURN = "import numpy as n\na = n.random.rand(1500, 1500)\nwhile True: a = a @ a; a /= abs(a).max()"
THINK = 0.12
"""Seconds between a painted image and the next key: faster than anybody labels."""


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
        time.sleep(4 * THINK)
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


@contextmanager
def training(niceness: int | None) -> Iterator[None]:
    """Two processes that compute, like the child of a round on two cores; none without a niceness."""
    burners = [] if niceness is None else [
        subprocess.Popen([sys.executable, "-c", BURN], preexec_fn=lambda: os.nice(niceness or 0))  # noqa: PLW1509
        for _ in range(2)
    ]  # fmt: skip
    try:
        yield
    finally:
        for one in burners:
            one.kill()
            one.wait()


def main() -> None:
    """Measure on the engines that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--engine", type=Engine, choices=list(Engine), nargs="+", default=list(Engine))
    parser.add_argument("--keys", type=int, default=300)
    parser.add_argument("--grids", type=int, default=20)
    parser.add_argument("--people", type=int, default=0)
    parser.add_argument("--training", type=int, metavar="NICENESS")
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
                Person(server.port, built.project_id, one, built.class_ids)
                for one in built.annotator_ids[1 : options.people + 1]
            ]
            page = stack.enter_context(browser_page())
            page.goto(f"{server.url}/?project={built.project_id}&as=person 1")
            page.get_by_role("link", name="Label", exact=True).click()
            page.locator("section.labeller[data-painted]").wait_for()
            before = server.cpu_seconds()
            with working(others), training(options.training):
                answers = label(page, options.keys)
                load = circumstances()
            beside = f"{options.people} people beside, " + (
                "no training" if options.training is None else f"training with niceness {options.training}"
            )
            print(f"{engine}, {beside}; p50 / p95 / max; {load}")
            print(f"  key → next image painted   {quantiles(answers)}")
            if options.grids:
                page.get_by_role("link", name="Grid", exact=True).click()
                print(f"  Enter → next grid painted  {quantiles(accept_grids(page, options.grids))}")
            for what, took in sorted(timed_server.read(times).items()):
                print(f"  server: {what:18} {quantiles(took)}")
            labels = options.keys + sum(len(one.answered) for one in others)
            print(f"  server CPU per label       {1000 * (server.cpu_seconds() - before) / labels:7.1f} ms")
            print(f"  server memory              {server.memory():7.0f} MB")
            for one in others:
                for trouble in one.troubles[:3]:
                    print(f"  TROUBLE {trouble}")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
