"""Runs a few programs as one: started together, restarted when they crash, ended together by one Ctrl-C.

Each child is in a session of its own, so that a Ctrl-C in the terminal reaches the supervisor alone, and holds a pipe
to the supervisor as its standard input: when that ends, so does the child (`lifeline`), even after a kill -9 here.
"""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import IO

import click

from app.settings import child_environment

GRACE_SECONDS = 15.0
"""From the polite signal to the last one: a worker ends its round and gives it back in that time."""
CRASHES, WITHIN_SECONDS = 5, 60.0
"""This many ends in this time, and the supervisor gives up."""
LONGEST_PAUSE_SECONDS = 10.0
LINES_KEPT = 15
LARGEST_LOG_BYTES = 5_000_000
_TICK_SECONDS = 0.1


@dataclass(frozen=True, kw_only=True)
class Program:
    """Something to run.

    Attributes:
        name: what its lines begin with on the terminal, and its log's name.
        command: program and arguments.
        ends: whether it is done when it ends well; a program that does not end is restarted.
    """

    name: str
    command: Sequence[str]
    ends: bool = False


@dataclass
class _Child:
    program: Program
    log: IO[str]
    width: int
    process: subprocess.Popen[bytes] | None = None
    pump: threading.Thread | None = None
    last_lines: deque[str] = field(default_factory=lambda: deque(maxlen=LINES_KEPT))
    crashes: deque[float] = field(default_factory=lambda: deque(maxlen=CRASHES))
    start_at: float = 0.0
    is_done: bool = False


class Supervisor:
    """The programs and their fate."""

    def __init__(self, programs: Sequence[Program], log_dir: Path, environment: dict[str, str] | None = None) -> None:
        log_dir.mkdir(parents=True, exist_ok=True)
        self._environment = child_environment() if environment is None else environment
        self._log_dir = log_dir
        width = max(len(program.name) for program in programs)
        self._children = [_Child(program, _open_log(log_dir, program.name), width) for program in programs]
        self._stopping = False
        self._status = 0

    def run(self, url: str | None = None, words: str = "Open {url}   (Ctrl-C ends everything)") -> int:
        """Run everything until Ctrl-C, or until a program crashed too often.

        Args:
            url: address of the server, without a path; it is printed once, when the server answers there and the
                programs that end have ended.
            words: what is printed then.

        Returns:
            The exit status.
        """
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._on_signal)
        try:
            while not self._stopping:
                for child in self._children:
                    self._tend(child)
                is_prepared = all(child.is_done for child in self._children if child.program.ends)
                if url is not None and is_prepared and _is_healthy(url):
                    click.echo(words.format(url=url))
                    url = None
                if all(child.is_done for child in self._children):
                    break
                time.sleep(_TICK_SECONDS)
        finally:
            self._end_all()
        return self._status

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        if not self._stopping:
            click.echo("\nStopping …")
        del number
        self._stopping = True

    def _tend(self, child: _Child) -> None:
        if child.is_done:
            return
        if child.process is None:
            if time.monotonic() >= child.start_at:
                self._start(child)
            return
        status = child.process.poll()
        if status is None:
            return
        self._settle(child)
        if status == 0 and child.program.ends:
            child.is_done = True
            return
        self._crashed(child, status)

    def _start(self, child: _Child) -> None:
        child.last_lines.clear()
        child.process = subprocess.Popen(
            child.program.command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=self._environment,
            start_new_session=True,
        )
        child.pump = threading.Thread(target=_pump, args=(child, child.process.stdout), daemon=True)
        child.pump.start()

    def _crashed(self, child: _Child, status: int) -> None:
        now = time.monotonic()
        child.crashes.append(now)
        name, log = child.program.name, self._log_dir / f"{child.program.name}.log"
        lines = "".join(f"    {line}\n" for line in child.last_lines)
        click.echo(f"{name} ended unexpectedly (status {status}). Its last lines, more in {log}:\n{lines}", err=True)
        if len(child.crashes) == CRASHES and now - child.crashes[0] < WITHIN_SECONDS:
            click.echo(f"{name} ended {CRASHES} times within {WITHIN_SECONDS:.0f} s: giving up.", err=True)
            child.is_done = True
            if not child.program.ends:
                self._status, self._stopping = 1, True
            return
        recent = sum(now - crash < WITHIN_SECONDS for crash in child.crashes)
        child.start_at = now + min(LONGEST_PAUSE_SECONDS, 0.25 * 2.0**recent)

    def _end_all(self) -> None:
        alive = [child for child in self._children if child.process is not None]
        for child in alive:
            _signal(child, signal.SIGTERM)
        end = time.monotonic() + GRACE_SECONDS
        for child in alive:
            assert child.process is not None
            try:
                child.process.wait(max(0.0, end - time.monotonic()))
            except subprocess.TimeoutExpired:
                click.echo(f"{child.program.name} did not end in {GRACE_SECONDS:.0f} s: killed.", err=True)
            _signal(child, signal.SIGKILL)  # also whatever it left behind in its session
            child.process.wait()
            self._settle(child)
        for child in self._children:
            child.log.close()

    def _settle(self, child: _Child) -> None:
        assert child.process is not None
        assert child.pump is not None
        child.pump.join(timeout=2)
        for pipe in (child.process.stdin, child.process.stdout):
            if pipe is not None:
                pipe.close()
        child.process = None


def _signal(child: _Child, number: int) -> None:
    assert child.process is not None
    try:
        if number == signal.SIGKILL:
            os.killpg(child.process.pid, number)
        else:
            child.process.send_signal(number)
    except ProcessLookupError:
        return


def _pump(child: _Child, pipe: IO[bytes]) -> None:
    for raw in pipe:
        line = raw.decode(errors="replace").rstrip()
        child.last_lines.append(line)
        child.log.write(line + "\n")
        child.log.flush()
        click.echo(f"{child.program.name:<{child.width}} | {line}")


def _open_log(folder: Path, name: str) -> IO[str]:
    path = folder / f"{name}.log"
    if path.is_file() and path.stat().st_size > LARGEST_LOG_BYTES:
        path.replace(path.with_suffix(".log.1"))
    return path.open("a", encoding="utf-8")


def _is_healthy(url: str) -> bool:
    # Not urllib: it would ask the environment's proxy for this machine's own server.
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=1)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == http.HTTPStatus.OK
    except OSError:
        return False
    except http.client.HTTPException:
        return False
    finally:
        connection.close()
