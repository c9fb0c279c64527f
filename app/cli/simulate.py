"""`ssmae simulate`: let the seal answer, once or for whole rounds."""

from __future__ import annotations

import click

from app.cli.common import (
    one_of,
    open_database,
    percent,
    project_named,
    project_option,
    require_worker,
    table,
    wait_until,
)
from app.cli.rounds import follow
from app.db.models import Project, Round
from app.db.queries import rounds
from app.db.unit_of_work import committed
from app.domain.labels import Queue
from app.domain.rounds import SelectionStatus
from app.errors import Refused
from app.services import reports
from app.services import rounds as round_service
from app.services.demo import simulate
from app.services.runtime import Runtime
from ssmae.config import Acquisition, Preset, StartFrom, parse_overrides

_QUEUES = (Queue.TEST, Queue.VALIDATION, Queue.SELECTION)
_ALL = "all"
_SELECTION_SECONDS = 600.0


@click.command("simulate")
@project_option
@click.option(
    "--queue",
    show_default=_ALL,
    type=click.Choice([*(one.value for one in (*_QUEUES, Queue.REVIEW)), _ALL]),
)
@click.option("--count", type=click.IntRange(1), help="How many to answer; all that are left without it.")
@click.option("--rounds", "round_count", type=click.IntRange(1), help="Run so many whole rounds.")
@click.option("--labels-per-round", type=click.IntRange(1), help="Images chosen each round; the project's without it.")
@click.option("--strategy", type=one_of(Acquisition), help="How they are chosen; the project's without it.")
@click.option("--start", type=click.Choice(["last", "scratch"]), default="last", show_default=True)
@click.option("--preset", type=one_of(Preset), help="How much compute; the project's without it.")
@click.option("--set", "knobs", multiple=True, metavar="SECTION.FIELD=VALUE", help="As for `round start`.")
def simulate_command(
    project_name: str,
    queue: str | None,
    count: int | None,
    round_count: int | None,
    labels_per_round: int | None,
    strategy: str | None,
    start: str,
    preset: str | None,
    knobs: tuple[str, ...],
) -> None:
    """Let the seal of a sealed project answer as an annotator would.

    With --rounds, whole rounds are run: choose, answer, train, again. A worker must be running.
    """
    if round_count is not None and (queue is not None or count is not None):
        raise Refused("--rounds answers whole queues: leave --queue and --count out.")
    if round_count is None and (labels_per_round or strategy or preset or knobs):
        raise Refused("--labels-per-round, --strategy, --preset and --set are about whole rounds: add --rounds.")
    overrides = parse_overrides(knobs)
    runtime = open_database()
    with runtime.database.reading() as uow:
        project = project_named(uow, project_name)
        if not project.is_sealed:
            raise Refused(f"The project {project_name!r} is not sealed: only a sealed one can be simulated.")
        if round_count is not None:
            require_worker(uow, "train", "io")
    if round_count is None:
        for one in _QUEUES if queue is None or queue == _ALL else (Queue(queue),):
            answered = simulate(runtime, project.id, one, count)
            click.echo(f"{one.label}: {answered} answered.")
        return
    simulate(runtime, project.id, Queue.TEST)
    first = len(_curve(runtime, project.id))
    for _ in range(round_count):
        draft = _ready_draft(runtime, project, labels_per_round, Acquisition(strategy) if strategy else None)
        for one in (Queue.SELECTION, Queue.VALIDATION):
            simulate(runtime, project.id, one)
        with committed(runtime.database) as uow:
            queued = round_service.request(
                uow,
                runtime.storage,
                project.id,
                preset=Preset(preset) if preset else None,
                overrides=overrides,
                seed=draft.id,
                start_from=StartFrom(start),
            )
        follow(runtime, queued.id)
    table(
        ("Round", "Labels", "Accuracy", "95 % from", "to", "Test images"),
        [
            (
                point.round_number,
                point.labels,
                percent(point.test.value),
                percent(point.test.low),
                percent(point.test.high),
                point.test.n,
            )
            for point in _curve(runtime, project.id)[first:]
        ],
    )


def _ready_draft(runtime: Runtime, project: Project, size: int | None, strategy: Acquisition | None) -> Round:
    """The project's draft with the wanted selection, as soon as a worker has chosen it."""
    with committed(runtime.database) as uow:
        draft = rounds.draft(uow.session, project.id)
        if draft is None:
            draft = round_service.open_draft(uow, project.id, selection_size=size, strategy=strategy)
        elif (size or draft.selection_size, strategy or draft.strategy) != (draft.selection_size, draft.strategy):
            draft = round_service.redraw(uow, draft.id, selection_size=size, strategy=strategy)
    round_id = draft.id

    def chosen() -> Round | None:
        with runtime.database.reading() as uow:
            found = rounds.one(uow.session, round_id)
        if found.selection_status is SelectionStatus.FAILED:
            raise Refused(f"The images of round {found.number} could not be chosen: {found.selection_message}")
        return found if found.selection_status is SelectionStatus.READY else None

    return wait_until(chosen, seconds=_SELECTION_SECONDS, what="a worker to choose the images")


def _curve(runtime: Runtime, project_id: int) -> list[reports.CurvePoint]:
    with runtime.database.reading() as uow:
        return reports.learning_curve(uow, project_id)
