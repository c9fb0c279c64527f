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
from app.db.unit_of_work import committed
from app.errors import Refused
from app.queue import WorkQueue
from app.services import accounts
from app.services.runtime import open_runtime
from app.settings import Settings, child_environment

_port = click.option("--port", type=click.IntRange(1, 65535), help="Port of the server, instead of PORT.")
_no_auth = click.option(
    "--no-auth",
    is_flag=True,
    help="Without accounts, for one person: only this machine can reach the server, and whoever sits there may do "
    "everything.",
)
_supervised = click.option("--supervised", is_flag=True, hidden=True)


@click.command("demo")
@_port
def demo_command(port: int | None) -> None:
    """Start server and workers with a project of real images that labels itself, to look around."""
    _up(_settings(port, no_auth=True), demo=True)


@click.command("up")
@_port
@_no_auth
def up_command(port: int | None, no_auth: bool) -> None:
    """Start server and workers together; one Ctrl-C ends everything."""
    _up(_settings(port, no_auth=no_auth), demo=False)


@click.command("serve")
@_port
@_no_auth
@_supervised
def serve_command(port: int | None, no_auth: bool, supervised: bool) -> None:
    """Start the server alone; workers run elsewhere."""
    settings = _settings(port, no_auth=no_auth)
    if supervised:
        lifeline.hold()
    else:
        preflight.check(settings)
        if not migrate.pending(settings.database_url):
            _first_admin(settings)
        click.echo(f"Serving {settings.local_url}   (Ctrl-C ends it)")
    # By name: this starts the server, and nothing here may be built on it.
    importlib.import_module("app.server").serve(settings)


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

    demo.prepare(open_runtime(settings_module.load()), say=click.echo)


def _settings(port: int | None, *, no_auth: bool) -> Settings:
    settings = replace(settings_module.load(), no_auth=no_auth)
    settings.check_alone()
    return settings if port is None else replace(settings, port=port)


def _first_admin(settings: Settings) -> None:
    """Where people sign in, somebody has to be the first."""
    if settings.no_auth:
        return
    runtime = open_runtime(settings)
    with committed(runtime.database) as uow:
        password = accounts.first_admin(uow)
    runtime.database.engine.dispose()
    if password is not None:
        click.echo(
            f"\nSign in as {accounts.FIRST_ADMIN!r} with this password, which is shown only now and works once:\n\n"
            f"    {password}\n"
        )


def _worker(name: WorkQueue, gpus: str | None = None) -> Program:
    command = [sys.executable, "-m", "worker", "--queue", name.value]
    if gpus is not None:
        command += ["--gpus", gpus]
    return Program(name=name.value, command=[*command, "--supervised"])


def _up(settings: Settings, *, demo: bool) -> None:
    preflight.check(settings)
    with preflight.locked(settings.data_dir):
        migrate.upgrade(settings.database_url)
        queue.tidy(settings)
        _first_admin(settings)
        ssmae = [sys.executable, "-m", "app.cli"]
        serve = [*ssmae, "serve", "--supervised", *(["--no-auth"] if settings.no_auth else [])]
        programs = [
            Program(name="server", command=serve),
            _worker(WorkQueue.TRAIN),
            _worker(WorkQueue.IO),
        ]
        if demo:
            programs.append(Program(name="demo", command=[*ssmae, "prepare-demo", "--supervised"], ends=True))
        supervisor = Supervisor(programs, settings.data_dir / "logs", child_environment(**_variables(settings)))
        sys.exit(supervisor.run(url=settings.local_url))


def _variables(settings: Settings) -> dict[str, str]:
    """What the children must read as it is here, whatever the command line changed."""
    return {"PORT": str(settings.port), "DATA_DIR": str(Path(settings.data_dir))}
