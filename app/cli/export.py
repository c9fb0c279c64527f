"""`ssmae export`: labels and models leave as files."""

from __future__ import annotations

import shutil
from pathlib import Path

import click

from app.cli.common import one_of, open_database, project_named, project_option
from app.db.queries import rounds
from app.domain.rounds import RoundStatus
from app.errors import Conflict, NotFound, Refused
from app.services import exporting
from app.services.exporting import LabelFormat, Origin

MODEL_FILES = ("model.safetensors", "config.json", "model.onnx", "checkpoint.safetensors")

_replace = click.option("--replace", is_flag=True, help="Replace what is there.")


@click.group("export")
def export_command() -> None:
    """Write labels or a model to files."""


@export_command.command("labels")
@project_option
@click.option("--format", "fmt", type=one_of(LabelFormat), default=LabelFormat.CSV.value, show_default=True)
@click.option("--origin", type=one_of(Origin), default=Origin.HUMAN.value, show_default=True)
@click.option("--to", "target", type=click.Path(path_type=Path), help="File to write; named by the project without it.")
@_replace
def _labels(project_name: str, fmt: str, origin: str, target: Path | None, replace: bool) -> None:
    """Labels with their origin, round and confidence: csv, jsonl, or a zip with a folder per class."""
    runtime = open_database()
    form, whose = LabelFormat(fmt), Origin(origin)
    with runtime.database.reading() as uow:
        project = project_named(uow, project_name)
        count = exporting.count(uow, project.id, whose)
    place = target or Path(exporting.file_name(project.name, form, whose))
    _may_write(place, replace=replace)
    part = place.with_name(place.name + ".part")
    try:
        with part.open("wb") as file:
            for piece in exporting.stream_labels(runtime.database, runtime.storage, project.id, fmt=form, origin=whose):
                file.write(piece)
        part.replace(place)
    except OSError as error:
        raise Refused(f"{place} cannot be written: {error.strerror}.") from error
    finally:
        part.unlink(missing_ok=True)
    click.echo(f"{count:,} labels written to {place}.")


@export_command.command("model")
@project_option
@click.option("--round", "number", type=int, help="Number of the round; the newest succeeded one without it.")
@click.option("--to", "target", type=click.Path(path_type=Path), help="Folder to write; made if it is not there.")
@_replace
def _model(project_name: str, number: int | None, target: Path | None, replace: bool) -> None:
    """A round's model: weights and JSON for timm, ONNX classifier, and the checkpoint that rounds resume."""
    runtime = open_database()
    with runtime.database.reading() as uow:
        project = project_named(uow, project_name)
        every = rounds.of_project(uow.session, project.id)
    done = [one for one in every if one.status is RoundStatus.SUCCEEDED and number in (None, one.number)]
    if not done:
        raise NotFound(f"The project {project_name!r} has no succeeded round{'' if number is None else f' {number}'}.")
    folder = target or Path(f"{project_name}-round-{done[0].number}")
    names = [name for name in MODEL_FILES if name in done[0].files]
    for name in names:
        _may_write(folder / name, replace=replace)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in names:
            shutil.copyfile(runtime.storage.existing(done[0].files[name]), folder / name)
    except OSError as error:
        raise Refused(f"{folder} cannot be written: {error.strerror}.") from error
    click.echo(f"Round {done[0].number} written to {folder}: {', '.join(names)}.")


def _may_write(place: Path, *, replace: bool) -> None:
    if place.exists() and not replace:
        raise Conflict(f"{place} is there already: choose another with --to, or add --replace.")
