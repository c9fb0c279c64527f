"""The environment, read once into one frozen `Settings`; the only reader of `os.environ` in the project."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from platformdirs import user_data_path

from app.errors import Refused


@dataclass(frozen=True, kw_only=True)
class OidcSettings:
    """How to ask an OpenID provider who somebody is."""

    issuer: str
    """`OIDC_ISSUER`: its address; what it offers is read from there."""
    client_id: str
    """`OIDC_CLIENT_ID`: what it calls this server."""
    client_secret: str = field(repr=False)
    """`OIDC_CLIENT_SECRET`: what it knows this server by."""
    name: str = "your organisation"
    """`OIDC_NAME`: what the button calls it."""
    auto_create: bool = False
    """`OIDC_AUTO_CREATE`: whoever it vouches for gets an annotator's account; else an invitation is needed."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Where things are and who is let in. Every field has a default that works on a laptop."""

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
    no_auth: bool = False
    """`--no-auth`, never the environment: nobody signs in, and only this machine can reach the server."""
    public_url: str | None = None
    """`PUBLIC_URL`: the address that people type, for links that are printed; https://label.example.org."""
    allowed_hosts: frozenset[str] = frozenset()
    """`ALLOWED_HOSTS`: names that the server answers to, with commas between them; none for any name."""
    trusted_proxies: str | None = None
    """`TRUSTED_PROXIES`: addresses whose X-Forwarded-For and X-Forwarded-Proto are believed, with commas between."""
    oidc: OidcSettings | None = None
    """`OIDC_…`: the organisation's OpenID provider, if people sign in there."""

    @property
    def local_url(self) -> str:
        """The address under which this machine reaches the server."""
        host = {"0.0.0.0": "127.0.0.1", "::": "127.0.0.1"}.get(self.host, self.host)  # noqa: S104 - not bound
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    def check_alone(self) -> None:
        """Without accounts, refuse to be reached by anybody but this machine.

        Raises:
            Refused: `host` is not this machine alone.
        """
        if self.no_auth and not is_loopback(self.host):
            raise Refused(
                f"HOST={self.host} would open the server to the network, where --no-auth lets everybody change "
                "everything: use 127.0.0.1, or leave --no-auth out, so that people sign in."
            )

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
        public_url=_url(env, "PUBLIC_URL"),
        allowed_hosts=frozenset(_list(env.get("ALLOWED_HOSTS", "").lower())),
        trusted_proxies=",".join(_list(env.get("TRUSTED_PROXIES", ""))) or None,
        oidc=_oidc(env),
    )


def _oidc(env: Mapping[str, str]) -> OidcSettings | None:
    needed = ("OIDC_ISSUER", "OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET")
    missing = [name for name in needed if not env.get(name)]
    if len(missing) == len(needed):
        return None
    if missing:
        raise Refused(f"Signing in with OpenID needs {' and '.join(missing)} too.")
    issuer = _url(env, "OIDC_ISSUER")
    assert issuer is not None
    return OidcSettings(
        issuer=issuer,
        client_id=env["OIDC_CLIENT_ID"],
        client_secret=env["OIDC_CLIENT_SECRET"],
        name=env.get("OIDC_NAME") or "your organisation",
        auto_create=_switch(env, "OIDC_AUTO_CREATE"),
    )


def _url(env: Mapping[str, str], name: str) -> str | None:
    text = env.get(name, "").rstrip("/")
    if text and not text.startswith(("https://", "http://")):
        raise Refused(f"{name} must start with https:// or http://. Got {text!r}.")
    return text or None


def _switch(env: Mapping[str, str], name: str) -> bool:
    text = env.get(name, "").lower()
    if text not in {"", "0", "1", "false", "true", "no", "yes"}:
        raise Refused(f"{name} must be 1 or 0. Got {text!r}.")
    return text in {"1", "true", "yes"}


def _list(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


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


def is_loopback(host: str) -> bool:
    """Whether a server on this address can be reached from this machine only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
