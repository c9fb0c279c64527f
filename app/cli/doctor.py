"""`ssmae doctor`: looks at everything the product needs and says what to do about what is wrong."""

from __future__ import annotations

import importlib.metadata
import json
import platform
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import click
from celery import Celery
from kombu.exceptions import OperationalError
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app import settings as settings_module
from app.cli import preflight
from app.cli.common import WORKER_SECONDS
from app.db import migrate
from app.db.engine import connect
from app.db.queries import rounds
from app.errors import Refused
from app.queue import WorkQueue, broker_options
from app.services.runtime import open_runtime
from app.settings import Settings, child_environment

FREE_WARNING_BYTES = 5e9
NETWORK_FILE_SYSTEMS = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "fuse.sshfs", "glusterfs", "ceph", "lustre"}
SAFE_SQLITE = (3, 51, 3)
SHOWN_PACKAGES = ("torch", "torchvision", "timm", "streamlit", "sqlalchemy", "celery", "numpy")


class Verdict(StrEnum):
    """How one thing is."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One line: what was looked at, how it is, and what to do."""

    verdict: Verdict
    subject: str
    words: str


@click.command("doctor")
def doctor_command() -> None:
    """Look at database, broker, storage, device, workers and versions; exit status 1 if something does not work."""
    settings = settings_module.load()
    worst = Verdict.OK
    for check in CHECKS:
        for finding in check(settings):
            click.echo(f"{finding.verdict:<5} {finding.subject:<10} {finding.words}")
            if finding.verdict is Verdict.FAIL or worst is Verdict.OK:
                worst = finding.verdict
    sys.exit(1 if worst is Verdict.FAIL else 0)


def storage(settings: Settings) -> Iterator[Finding]:
    """Data directory: writable, room left, on a local disk where SQLite is used."""
    subject = "storage"
    try:
        preflight.check_data_dir(settings.data_dir)
    except Refused as refusal:
        yield Finding(verdict=Verdict.FAIL, subject=subject, words=str(refusal))
        return
    free = shutil.disk_usage(settings.data_dir).free
    words = f"{settings.data_dir} is writable, {free / 1e9:.0f} GB are free."
    if free < FREE_WARNING_BYTES:
        yield Finding(verdict=Verdict.WARN, subject=subject, words=f"{words} Rounds may need more: make room.")
    else:
        yield Finding(verdict=Verdict.OK, subject=subject, words=words)
    kind = file_system(settings.data_dir)
    if settings.is_embedded_database and kind in NETWORK_FILE_SYSTEMS:
        words = f"DATA_DIR is on a network disk ({kind}), where SQLite loses data: use a local one, or PostgreSQL."
        yield Finding(verdict=Verdict.FAIL, subject=subject, words=words)


def database(settings: Settings) -> Iterator[Finding]:
    """Answers, is up to date, is a version without known faults."""
    subject = "database"
    what = "SQLite" if settings.is_embedded_database else "PostgreSQL"
    if settings.is_embedded_database and not Path(settings.database_url.removeprefix("sqlite:///")).is_file():
        yield Finding(verdict=Verdict.WARN, subject=subject, words="None yet: `ssmae up` makes it.")
        return
    try:
        engine = connect(settings.database_url)
        with engine.connect() as connection:
            connection.execute(text("SELECT 1"))
        engine.dispose()
        behind = migrate.pending(settings.database_url)
    except DBAPIError as error:
        words = f"{what} does not answer: {_first_line(error.orig)}. Check DATABASE_URL and that the server runs."
        yield Finding(verdict=Verdict.FAIL, subject=subject, words=words)
        return
    if behind:
        yield Finding(verdict=Verdict.FAIL, subject=subject, words="It is older than the program: run `ssmae migrate`.")
    else:
        yield Finding(verdict=Verdict.OK, subject=subject, words=f"{what} answers and is up to date.")
    if settings.is_embedded_database and sqlite3.sqlite_version_info < SAFE_SQLITE:
        words = (
            f"SQLite {sqlite3.sqlite_version} has a very rare fault, mended in 3.51.3: keep backups of "
            f"{settings.data_dir / 'ssmae.db'}, or use PostgreSQL."
        )
        yield Finding(verdict=Verdict.WARN, subject=subject, words=words)


def broker(settings: Settings) -> Iterator[Finding]:
    """A connection can be opened."""
    what = "embedded broker" if settings.is_embedded_broker else "broker"
    celery = Celery("ssmae-doctor", set_as_current=False)
    celery.conf.update(broker_options(settings))
    try:
        with celery.connection_for_write(connect_timeout=5) as connection:
            connection.ensure_connection(max_retries=1, timeout=5)
    except (OperationalError, OSError) as error:
        words = f"The {what} does not answer: {_first_line(error)}. Check BROKER_URL and that it runs."
        yield Finding(verdict=Verdict.FAIL, subject="broker", words=words)
    else:
        yield Finding(verdict=Verdict.OK, subject="broker", words=f"The {what} answers.")


def device(_: Settings) -> Iterator[Finding]:
    """What torch finds, asked in a process of its own: this one must stay able to answer at once."""
    done = subprocess.run(
        [sys.executable, "-c", _PROBE],
        capture_output=True,
        text=True,
        timeout=300,
        env=child_environment(),
        check=False,
    )
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1] if done.stderr.strip() else f"exit status {done.returncode}"
        hint = "Install torch and torchvision of one build."
        yield Finding(verdict=Verdict.FAIL, subject="device", words=f"torch or timm cannot be loaded: {last}. {hint}")
        return
    found = json.loads(done.stdout.splitlines()[-1])
    if found["cards"]:
        words = f"Rounds train on {', '.join(found['cards'])}."
        yield Finding(verdict=Verdict.OK, subject="device", words=words)
        return
    words = f"No graphics card: rounds train on {found['threads']} CPU threads, well enough for small images."
    yield Finding(verdict=Verdict.OK, subject="device", words=words)
    if shutil.which("nvidia-smi"):
        words = "nvidia-smi is installed, but torch finds no card: its build or the driver does not fit."
        yield Finding(verdict=Verdict.WARN, subject="device", words=words)


def workers(settings: Settings) -> Iterator[Finding]:
    """Somebody serves each queue."""
    if settings.is_embedded_database and not Path(settings.database_url.removeprefix("sqlite:///")).is_file():
        return
    try:
        with open_runtime(settings).database.reading() as uow:
            alive = {one.queues for one in rounds.workers_seen(uow.session, WORKER_SECONDS)}
    except DBAPIError:
        return  # said already
    for name in WorkQueue:
        if name.value in alive:
            yield Finding(verdict=Verdict.OK, subject="worker", words=f"Queue {name.value} is served.")
        else:
            words = f"No worker serves the queue {name.value}: start one with `ssmae up` or `ssmae worker`."
            yield Finding(verdict=Verdict.WARN, subject="worker", words=words)


def port(settings: Settings) -> Iterator[Finding]:
    """Free, or our own server's."""
    try:
        preflight.check_port(settings.host, settings.port)
    except Refused as refusal:
        words = f"{refusal} If that is your running server, all is well."
        yield Finding(verdict=Verdict.WARN, subject="port", words=words)
    else:
        yield Finding(verdict=Verdict.OK, subject="port", words=f"Port {settings.port} of {settings.host} is free.")


def versions(_: Settings) -> Iterator[Finding]:
    """What is installed."""
    found = [f"Python {platform.python_version()}"]
    for name in SHOWN_PACKAGES:
        try:
            found.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            yield Finding(verdict=Verdict.FAIL, subject="versions", words=f"{name} is missing: install again.")
    yield Finding(verdict=Verdict.OK, subject="versions", words=", ".join(found))


CHECKS: tuple[Callable[[Settings], Iterator[Finding]], ...] = (
    versions,
    storage,
    database,
    broker,
    workers,
    port,
    device,
)

_PROBE = """
import json, torch, timm
cards = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
print(json.dumps({"cards": cards, "threads": torch.get_num_threads()}))
"""


def file_system(path: Path, mounts: Path = Path("/proc/mounts")) -> str | None:
    """Kind of the file system that holds a path; None where the system does not say."""
    if not mounts.is_file():
        return None
    best, kind = "", None
    for line in mounts.read_text(encoding="utf-8", errors="replace").splitlines():
        _, place, name, *_ = line.split()
        mounted = place.replace("\\040", " ")
        if path.resolve().is_relative_to(mounted) and len(mounted) >= len(best):
            best, kind = mounted, name
    return kind


def _first_line(error: object) -> str:
    lines = str(error).strip().splitlines()
    return (lines[0] if lines else type(error).__name__).rstrip(".")
