"""The server in a process of its own; a trial can kill it and start it again on the same port."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.request
from contextlib import ExitStack
from pathlib import Path
from typing import Self

import psutil

from tests.real_services import child, free_port

WITH_ACCOUNTS = "from app import server, settings; server.serve(settings.load())"
SERVE = """
from dataclasses import replace
from app import server, settings
server.serve(replace(settings.load(), no_auth=True))
"""
_START_SECONDS = 60


class LiveServer:
    """One server over one data directory and one database; nobody signs in, unless started `WITH_ACCOUNTS`."""

    def __init__(self, folder: Path, database_url: str, code: str = SERVE, **environment: str) -> None:
        self.folder, self.database_url = folder, database_url
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / "server.log"
        self._code = code
        self._environment = os.environ | environment | {
            "DATA_DIR": str(folder), "DATABASE_URL": database_url, "PORT": str(self.port), "HOST": "127.0.0.1",
        }  # fmt: skip
        self._life = ExitStack()
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        command = [sys.executable, "-c", self._code]
        self.process = self._life.enter_context(child(command, self.log, env=self._environment))
        begun = time.monotonic()
        while not self.answers():
            if time.monotonic() - begun > _START_SECONDS or self.process.poll() is not None:
                raise RuntimeError(self.log.read_text())
            time.sleep(0.05)

    def answers(self) -> bool:
        """Whether it answers now."""
        try:
            with urllib.request.urlopen(f"{self.url}/healthz", timeout=5) as reply:
                return bool(reply.status == 200)
        except OSError:
            return False

    def kill(self) -> None:
        """End it as a crash would: nothing is tidied up."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.stop()

    def stop(self) -> None:
        """Ask it to end."""
        self._life.close()
        self._life = ExitStack()
        self.process = None

    def memory(self) -> float:
        """Resident memory in MB."""
        assert self.process is not None
        return float(psutil.Process(self.process.pid).memory_info().rss) / 2**20

    def cpu_seconds(self) -> float:
        """CPU time it has used."""
        assert self.process is not None
        times = psutil.Process(self.process.pid).cpu_times()
        return float(times.user + times.system)
