"""What must be true before anything is started; each refusal is a sentence that says what to do."""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.errors import Refused
from app.settings import Settings

LEAST_FREE_BYTES = 500_000_000


def check(settings: Settings) -> None:
    """Look at data directory, disk and port.

    Raises:
        Refused: one of them cannot be used.
    """
    check_data_dir(settings.data_dir)
    check_port(settings.host, settings.port)


def check_data_dir(path: Path) -> None:
    """Refuse a data directory that cannot be made or written, or whose disk is full.

    Raises:
        Refused: says which.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as error:
        raise Refused(
            f"The data directory {path} cannot be written ({error.strerror}): set DATA_DIR to another folder."
        ) from error
    free = shutil.disk_usage(path).free
    if free < LEAST_FREE_BYTES:
        raise Refused(
            f"The disk of {path} is full: {free / 1e6:.0f} MB are free and {LEAST_FREE_BYTES / 1e6:.0f} MB are needed. "
            "Make room, or set DATA_DIR to a folder on another disk."
        )


def check_port(host: str, port: int) -> None:
    """Refuse a port that somebody listens on.

    Raises:
        Refused: names the port and how to choose another.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise Refused(
                f"Port {port} of {host} cannot be used ({error.strerror}): stop the program that listens there, or set "
                f"PORT to another one, for instance PORT={port % 65535 + 1}."
            ) from error


@contextmanager
def locked(data_dir: Path) -> Iterator[None]:
    """Hold the data directory for this supervisor; the lock ends with the process, however it ends.

    Raises:
        Refused: another one holds it.
    """
    with (data_dir / "supervisor.lock").open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            file.seek(0)
            raise Refused(
                f"{data_dir} is in use by another ssmae (process {file.read().strip() or 'unknown'}): stop that one, "
                "or set DATA_DIR to another folder."
            ) from error
        file.seek(0)
        file.truncate()
        file.write(str(os.getpid()))
        file.flush()
        yield
