"""Many annotators share one queue of 10,000 images: `python -m tests.benchmarks.crowd --folder /var/tmp/crowd`.

Each is a thread with leases of its own over the real services, and answers as fast as it can; with `--processes` the
threads are spread over several, as people are over several servers.
Counted in the database: images that two people were given, answers that are missing or doubled, errors.
"""

from __future__ import annotations

import argparse
import multiprocessing
import shutil
import time
import uuid
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import func, select

from app.db import migrate
from app.db.models import Annotation, Image
from app.db.unit_of_work import Database, committed
from app.domain.labels import Action, Queue
from app.domain.pools import Pool, Split
from app.services import annotation, queues
from tests.benchmarks.engines import Engine, kept
from tests.benchmarks.measuring import circumstances, quantiles, timed
from tests.world import World

BATCH = 5


@dataclass
class Worked:
    """What some annotators did: images they were given (with whom), milliseconds, errors."""

    given: list[tuple[int, int]] = field(default_factory=list)
    leases: list[float] = field(default_factory=list)
    saves: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


def work(database: Database, project_id: int, class_ids: Sequence[int], annotator_id: int, ahead: int) -> Worked:
    """Answer until nothing is left."""
    done, tab = Worked(), str(uuid.uuid4())
    while True:
        try:
            with timed(done.leases), committed(database) as uow:
                taken = queues.take(uow, project_id, Queue.SELECTION, annotator_id, tab=tab, want=ahead)
            items = [one.image_id for one in taken.items]
            done.given += [(image_id, annotator_id) for image_id in items]
            if not items and not taken.elsewhere.images:
                return done
            if not items:
                time.sleep(1)  # the labeller waits longer
            for start in range(0, len(items), BATCH):
                with timed(done.saves), committed(database) as uow:
                    for image_id in items[start : start + BATCH]:
                        annotation.answer(
                            uow, uid=str(uuid.uuid4()), image_id=image_id, annotator_id=annotator_id,
                            action=Action.LABEL, class_id=class_ids[image_id % len(class_ids)], queue=Queue.SELECTION,
                        )  # fmt: skip
        except Exception as error:
            done.errors.append(repr(error)[:300])
            if len(done.errors) > 50:
                return done


def together(parts: Sequence[Worked]) -> Worked:
    """What all of them did."""
    whole = Worked()
    for part in parts:
        whole.given += part.given
        whole.leases += part.leases
        whole.saves += part.saves
        whole.errors += part.errors
    return whole


def work_together(
    url: str,
    project_id: int,
    class_ids: Sequence[int],
    annotator_ids: Sequence[int],
    ahead: int,
    into: multiprocessing.Queue[Worked] | None,
) -> Worked:
    """One process with a thread for each of these annotators."""
    database = Database(url, lambda *_: None)
    with ThreadPoolExecutor(len(annotator_ids)) as threads:
        parts = list(threads.map(lambda one: work(database, project_id, class_ids, one, ahead), annotator_ids))
    database.engine.dispose()
    whole = together(parts)
    if into is not None:
        into.put(whole)
    return whole


def prepare(url: str, folder: Path, images: int, people: int) -> tuple[int, list[int], list[int]]:
    """A project whose draft asks for all its images: (id, classes, annotators)."""
    migrate.upgrade(url)
    world = World(url, folder)
    world.make_project(train=images)
    with world.writing() as uow:
        uow.analyse(Image)  # as an import does
    world.open_draft(world.ids(Split.TRAIN, Pool.UNLABELLED)[:images], validation_size=0)
    annotator_ids = [world.annotator(f"person {number}") for number in range(people)]
    world.close()
    return world.project_id, world.class_ids, annotator_ids


def verdict(url: str, project_id: int, done: Worked) -> tuple[int, int, int]:
    """(images given to two people, answers in the database, images with an answer)."""
    holders = Counter(image_id for image_id, _ in set(done.given))
    database = Database(url, lambda *_: None)
    with database.reading() as uow:
        answers, answered = uow.session.execute(
            select(func.count(), func.count(Annotation.image_id.distinct())).where(Annotation.project_id == project_id)
        ).one()
    database.engine.dispose()
    return sum(1 for count in holders.values() if count > 1), answers, answered


def main() -> None:
    """Measure on the engines that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="emptied first; a short path")
    parser.add_argument("--engine", type=Engine, choices=list(Engine), nargs="+", default=list(Engine))
    parser.add_argument("--people", type=int, default=32)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--images", type=int, default=10_000)
    options = parser.parse_args()
    for engine in options.engine:
        folder = options.folder / engine
        shutil.rmtree(folder, ignore_errors=True)
        with kept(engine, folder) as url:
            project_id, class_ids, people = prepare(url, folder, options.images, options.people)
            context = multiprocessing.get_context("spawn")
            results: multiprocessing.Queue[Worked] = context.Queue()
            begun = time.monotonic()
            parts = [people[start :: options.processes] for start in range(options.processes)]
            processes = [
                context.Process(target=work_together, args=(url, project_id, class_ids, part, 24, results))
                for part in parts
            ]
            for one in processes:
                one.start()
            done = [results.get() for _ in processes]
            for one in processes:
                one.join()
            seconds = time.monotonic() - begun
            whole = together(done)
            twice, answers, answered = verdict(url, project_id, whole)
            print(f"{engine}: {options.people} annotators, {options.images:,} images; {circumstances()}")
            print(
                f"  given to two people {twice}, errors {len(whole.errors)}, answers {answers:,} on {answered:,} images"
            )
            print(f"  {answers / seconds:.0f} answers a second in all")
            print(f"  lease of 24       {quantiles(whole.leases)}")
            print(f"  save of {BATCH}         {quantiles(whole.saves)}")
            for error in whole.errors[:5]:
                print(f"  ERROR {error}", flush=True)


if __name__ == "__main__":
    main()
