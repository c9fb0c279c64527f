"""`ssmae import`: bring images into a project, with progress and a report."""

from __future__ import annotations

import signal
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import Self

import click

from app.cli.common import one_of, open_database, project_named, project_option
from app.db.queries import projects, rounds
from app.db.unit_of_work import UnitOfWork, committed
from app.domain.rounds import ImportStatus, LabelUse
from app.errors import Refused
from app.services import importing
from app.services.importing import ImportProgress, ImportReport

SHOWN_REFUSALS = 20


@click.command("import")
@click.argument("source", type=click.Path(path_type=Path))
@project_option
@click.option(
    "--labels",
    "label_use",
    type=one_of(LabelUse),
    help="What to do with classes that come along: labels (train on them), sealed (hide them), hints (show them), or "
    "ignored. Default: sealed in a sealed project, labels otherwise.",
)
@click.option("--add-classes/--known-classes", default=True, help="Whether a class the project lacks is added.")
def import_command(source: Path, project_name: str, label_use: str | None, add_classes: bool) -> None:
    """Import a folder, a folder per class, a zip or tar, or a CSV or JSONL manifest.

    An interrupted import goes on when it is started again; importing twice adds nothing.
    """
    runtime = open_database()
    with committed(runtime.database) as uow:
        project = project_named(uow, project_name)
        use = LabelUse(label_use) if label_use else (LabelUse.SEALED if project.is_sealed else LabelUse.LABELS)
        before = _class_names(uow, project.id)
        started = importing.start(uow, project_id=project.id, source=source, label_use=use, add_classes=add_classes)
    with _Bar() as bar:
        report = importing.run(
            runtime.database, runtime.storage, started.id, on_progress=bar.show, should_stop=bar.stopped.is_set
        )
    _print(report)
    if report.status is not ImportStatus.SUCCEEDED:
        raise Refused(report.message or "The import did not end well.")
    with committed(runtime.database) as uow:
        if added := [name for name in _class_names(uow, project.id) if name not in before]:
            click.echo(f"New classes: {', '.join(added)}. If your folders are no classes: --labels ignored.")
        _hint(uow, project.id, project.name)


class _Bar:
    """A line that moves on a terminal, a line now and then elsewhere; the first Ctrl-C ends the import in order."""

    def __init__(self) -> None:
        self.stopped = threading.Event()
        self._is_terminal = sys.stderr.isatty()

    def __enter__(self) -> Self:
        self._before = signal.signal(signal.SIGINT, self._on_interrupt)
        return self

    def __exit__(self, *_: object) -> None:
        signal.signal(signal.SIGINT, self._before)
        if self._is_terminal:
            click.echo(err=True)

    def show(self, now: ImportProgress) -> None:
        """How far it is."""
        share = now.done / now.total if now.total else 1.0
        speed = now.done / now.seconds if now.seconds else 0.0
        filled = round(30 * share)
        text = f"[{'#' * filled}{'.' * (30 - filled)}] {now.done:,} of {now.total:,}, {speed:,.0f} a second"
        click.echo(f"\r{text}" if self._is_terminal else text, nl=not self._is_terminal, err=True)

    def _on_interrupt(self, _number: int, _frame: FrameType | None) -> None:
        self.stopped.set()


def _print(report: ImportReport) -> None:
    click.echo(report.sentence)
    if report.labelled:
        images = "image" if report.labelled == 1 else "images"
        click.echo(f"{report.labelled:,} {images} took over a class.")
    for name, reason in report.refusals[:SHOWN_REFUSALS]:
        click.echo(f"  refused: {name}: {reason}")
    if report.refused > SHOWN_REFUSALS:
        click.echo(f"  … and {report.refused - SHOWN_REFUSALS:,} more, on the project's import page.")


def _class_names(uow: UnitOfWork, project_id: int) -> list[str]:
    return [one.name for one in projects.classes(uow.session, project_id)]


def _hint(uow: UnitOfWork, project_id: int, name: str) -> None:
    if not projects.classes(uow.session, project_id):
        click.echo(f"The project {name!r} has no classes yet: add them on its settings page.")
    elif rounds.draft(uow.session, project_id) is None:
        click.echo(f"Next: ssmae round open --project {name!r} (or begin in the browser: ssmae up)")
