"""`ssmae report`: where a project stands, on one screen of text."""

from __future__ import annotations

import click

from app.cli.common import open_database, percent, project_named, project_option, table
from app.domain.pools import Pool
from app.services import reports


@click.command("report")
@project_option
def report_command(project_name: str) -> None:
    """Pools, learning curve, classes, gate, and the next step of a project."""
    runtime = open_database()
    with runtime.database.reading() as uow:
        project = project_named(uow, project_name)
        seen = reports.overview(uow, project.id)
        pools = ", ".join(f"{seen.pools[pool]:,} {pool.replace('_', '-')}" for pool in Pool)
        click.echo(f"{project.name}: {seen.images:,} images ({pools})")
        click.echo(f"{seen.labels:,} labels; {seen.test_labels:,} of {seen.test_images:,} test images answered\n")
        if seen.curve:
            table(
                ("Round", "Labels", "Accuracy", "95 % from", "to", "Start", "Strategy"),
                [
                    (
                        point.round_number,
                        point.labels,
                        percent(point.test.value),
                        percent(point.test.low),
                        percent(point.test.high),
                        point.start,
                        point.strategy,
                    )
                    for point in seen.curve
                ],
            )
            click.echo()
            classes = reports.per_class(uow, seen.curve[-1].round_id)
            table(
                ("Class", "Test images", "Found"),
                [(row.name, row.recall.n, percent(row.recall.value)) for row in classes],
            )
            click.echo()
        gate = reports.gate_history(uow, project.id)
        if gate:
            click.echo(f"Gate, round {gate[-1].round_number}: {gate[-1].reason}")
        click.echo(f"Next: {seen.next_step.sentence}")
