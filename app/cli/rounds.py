"""`ssmae round`: open, start, follow, cancel, retry and list rounds."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import click

from app.cli.common import (
    living_workers,
    one_of,
    open_database,
    percent,
    project_named,
    project_option,
    table,
)
from app.db.models import Round
from app.db.queries import rounds
from app.db.unit_of_work import UnitOfWork, committed
from app.domain.rounds import ACTIVE, RoundStatus, SelectionStatus
from app.errors import NotFound, Refused
from app.services import reports
from app.services import rounds as round_service
from app.services.runtime import Runtime
from ssmae.config import Acquisition, Preset, StartFrom, every_setting, parse_overrides, preset_config

_number = click.option("--round", "number", type=int, help="Number of the round; the newest without it.")


@click.group("round")
def round_command() -> None:
    """Open, start, follow, cancel, retry and list rounds."""


@round_command.command("open")
@project_option
@click.option("--strategy", type=one_of(Acquisition), help="How to choose; the project's own without it.")
@click.option("--selection-size", type=int, help="How many images to ask about.")
@click.option("--validation-size", type=int, help="How many images to draw to judge the gate.")
@click.option("--again", is_flag=True, help="Choose anew for the round that is open.")
def _open(
    project_name: str, strategy: str | None, selection_size: int | None, validation_size: int | None, again: bool
) -> None:
    """Open the next round: a worker chooses the images to label."""
    runtime = open_database()
    choices: dict[str, Any] = {
        "strategy": Acquisition(strategy) if strategy else None,
        "selection_size": selection_size,
        "validation_size": validation_size,
    }
    with committed(runtime.database) as uow:
        project = project_named(uow, project_name)
        draft = rounds.draft(uow.session, project.id)
        if again and draft is not None:
            draft = round_service.redraw(uow, draft.id, **choices)
        else:
            draft = round_service.open_draft(uow, project.id, **choices)
        click.echo(f"Round {draft.number}: {draft.selection_size} images will be chosen by {draft.strategy}.")
        _warn_without_worker(uow, "io")


@round_command.command("start")
@project_option
@click.option("--preset", type=one_of(Preset), help="How much compute; the project's own without it.")
@click.option(
    "--start",
    default="last",
    show_default=True,
    metavar="last|scratch|PATH",
    help="Resume the last round's encoder, begin anew, or begin from a checkpoint file.",
)
@click.option("--seed", type=int, help="Makes the round repeatable; drawn without it.")
@click.option("--set", "knobs", multiple=True, metavar="SECTION.FIELD=VALUE", help="Any setting; see `round knobs`.")
@click.option("--wait", is_flag=True, help="Show the progress until the round has ended.")
def _start(
    project_name: str, preset: str | None, start: str, seed: int | None, knobs: tuple[str, ...], wait: bool
) -> None:
    """Train a round on the labels as they are now."""
    overrides = parse_overrides(knobs)
    runtime = open_database()
    start_from = StartFrom(start) if start in (StartFrom.LAST, StartFrom.SCRATCH) else StartFrom.CHECKPOINT
    with committed(runtime.database) as uow:
        project = project_named(uow, project_name)
        queued = round_service.request(
            uow,
            runtime.storage,
            project.id,
            preset=Preset(preset) if preset else None,
            overrides=overrides,
            seed=seed,
            start_from=start_from,
            start_file=Path(start).expanduser().resolve() if start_from is StartFrom.CHECKPOINT else None,
        )
        click.echo(f"Round {queued.number} is queued (seed {queued.seed}).")
        has_worker = _warn_without_worker(uow, "train")
    if wait:
        if not has_worker:
            raise Refused("Nothing to wait for: the round stays queued until a worker is started.")
        follow(runtime, queued.id)


@round_command.command("status")
@project_option
@_number
@click.option("--wait", is_flag=True, help="Show the progress until the round has ended.")
def _status(project_name: str, number: int | None, wait: bool) -> None:
    """Where a round stands, and why it failed if it did."""
    runtime = open_database()
    with runtime.database.reading() as uow:
        found = _round(uow, project_name, number)
        if found.status is RoundStatus.QUEUED:
            _warn_without_worker(uow, "train")
    if wait and found.status in ACTIVE:
        follow(runtime, found.id)
        return
    with runtime.database.reading() as uow:
        _print_status(uow, rounds.one(uow.session, found.id))


@round_command.command("cancel")
@project_option
@_number
def _cancel(project_name: str, number: int | None) -> None:
    """Stop a round: at once if it waits, between two steps if it trains."""
    runtime = open_database()
    with committed(runtime.database) as uow:
        stopped = round_service.cancel(uow, _round(uow, project_name, number).id)
        was = "will stop between two steps" if stopped.status is RoundStatus.RUNNING else "is cancelled"
        click.echo(f"Round {stopped.number} {was}.")


@round_command.command("retry")
@project_option
@_number
def _retry(project_name: str, number: int | None) -> None:
    """Queue a failed round again, on the same labels, settings and seed."""
    runtime = open_database()
    with committed(runtime.database) as uow:
        again = round_service.retry(uow, _round(uow, project_name, number).id)
        click.echo(f"Round {again.number} is queued again.")
        _warn_without_worker(uow, "train")


@round_command.command("list")
@project_option
def _list(project_name: str) -> None:
    """Every round of the project, newest first."""
    runtime = open_database()
    with runtime.database.reading() as uow:
        found = reports.round_history(uow, project_named(uow, project_name).id)
    gate = {None: "–", True: "open", False: "closed"}
    table(
        ("Round", "Status", "Labels", "Accuracy", "Gate", "Start", "Seconds", "Device"),
        [
            (
                row.number,
                row.status,
                row.labels if row.labels is not None else "–",
                percent(row.test.value),
                gate[row.gate_open],
                row.start,
                "–" if row.seconds is None else f"{row.seconds:.0f}",
                row.device or "–",
            )
            for row in found
        ],
    )


@round_command.command("knobs")
@click.option("--preset", type=one_of(Preset), default=Preset.QUICK.value, show_default=True)
@click.option("--image-side", type=int, default=32, show_default=True, help="Side of your images, in pixels.")
def _knobs(preset: str, image_side: int) -> None:
    """Every setting that `round start --set` takes, with its value in a preset and its meaning."""
    values = preset_config(Preset(preset), image_side)
    for name, value, text in every_setting(values):
        click.echo(f"{name + '=' + str(value):<42} {text}")


def follow(runtime: Runtime, round_id: int) -> None:
    """Show a round's progress until it has ended.

    Raises:
        Refused: it failed or was cancelled.
    """
    is_terminal, shown = sys.stderr.isatty(), ""
    while True:
        with runtime.database.reading() as uow:
            found = rounds.one(uow.session, round_id)
            now = reports.progress_of(found)
        if found.status not in ACTIVE:
            break
        if now is not None:
            text = _progress_line(now)
            if is_terminal:
                click.echo(f"\r\033[K{text}", nl=False, err=True)
            elif now.phase != shown:
                click.echo(text, err=True)
                shown = now.phase
        time.sleep(0.5)
    if is_terminal:
        click.echo(err=True)
    with runtime.database.reading() as uow:
        _print_status(uow, rounds.one(uow.session, round_id))
    if found.status is RoundStatus.FAILED:
        raise Refused(f"Round {found.number} failed: {found.error}")
    if found.status is RoundStatus.CANCELLED:
        raise Refused(f"Round {found.number} was cancelled.")


def _progress_line(now: reports.Progress) -> str:
    losses = ", ".join(f"{name} {value:.3f}" for name, value in now.losses.items())
    left = "" if now.seconds_left is None else f", {now.seconds_left:.0f} s left"
    speed = f", {now.images_per_second:,.0f} images/s" if now.images_per_second else ""
    return f"{now.phase}: {now.step} of {now.total_steps}{speed}{left}{', ' + losses if losses else ''}"


def _print_status(uow: UnitOfWork, found: Round) -> None:
    click.echo(f"Round {found.number}: {found.status}")
    if found.status is RoundStatus.DRAFT:
        state = {
            SelectionStatus.PENDING: "a worker still chooses its images",
            SelectionStatus.READY: "collects answers",
        }
        click.echo(f"  {state.get(found.selection_status, found.selection_message)}")
        return
    if found.status is RoundStatus.RUNNING and (now := reports.progress_of(found)) is not None:
        click.echo(f"  {_progress_line(now)}")
    details = reports.round_details(uow, found.id)
    if found.status is RoundStatus.SUCCEEDED:
        test = details.row.test
        if test.n:
            low, high = percent(test.low), percent(test.high)
            click.echo(f"  accuracy {percent(test.value)} (95 %: {low} to {high}) on {test.n} test images")
        click.echo(f"  {details.row.labels} labels, {details.manifest.get('seconds')} s on {details.row.device}")
        for note in details.manifest.get("notes", []):
            click.echo(f"  {note}")
        if details.gate:
            last = details.gate[-1]
            for sentence in filter(None, (f"gate: {last.reason}", last.certified)):
                click.echo(f"  {sentence}")
    if found.error:
        click.echo(f"  {found.error}")
    if found.traceback:
        click.echo(found.traceback)
    for event in details.events:
        click.echo(f"  {event.at:%Y-%m-%d %H:%M:%S} {event.status}: {event.note}")


def _round(uow: UnitOfWork, project_name: str, number: int | None) -> Round:
    every = rounds.of_project(uow.session, project_named(uow, project_name).id)
    if number is not None:
        every = [one for one in every if one.number == number]
    # The newest that is more than a draft: that is what status, cancel and retry are about.
    ordered = sorted(every, key=lambda one: (one.status is RoundStatus.DRAFT, -one.number))
    if not ordered:
        which = "no round yet" if number is None else f"no round {number}"
        raise NotFound(f"The project {project_name!r} has {which}.")
    return ordered[0]


def _warn_without_worker(uow: UnitOfWork, queue: str) -> bool:
    if living_workers(uow, queue):
        return True
    click.echo(f"No worker serves the queue {queue!r} now: start one with `ssmae worker` or `ssmae up`.", err=True)
    return False
