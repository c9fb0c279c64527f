"""`ssmae project`: make projects and list them."""

from __future__ import annotations

import click

from app.cli.common import one_of, open_database, percent, table
from app.db.queries import projects
from app.db.unit_of_work import committed
from app.domain.splits import DEFAULT_TEST_SIZE
from app.services import reports
from app.services.projects import DEFAULT_SELECTION_SIZE, DEFAULT_VALIDATION_SIZE, create
from ssmae.config import Acquisition, GateConfig, Preset


@click.group("project")
def project_command() -> None:
    """Make projects and list them."""


@project_command.command("create")
@click.argument("name")
@click.option("--class", "classes", multiple=True, metavar="CLASS", help="A class; once for each. An import adds more.")
@click.option(
    "--sealed",
    is_flag=True,
    help="Classes that come with the images are hidden and answered by a simulated annotator: to try a strategy.",
)
@click.option(
    "--test-size",
    type=int,
    default=DEFAULT_TEST_SIZE,
    show_default=True,
    help="Test images: they alone measure the accuracy. 200 give about ± 5 points, 800 about ± 2.5.",
)
@click.option(
    "--validation-size",
    type=int,
    default=DEFAULT_VALIDATION_SIZE,
    show_default=True,
    help="Images drawn each round to judge whether the model's own labels may be used; with the default gate, "
    f"{reports.needed_validation(GateConfig())} are the fewest that can.",
)
@click.option(
    "--selection-size",
    type=int,
    default=DEFAULT_SELECTION_SIZE,
    show_default=True,
    help="Images chosen each round for people to label.",
)
@click.option("--strategy", type=one_of(Acquisition), default=Acquisition.DIVERSE.value, show_default=True)
@click.option("--preset", type=one_of(Preset), default=Preset.QUICK.value, show_default=True)
def _create(
    name: str,
    classes: tuple[str, ...],
    sealed: bool,
    test_size: int,
    validation_size: int,
    selection_size: int,
    strategy: Acquisition,
    preset: Preset,
) -> None:
    """Make a project NAME, empty of images."""
    runtime = open_database()
    with committed(runtime.database) as uow:
        project = create(
            uow,
            name=name,
            classes=classes,
            is_sealed=sealed,
            test_size=test_size,
            validation_size=validation_size,
            selection_size=selection_size,
            strategy=Acquisition(strategy),
            preset=Preset(preset),
        )
    click.echo(f"Made the project {project.name!r}. Next: ssmae import FOLDER --project {project.name!r}")


@project_command.command("list")
def _list() -> None:
    """Every project with its images, labels and newest accuracy."""
    runtime = open_database()
    rows = []
    with runtime.database.reading() as uow:
        for project in projects.every(uow.session):
            seen = reports.overview(uow, project.id)
            accuracy = percent(seen.newest.test.value) if seen.newest else "–"
            sealed = "sealed" if project.is_sealed else ""
            rows.append((project.name, seen.images, seen.labels, accuracy, sealed, seen.next_step.sentence))
    table(("Project", "Images", "Labels", "Accuracy", "", "Next"), rows)
