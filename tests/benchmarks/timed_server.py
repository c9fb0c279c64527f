"""The server, with a line in a file for every request and for every lease: what the other benchmarks start."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import uvicorn

from app import server, settings
from app.services import queues

SERVE = "from tests.benchmarks import timed_server; timed_server.main()"
FILE = "TIMES"


def main() -> None:
    """Serve as `ssmae serve --no-auth` does."""
    with Path(os.environ[FILE]).open("a", buffering=1, encoding="utf-8") as times:

        def note(what: str, begun: float, computed: float) -> None:
            line = {
                "what": what,
                "ms": 1000 * (time.perf_counter() - begun),
                "cpu": 1000 * (time.thread_time() - computed),
            }
            times.write(json.dumps(line) + "\n")

        queues.take = _timed("lease", queues.take, note)
        run = uvicorn.run
        uvicorn.run = lambda app, **options: run(_Timed(app, note), **options)
        server.serve(replace(settings.load(), no_auth=True))


def read(path: Path) -> dict[str, list[float]]:
    """Milliseconds of everything noted, by what it was."""
    found: dict[str, list[float]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        noted = json.loads(line)
        found.setdefault(noted["what"], []).append(noted["ms"])
    return found


def _timed(what: str, run: Callable[..., Any], note: Callable[[str, float, float], None]) -> Callable[..., Any]:
    def timed(*args: Any, **kwargs: Any) -> Any:
        begun, computed = time.perf_counter(), time.thread_time()
        try:
            return run(*args, **kwargs)
        finally:
            note(what, begun, computed)

    return timed


class _Timed:
    """The ASGI application, with a note of how long each request of ours took, in whatever thread."""

    def __init__(self, app: Any, note: Callable[[str, float, float], None]) -> None:
        self._app, self._note = app, note

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        begun = time.perf_counter()
        await self._app(scope, receive, send)
        path = scope.get("path", "")
        if scope["type"] == "http" and path.startswith(("/api/", "/img/")):
            what = "image" if path.startswith("/img/") else path.rsplit("/", 1)[-1]
            self._note(what, begun, time.thread_time())
