"""Times the naive page beside ours: `python -m tests.benchmarks.naive --folder /var/tmp/million`.

From the key to the next image painted, as a person would see it: another picture that the browser has decoded and
handed to a frame.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

from tests.benchmarks.engines import Engine, kept
from tests.benchmarks.keys import THINK, browser_page
from tests.benchmarks.measuring import circumstances, quantiles
from tests.real_services import child, free_port

PAGE = Path(__file__).with_name("naive_page.py")
PRESSED = """
addEventListener("keydown", () => {
  const at = performance.now();
  const before = document.querySelector("[data-testid=stImage] img, [data-testid=stImageContainer] img")?.src;
  const look = () => {
    const image = document.querySelector("[data-testid=stImage] img, [data-testid=stImageContainer] img");
    if (!image || image.src === before || !image.complete || !image.naturalWidth) return requestAnimationFrame(look);
    requestAnimationFrame(() => setTimeout(() => (window.painted ??= []).push(performance.now() - at)));
  };
  look();
}, true);
"""


def main() -> None:
    """Measure on the engines that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--engine", type=Engine, choices=list(Engine), nargs="+", default=list(Engine))
    parser.add_argument("--keys", type=int, default=100)
    options = parser.parse_args()
    for engine in options.engine:
        folder, port = options.folder / engine, free_port()
        with kept(engine, folder) as url:
            env = os.environ | {"DATA_DIR": str(folder), "DATABASE_URL": url, "PYTHONPATH": str(Path.cwd())}
            command = [sys.executable, "-m", "streamlit", "run", str(PAGE), "--server.port", str(port)]
            command += [
                "--server.headless",
                "true",
                "--server.address",
                "127.0.0.1",
                "--browser.gatherUsageStats",
                "false",
            ]
            with child(command, folder / "naive.log", env=env), browser_page() as page:
                page.add_init_script(PRESSED)
                for _ in range(100):
                    try:
                        page.goto(f"http://127.0.0.1:{port}/")
                        break
                    except Exception:
                        time.sleep(0.3)
                page.locator("[data-testid=stButton]").last.wait_for()
                for turn in range(options.keys):
                    page.wait_for_function("n => (window.painted ?? []).length >= n", arg=turn, timeout=60_000)
                    time.sleep(THINK)
                    page.keyboard.press(str(turn % 10))
                page.wait_for_timeout(2000)
                took: list[float] = page.evaluate("window.painted")
            print(f"{engine}, naive page with a rerun a key: {quantiles(took)}; {circumstances()}", flush=True)


if __name__ == "__main__":
    main()
