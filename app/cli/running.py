"""Starting things: demo, up, serve, worker, migrate."""

from __future__ import annotations

import importlib
import os
import sys
from dataclasses import replace
from pathlib import Path

import click

from app import queue
from app import settings as settings_module
from app.cli import lifeline, preflight
from app.cli.supervisor import Program, Supervisor
from app.db import migrate
from app.errors import Refused
from app.queue import WorkQueue
from app.settings import Settings, child_environment

_port = click.option("--port", type=click.IntRange(1, 65535), help="Port of the server, instead of PORT.")
_trusted = click.option(
    "--trusted-network",
    is_flag=True,
    help="Listen on a HOST that others can reach. There are no accounts: whoever reaches it may change everything.",
)
_supervised = click.option("--supervised", is_flag=True, hidden=True)


@click.command("demo")
@_port
def demo_command(port: int | None) -> None:
    """Start server and workers with a project of real images that labels itself, to look around."""
    _up(port, trusted_network=False, demo=True)


@click.command("up")
@_port
@_trusted
def up_command(port: int | None, trusted_network: bool) -> None:
    """Start server and workers together; one Ctrl-C ends everything."""
    _up(port, trusted_network=trusted_network, demo=False)


@click.command("serve")
@_port
@_trusted
@_supervised
def serve_command(port: int | None, trusted_network: bool, supervised: bool) -> None:
    """Start the server alone; workers run elsewhere."""
    settings = _settings(port)
    if supervised:
        lifeline.hold()
    else:
        preflight.check(settings)
        click.echo(f"Serving http://{_reachable(settings.host)}:{settings.port}   (Ctrl-C ends it)")
    # By name: this starts the server, and nothing here may be built on it.
    importlib.import_module("app.server").serve(settings, trusted_network=trusted_network)


@click.command("worker")
@click.option(
    "--queues",
    default="train,io",
    show_default=True,
    help="Comma-separated: train takes rounds, io imports and chooses images. Each gets a process of its own.",
)
@click.option("--gpus", help="Graphics cards that rounds of this worker see, as in CUDA_VISIBLE_DEVICES: 0 or 0,1.")
def worker_command(queues: str, gpus: str | None) -> None:
    """Start workers alone; the server runs elsewhere."""
    wanted = [name.strip() for name in queues.split(",") if name.strip()]
    known = [member.value for member in WorkQueue]
    if not wanted or set(wanted) - set(known):
        raise Refused(f"--queues must be made of {', '.join(known)}. Got {queues!r}.")
    settings = settings_module.load()
    preflight.check_data_dir(settings.data_dir)
    if migrate.pending(settings.database_url):
        raise Refused("The database is older than the program: run `ssmae migrate` first.")
    programs = [_worker(WorkQueue(name), gpus) for name in wanted]
    if len(programs) == 1:
        # Without a supervisor: a container or systemd is one already, and sends its signals to this process.
        os.execve(sys.executable, [*programs[0].command[:-1]], child_environment())
    sys.exit(Supervisor(programs, settings.data_dir / "logs").run())


@click.command("migrate")
def migrate_command() -> None:
    """Bring the database up to date; safe at any time and from several places at once."""
    settings = settings_module.load()
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    was_behind = migrate.pending(settings.database_url)
    migrate.upgrade(settings.database_url)
    click.echo("The database was brought up to date." if was_behind else "The database is up to date.")


@click.command("prepare-demo", hidden=True)
@_supervised
def prepare_demo_command(supervised: bool) -> None:
    """Make the demo project and begin its first round; what is there already stays as it is."""
    if supervised:
        lifeline.hold()
    from app.services import demo  # noqa: PLC0415 - imports what only the demo needs
    from app.services.runtime import open_runtime  # noqa: PLC0415 - the same

    demo.prepare(open_runtime(settings_module.load()), say=click.echo)


def _settings(port: int | None) -> Settings:
    settings = settings_module.load()
    return settings if port is None else replace(settings, port=port)


def _worker(name: WorkQueue, gpus: str | None = None) -> Program:
    command = [sys.executable, "-m", "worker", "--queue", name.value]
    if gpus is not None:
        command += ["--gpus", gpus]
    return Program(name=name.value, command=[*command, "--supervised"])


def _up(port: int | None, *, trusted_network: bool, demo: bool) -> None:
    settings = _settings(port)
    preflight.check(settings)
    with preflight.locked(settings.data_dir):
        migrate.upgrade(settings.database_url)
        queue.tidy(settings)
        ssmae = [sys.executable, "-m", "app.cli"]
        serve = [*ssmae, "serve", "--supervised", *(["--trusted-network"] if trusted_network else [])]
        programs = [
            Program(name="server", command=serve),
            _worker(WorkQueue.TRAIN),
            _worker(WorkQueue.IO),
        ]
        if demo:
            programs.append(Program(name="demo", command=[*ssmae, "prepare-demo", "--supervised"], ends=True))
        supervisor = Supervisor(programs, settings.data_dir / "logs", child_environment(**_variables(settings)))
        sys.exit(supervisor.run(url=f"http://{_reachable(settings.host)}:{settings.port}"))


def _variables(settings: Settings) -> dict[str, str]:
    """What the children must read as it is here, whatever the command line changed."""
    return {"PORT": str(settings.port), "DATA_DIR": str(Path(settings.data_dir))}


def _reachable(host: str) -> str:
    """The address under which this machine reaches a server that listens on `host`."""
    if host in ("0.0.0.0", "::"):  # noqa: S104 - compared, not bound
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host
