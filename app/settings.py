"""The environment, read once into one frozen `Settings`; the only reader of `os.environ` in the project."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_data_path

from app.errors import Refused


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Where things are. Every field has a default that works on a laptop."""

    data_dir: Path
    """`DATA_DIR`: database, images, checkpoints and logs; nothing is written elsewhere."""
    database_url: str
    """`DATABASE_URL`: SQLAlchemy URL; the default is SQLite in the data directory."""
    broker_url: str
    """`BROKER_URL`: Celery broker; the default is a SQLite file in the data directory, teams use redis://."""
    host: str = "127.0.0.1"
    """`HOST`: address the server listens on."""
    port: int = 8501
    """`PORT`: port the server listens on."""

    @property
    def is_embedded_database(self) -> bool:
        """Whether the database is a file of this machine."""
        return self.database_url.startswith("sqlite")

    @property
    def is_embedded_broker(self) -> bool:
        """Whether the broker is a file of this machine."""
        return self.broker_url.startswith("sqla+sqlite")


def load(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings.

    Raises:
        Refused: a variable has a value that cannot be used; the message names it.
    """
    env = os.environ if environ is None else environ
    data_dir = Path(env["DATA_DIR"]).expanduser() if env.get("DATA_DIR") else user_data_path("ssmae", appauthor=False)
    data_dir = data_dir.resolve()
    database_url = env.get("DATABASE_URL") or f"sqlite:///{data_dir / 'ssmae.db'}"
    # The short forms that hosting providers hand out mean the driver we ship.
    for short in ("postgres://", "postgresql://"):
        database_url = database_url.replace(short, "postgresql+psycopg://", 1)
    if not database_url.startswith(("sqlite:///", "postgresql+psycopg://")):
        raise Refused(f"DATABASE_URL must start with sqlite:/// or postgresql://. Got {database_url.split(':')[0]}://…")
    broker_url = env.get("BROKER_URL") or f"sqla+sqlite:///{data_dir / 'broker.db'}"
    if not broker_url.startswith(("sqla+sqlite:///", "redis://", "rediss://", "sentinel://")):
        raise Refused(f"BROKER_URL must start with redis:// or rediss://. Got {broker_url.split(':')[0]}://…")
    return Settings(
        data_dir=data_dir,
        database_url=database_url,
        broker_url=broker_url,
        host=env.get("HOST") or "127.0.0.1",
        port=_port(env.get("PORT") or "8501"),
    )


def _port(text: str) -> int:
    if not text.isdigit() or not 0 < int(text) < 65536:
        raise Refused(f"PORT must be a whole number from 1 to 65535. Got {text!r}.")
    return int(text)


def child_environment(**extra: str) -> dict[str, str]:
    """This process's environment for a child, with `extra` on top.

    `PYTHONDONTWRITEBYTECODE` is left out: packages are installed without compiled files, and a child that may not
    keep them compiles torch anew at each start, which costs half a minute.
    """
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"} | extra
