"""The parent's end of a child process: start it, hear it, stop it, kill it. Must never import torch."""

from __future__ import annotations

import json
import logging
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import IO, Any

from app.settings import child_environment
from worker.child import Kind, Work

log = logging.getLogger(__name__)

GRACE_SECONDS = {Work.ROUND: 1.0, Work.SELECTION: 1.0, Work.IMPORT: 10.0}
"""A child that was told to stop and still runs after this is killed; it ends itself a little earlier."""
_LINES_KEPT = 40


@dataclass(frozen=True)
class Failure:
    """What a child said before it gave up."""

    why: str
    traceback: str


class Child:
    """One piece of work in a process of its own: its memory is free when it ends, and its death harms nobody."""

    def __init__(self, work: Work, *ids: int, gpus: str | None = None) -> None:
        extra = {} if gpus is None else {"CUDA_VISIBLE_DEVICES": gpus, "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "worker.child", work, *map(str, ids)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=child_environment(**extra),
            start_new_session=True,  # a Ctrl-C in the terminal is for the worker, which then tells the child
        )
        self._grace = GRACE_SECONDS[work]
        self.failure: Failure | None = None
        self._progress: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._last_lines: deque[str] = deque(maxlen=_LINES_KEPT)
        self._told_at: float | None = None
        self._readers = [
            threading.Thread(target=read, args=(pipe,), daemon=True)
            for read, pipe in ((self._read_messages, self._process.stdout), (self._read_log, self._process.stderr))
        ]
        for reader in self._readers:
            reader.start()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def exit_status(self) -> int | None:
        """None while it runs; negative if a signal ended it."""
        return self._process.poll()

    @property
    def last_lines(self) -> str:
        """The end of what it wrote to standard error."""
        return "\n".join(self._last_lines)

    def wait(self, seconds: float) -> bool:
        """Wait a little; whether it has ended. A child past its grace is killed here."""
        if self._told_at is not None and time.monotonic() - self._told_at > self._grace:
            self.kill()
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        for reader in self._readers:
            reader.join(timeout=5)
        return True

    def newest_progress(self) -> dict[str, Any] | None:
        """The last thing it said since the last call; older messages are dropped."""
        newest = None
        while not self._progress.empty():
            newest = self._progress.get()
        return newest

    def stop(self) -> None:
        """Tell it to stop, once."""
        if self._told_at is None:
            self._told_at = time.monotonic()
            try:
                self._stdin().write(b"s")
                self._stdin().flush()
            except OSError:
                log.debug("Process %d ended before it could be told to stop.", self.pid)

    def kill(self) -> None:
        """End it and whatever it started, at once; harmless if it has ended."""
        if self._process.poll() is None:
            try:
                os.killpg(self._process.pid, signal.SIGKILL)
            except ProcessLookupError:
                log.debug("Process %d ended before it could be killed.", self.pid)
            self._process.wait()

    def close(self) -> None:
        """Kill it if it runs and close the pipes."""
        self.kill()
        for reader in self._readers:
            reader.join(timeout=5)
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            assert pipe is not None
            try:
                pipe.close()
            except OSError:  # flushing the order to a process that ended before it read it
                log.debug("Process %d did not read its last order.", self.pid)

    def _stdin(self) -> IO[bytes]:
        assert self._process.stdin is not None
        return self._process.stdin

    def _read_messages(self, pipe: IO[bytes]) -> None:
        for line in pipe:
            message = json.loads(line)
            if message.pop("kind") == Kind.PROGRESS:
                self._progress.put(message)
            else:
                self.failure = Failure(**message)

    def _read_log(self, pipe: IO[bytes]) -> None:
        for line in pipe:
            text = line.decode(errors="replace").rstrip()
            self._last_lines.append(text)
            sys.stderr.write(text + "\n")
