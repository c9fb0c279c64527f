"""Times what pages and routes ask of the database: `python -m tests.benchmarks.statements --folder …`.

The folder is one that `tests.benchmarks.million` built. A figure is the whole call of a service, transaction included:
an upper bound of the database's share. With `--plans`, each statement that took longer than 5 ms is explained.
"""

from __future__ import annotations

import argparse
import itertools
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import event, select

from app.db.models import PseudoLabel
from app.db.queries import images, projects, reviews
from app.db.queries import queues as queue_queries
from app.db.queries import reports as report_queries
from app.db.queries import rounds as round_queries
from app.db.unit_of_work import Database, UnitOfWork
from app.domain.labels import Action, Queue
from app.domain.pools import Pool, Split
from app.domain.pseudo_labels import PseudoLabelStatus
from app.services import annotation, queues, reports, review, rounds
from tests.benchmarks import million
from tests.benchmarks.engines import Engine, kept
from tests.benchmarks.measuring import circumstances, quantiles, timed
from tests.benchmarks.million import Built

SLOW_MS = 5.0
QUEUES = (Queue.TEST, Queue.VALIDATION, Queue.SELECTION, Queue.REVIEW, Queue.ADJUDICATION)
Ask = Callable[[UnitOfWork], object]


@dataclass(frozen=True)
class Statement:
    """One statement as it went to the driver."""

    sql: str
    parameters: Any
    milliseconds: float


def readings(built: Built) -> dict[str, Ask]:
    """What is only looked at."""
    project_id, me = built.project_id, built.annotator_ids[0]
    asked: dict[str, Ask] = {}
    for queue in QUEUES:
        asked |= _of_queue(project_id, queue, me)
    return asked | {
        "left of every queue": lambda uow: rounds.unanswered(uow, project_id, me),
        "pool counts": lambda uow: uow.recent(images.pool_counts, project_id),
        "count anew: pools": lambda uow: images.pool_counts(uow.session, project_id),
        "count anew: labels": lambda uow: images.label_counts(uow.session, project_id),
        "count anew: reasons": lambda uow: reviews.reason_counts(uow.session, project_id),
        "count anew: accepted": lambda uow: report_queries.accepted(uow.session, project_id),
        "count anew: accuracy": lambda uow: report_queries.correct_by_round(uow.session, project_id),
        "count anew: pseudo-labels": lambda uow: round_queries.pseudo_label_counts(uow.session, built.newest_id),
        "overview": lambda uow: reports.overview(uow, project_id, me),
        "all projects": lambda uow: projects.every(uow.session),
        "images, page 1": lambda uow: images.page(uow.session, project_id),
        "images, of a pool": lambda uow: images.page(uow.session, project_id, pool=Pool.EXCLUDED),
        "images, of a class": lambda uow: images.page(uow.session, project_id, class_id=built.class_ids[0]),
        "images, test of a class": lambda uow: images.page(
            uow.session, project_id, split=Split.TEST, class_id=built.class_ids[0]
        ),
        "accepted, page 1": lambda uow: review.accepted(uow, project_id),
        "accepted, far behind": lambda uow: review.accepted(uow, project_id, after_id=_far(uow, built)),
        "accepted, of a class": lambda uow: review.accepted(uow, project_id, class_id=built.class_ids[3]),
        "reasons of the rejected": lambda uow: review.reason_counts(uow, project_id),
        "learning curve": lambda uow: reports.learning_curve(uow, project_id),
        "mean side of the images": lambda uow: images.sides(uow.session, project_id),
    }


def _far(uow: UnitOfWork, built: Built) -> int:
    """One of the accepted pseudo-labels that the model is surest of."""
    surest = select(PseudoLabel.id).where(
        PseudoLabel.round_id == built.newest_id, PseudoLabel.status == PseudoLabelStatus.ACCEPTED
    )
    return uow.session.scalars(surest.order_by(PseudoLabel.score.desc()).offset(100).limit(1)).one()


def _of_queue(project_id: int, queue: Queue, me: int) -> dict[str, Ask]:
    return {
        f"next 48 of {queue}": lambda uow: queues.next_images(uow, project_id, queue, me, 48),
        f"progress of {queue}": lambda uow: queues.progress(uow, project_id, queue, me),
        f"count anew: {queue}": lambda uow: queue_queries.settled(uow.session, project_id, queue),
        f"count anew: skipped of {queue}": lambda uow: queue_queries.passed_over(uow.session, project_id, queue, me),
    }


def writings(built: Built) -> dict[str, Ask]:
    """What changes the database; every call is about other images, and is committed."""
    project_id, class_id = built.project_id, built.class_ids[0]
    people, tab = itertools.cycle(built.annotator_ids), str(uuid.uuid4())
    me, classes = built.annotator_ids[-1], itertools.cycle(built.class_ids)
    waiting: list[int] = []

    def take(uow: UnitOfWork, queue: Queue) -> object:
        return queues.take(uow, project_id, queue, next(people), tab=str(uuid.uuid4()), want=48)

    def take_grid(uow: UnitOfWork) -> object:
        return queues.take(
            uow, project_id, Queue.GRID, next(people), tab=str(uuid.uuid4()), want=48, class_id=next(classes)
        )

    def renew(uow: UnitOfWork) -> object:
        waiting[:] = [one.image_id for one in _hold(uow, 48)] + waiting
        return None

    def _hold(uow: UnitOfWork, want: int) -> list[Any]:
        taken = queues.take(uow, project_id, Queue.SELECTION, me, tab=tab, want=want, held=waiting)
        waiting[:] = [one for one in waiting if one in taken.kept]
        return taken.items

    def save(uow: UnitOfWork) -> object:
        now, waiting[:] = waiting[:10], waiting[10:]
        for image_id in now:
            annotation.answer(
                uow, uid=str(uuid.uuid4()), image_id=image_id, annotator_id=me, action=Action.LABEL, class_id=class_id,
                queue=Queue.SELECTION,
            )  # fmt: skip
        return None

    return {
        "lease 48 of selection": lambda uow: take(uow, Queue.SELECTION),
        "lease 48 of test": lambda uow: take(uow, Queue.TEST),
        "lease 48 of a grid": take_grid,
        "lease 48 of review": lambda uow: take(uow, Queue.REVIEW),
        "renew, and refill to 48": renew,
        "save 10 answers": lambda uow: (renew(uow) if len(waiting) < 10 else None, save(uow)),
        "undo": lambda uow: annotation.undo(uow, project_id, me),
        "give leases back": lambda uow: queues.release(uow, me, tab),
    }


@contextmanager
def recorded(database: Database) -> Iterator[list[Statement]]:
    """Every statement of the block, with its time up to the first row."""
    into: list[Statement] = []
    thread = threading.get_ident()

    def before(_c: Any, _cursor: Any, _sql: str, _parameters: Any, context: Any, _many: bool) -> None:
        context.begun = time.perf_counter()

    def after(_c: Any, _cursor: Any, sql: str, parameters: Any, context: Any, _many: bool) -> None:
        if threading.get_ident() == thread:
            into.append(Statement(sql, parameters, 1000 * (time.perf_counter() - context.begun)))

    event.listen(database.engine, "before_cursor_execute", before)
    event.listen(database.engine, "after_cursor_execute", after)
    yield into
    event.remove(database.engine, "before_cursor_execute", before)
    event.remove(database.engine, "after_cursor_execute", after)


def explained(database: Database, statement: Statement) -> str:
    """The engine's plan."""
    is_sqlite = database.engine.dialect.name == "sqlite"
    prefix = "EXPLAIN QUERY PLAN " if is_sqlite else "EXPLAIN (ANALYZE, BUFFERS) "
    with database.engine.connect() as connection:
        rows = connection.exec_driver_sql(prefix + statement.sql, statement.parameters).all()
    return "\n".join(f"      {row[-1]}" for row in rows)


def measure(database: Database, asked: dict[str, Ask], times: int, *, writes: bool, plans: bool, only: str) -> None:
    """Print a line for each."""
    for name, ask in asked.items():
        if only not in name:
            continue
        took: list[float] = []
        cpu: list[float] = []
        for turn in range(times + 1):
            opened = database.writing if writes else database.reading
            with recorded(database) as statements, timed(took, cpu), opened() as uow:
                ask(uow)
                if writes:
                    uow.commit()
            if turn and sum(took[1:]) > 20_000:
                break
        rest = f"CPU {np.median(cpu[1:]):6.1f}  {len(statements)} statements; first {took[0]:.0f} ms"
        print(f"  {name:28} {quantiles(took[1:])}  {rest}", flush=True)
        for one in statements:
            if plans and one.milliseconds > SLOW_MS:
                print(f"    {one.milliseconds:.0f} ms: {' '.join(one.sql.split())[:1500]}\n      {one.parameters}")
                if one.sql.lstrip().startswith("SELECT"):
                    print(explained(database, one))


def main() -> None:
    """Measure on the engines that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--engine", type=Engine, choices=list(Engine), nargs="+", default=list(Engine))
    parser.add_argument("--times", type=int, default=50)
    parser.add_argument("--only", default="", help="part of a name")
    parser.add_argument("--plans", action="store_true")
    options = parser.parse_args()
    for engine in options.engine:
        with kept(engine, options.folder / engine) as url:
            database = Database(url, lambda *_: None)
            built = million.find(database)
            print(f"{engine}: p50 / p95 / max; {circumstances()}")
            for asked, writes in ((readings(built), False), (writings(built), True)):
                measure(database, asked, options.times, writes=writes, plans=options.plans, only=options.only)
            database.engine.dispose()


if __name__ == "__main__":
    main()
