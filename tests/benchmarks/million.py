"""Build a project of a million images: `python -m tests.benchmarks.million --folder /var/tmp/million`.

Every row is as the services would have written it after three rounds: a test split, labels by eight people, a draft
with its selection and validation sample, the newest round's pseudo-labels for the whole rest and those of the round
before, expired. Every image has a hash of real bytes: one of 64 JPEG files and the image's number behind its end. Only
images that the queues serve first have their file written; `write_files` makes any other.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import itertools
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as Picture
from PIL import ImageFilter
from sqlalchemy import Table, select

from app.db import migrate
from app.db.base import Base
from app.db.models import Annotation, Annotator, Image, Import, PseudoLabel, Round, Selection, Snapshot
from app.db.models import Prediction as PredictionRow
from app.db.queries import projects as project_queries
from app.db.queries.reviews import UNJUDGED
from app.db.unit_of_work import Database, committed
from app.domain.labels import Queue
from app.domain.pools import Split
from app.domain.rounds import ImportStatus, LabelUse, RoundStatus, SelectionStatus
from app.domain.splits import draw
from app.services import annotation, projects
from app.storage import image_key
from ssmae.config import Acquisition
from tests.benchmarks.bulk import load, without_indexes
from tests.benchmarks.engines import Engine, kept

CLASSES = ("heron", "owl", "robin", "wren", "tit", "crow", "finch", "swan", "gull", "hawk")
PEOPLE = 8
SELECTION, VALIDATION = 20_000, 500
BASES, SIDE = 64, 256
_THEN = "2026-01-01 00:00:00.000000"
_REASONS = ("low_confidence", "inconsistent", "outside_frame", "class_blocked")
_ROUNDS = 3


@dataclass(frozen=True)
class Built:
    """Ids of what every measurement asks about."""

    project_id: int
    class_ids: list[int]
    annotator_ids: list[int]
    draft_id: int
    newest_id: int


@dataclass(frozen=True)
class Rows:
    """What is drawn for every image, by its number."""

    test_N: np.ndarray
    labelled_N: np.ndarray
    excluded_N: np.ndarray
    selected: np.ndarray
    sampled: np.ndarray
    accepted_N: np.ndarray
    class_N: np.ndarray
    draws_N: np.ndarray
    sha256: list[str]


def content(number: int) -> bytes:
    """The bytes of image `number`: a picture, and the number behind its end, where no decoder looks."""
    return _bases()[number % BASES] + b"%09d" % number


def write_files(database: Database, folder: Path, ids: Iterable[int]) -> int:
    """Write the files of these images into the storage of a data directory; gives back how many were new."""
    written = 0
    with database.reading() as uow:
        for some in _batched(ids, 500):
            for name, sha256 in uow.session.execute(select(Image.name, Image.sha256).where(Image.id.in_(some))):
                path = folder / "files" / image_key(sha256, ".jpg")
                if not path.exists():
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(content(int(name.removeprefix("photos/").removesuffix(".jpg"))))
                    written += 1
    return written


def build(database_url: str, folder: Path, n: int, *, seed: int = 0) -> Built:
    """Make the project in a migrated, empty database; see the module."""
    migrate.upgrade(database_url)
    database = Database(database_url, lambda *_: None)
    with committed(database) as uow:
        project = projects.create(uow, name=f"{n:,} images", classes=CLASSES, test_size=max(1, n // 100))
        class_ids = [one.id for one in project_queries.classes(uow.session, project.id)]
        people = [annotation.annotator(uow, f"person {k + 1}").id for k in range(PEOPLE)]
        source = Import(
            project_id=project.id, source="/photos", label_use=LabelUse.IGNORED, total=n, added=n,
            status=ImportStatus.SUCCEEDED,
        )  # fmt: skip
        uow.session.add(source)
        uow.session.flush()
        project_id, salt, import_id = project.id, project.salt, source.id
    rows = _draw(n, salt, np.random.default_rng(seed))
    with committed(database) as uow:
        round_ids = [_round(uow.session, project_id, number, n) for number in range(1, _ROUNDS + 1)]
        draft = Round(
            project_id=project_id, number=_ROUNDS + 1, strategy=Acquisition.MARGIN, selection_size=SELECTION,
            validation_size=VALIDATION, selection_status=SelectionStatus.READY,
        )  # fmt: skip
        uow.session.add(draft)
        uow.session.flush()
        draft_id = draft.id
    tables = [_table(one) for one in (Image, PseudoLabel, Annotation, Selection)]
    with database.engine.begin() as connection:
        with without_indexes(connection, tables):
            load(connection, _table(Image), _IMAGE, _images(rows, project_id, import_id, class_ids))
            load(connection, _table(Annotation), _ANNOTATION, _annotations(rows, project_id, class_ids, people))
            load(connection, _table(Selection), _SELECTION, _selection(rows, draft_id))
            for round_id, is_newest in ((round_ids[-2], False), (round_ids[-1], True)):
                made = _pseudo_labels(rows, project_id, round_id, class_ids, is_newest=is_newest)
                load(connection, _table(PseudoLabel), _PSEUDO_LABEL, made)
        for round_id in round_ids:
            load(connection, _table(PredictionRow), _PREDICTION, _predictions(rows, round_id, class_ids))
    _analyse(database)
    built = Built(project_id, class_ids, people, draft_id, round_ids[-1])
    write_files(database, folder, served_first(database, built))
    database.engine.dispose()
    return built


def find(database: Database) -> Built:
    """What `build` made earlier in this database."""
    with database.reading() as uow:
        project = project_queries.every(uow.session)[0]
        rounds = list(uow.session.execute(select(Round.id, Round.status).where(Round.project_id == project.id)))
        names = select(Annotator.id).where(Annotator.name.like("person %")).order_by(Annotator.id)
        return Built(
            project.id,
            [one.id for one in project_queries.classes(uow.session, project.id)],
            list(uow.session.scalars(names)),
            next(row[0] for row in rounds if row[1] is RoundStatus.DRAFT),
            max(row[0] for row in rounds if row[1] is RoundStatus.SUCCEEDED),
        )


def served_first(database: Database, built: Built, each: int = 4_000) -> list[int]:
    """Ids of the images that each queue serves first."""
    selection = select(Selection.image_id).where(Selection.round_id == built.draft_id).order_by(Selection.position)
    test = select(Image.id).where(Image.project_id == built.project_id, Image.split == Split.TEST)
    newest = select(PseudoLabel.image_id).where(PseudoLabel.round_id == built.newest_id)
    review = newest.where(PseudoLabel.status == "rejected").order_by(PseudoLabel.score.desc()).limit(each)
    accepted = newest.where(PseudoLabel.status == "accepted").order_by(PseudoLabel.score).limit(each)
    doubted = newest.where(PseudoLabel.class_id == built.class_ids[0], UNJUDGED).order_by(PseudoLabel.score)
    browsed = select(Image.id).where(Image.project_id == built.project_id).order_by(Image.draw).limit(500)
    with database.reading() as uow:
        wanted = (selection, test.order_by(Image.draw).limit(each), review, accepted, doubted.limit(each), browsed)
        return sorted({one for statement in wanted for one in uow.session.scalars(statement)})


def _draw(n: int, salt: str, random: np.random.Generator) -> Rows:
    hashes = [hashlib.sha256(base) for base in _bases()]
    sha256 = []
    for number in range(n):
        whole = hashes[number % BASES].copy()
        whole.update(b"%09d" % number)
        sha256.append(whole.hexdigest())
    draws_N = np.array([draw(one, salt) for one in sha256])
    test_N = draws_N < 0.01
    excluded_N = ~test_N & (random.random(n) < 0.005)
    labelled_N = ~excluded_N & np.where(test_N, random.random(n) < 0.4, random.random(n) < 0.05)
    askable = np.flatnonzero(~test_N & ~excluded_N & ~labelled_N)
    asked = random.permutation(askable)[: min(SELECTION + VALIDATION, len(askable) // 2)]
    sampled, selected = asked[: len(asked) // 40], asked[len(asked) // 40 :]
    accepted_N = ~test_N & ~excluded_N & ~labelled_N & (random.random(n) < 0.6)
    accepted_N[asked] = False
    return Rows(
        test_N, labelled_N, excluded_N, selected, sampled, accepted_N, random.integers(0, len(CLASSES), n), draws_N,
        sha256,
    )  # fmt: skip


def _round(session: Any, project_id: int, number: int, n: int) -> int:
    snapshot = Snapshot(
        project_id=project_id, digest=f"{number:064d}", class_ids=[], images=n, labelled=number * n // 60,
        validation=VALIDATION, test=n // 250,
    )  # fmt: skip
    session.add(snapshot)
    session.flush()
    made = Round(
        project_id=project_id, number=number, status=RoundStatus.SUCCEEDED, strategy=Acquisition.MARGIN,
        selection_size=SELECTION, validation_size=VALIDATION, selection_status=SelectionStatus.READY,
        snapshot_id=snapshot.id, finished_at=datetime(2026, 1, number, tzinfo=UTC),
        manifest={"pools": {"unlabelled": n}},
    )  # fmt: skip
    session.add(made)
    session.flush()
    return int(made.id)


_IMAGE = (
    "id", "project_id", "import_id", "sha256", "name", "suffix", "width", "height", "size", "draw", "split",
    "split_is_given", "pool", "label_class_id", "opinions", "needs_decision", "created_at",
)  # fmt: skip


def _images(rows: Rows, project_id: int, import_id: int, class_ids: Sequence[int]) -> Iterator[tuple[Any, ...]]:
    sampled = set(rows.sampled.tolist())
    for number, sha256 in enumerate(rows.sha256):
        is_labelled = bool(rows.labelled_N[number])
        split = "test" if rows.test_N[number] else "validation" if number in sampled else "train"
        pool = "labelled" if is_labelled else "excluded" if rows.excluded_N[number] else "unlabelled"
        if rows.accepted_N[number]:
            pool = "pseudo_labelled"
        yield (
            number + 1, project_id, import_id, sha256, f"photos/{number:09d}.jpg", ".jpg", SIDE, SIDE, 12_000,
            float(rows.draws_N[number]), split, False, pool,
            class_ids[rows.class_N[number]] if is_labelled else None, int(is_labelled) * (1 + _is_disputed(number)),
            is_labelled and _is_disputed(number), _THEN,
        )  # fmt: skip


def _is_disputed(number: int) -> bool:
    """Whether two people labelled the image and disagree."""
    return number % 20 == 0


_ANNOTATION = (
    "uid", "project_id", "image_id", "annotator_id", "action", "class_id", "queue", "seconds", "created_at",
)  # fmt: skip


def _annotations(
    rows: Rows, project_id: int, class_ids: Sequence[int], people: Sequence[int]
) -> Iterator[tuple[Any, ...]]:
    for number in np.flatnonzero(rows.labelled_N).tolist():
        queue = "test" if rows.test_N[number] else "selection"
        for turn in range(1 + _is_disputed(number)):
            yield (
                f"built-{number}-{turn}", project_id, number + 1, people[(number + turn) % len(people)], "label",
                class_ids[(rows.class_N[number] + turn) % len(class_ids)], queue, 2.0, _THEN,
            )  # fmt: skip


_SELECTION = ("round_id", "image_id", "queue", "strategy", "score", "reason", "position")


def _selection(rows: Rows, draft_id: int) -> Iterator[tuple[Any, ...]]:
    why = "The two likeliest classes are close."
    for queue, numbers in ((Queue.SELECTION, rows.selected), (Queue.VALIDATION, rows.sampled)):
        for position, number in enumerate(numbers.tolist()):
            yield draft_id, number + 1, queue.value, "margin", 0.5, why, position


_PSEUDO_LABEL = (
    "project_id", "round_id", "image_id", "class_id", "score", "confidence", "status", "reason", "created_at",
    "changed_at",
)  # fmt: skip


def _pseudo_labels(
    rows: Rows, project_id: int, round_id: int, class_ids: Sequence[int], *, is_newest: bool
) -> Iterator[tuple[Any, ...]]:
    for number in np.flatnonzero(~rows.test_N & ~rows.excluded_N & ~rows.labelled_N).tolist():
        doubt = float(rows.draws_N[number])
        if rows.accepted_N[number]:
            score, confidence, status, reason = 0.9 + doubt / 10, 0.9 + doubt / 10, "accepted", None
        else:
            reason = _REASONS[min(3, int(4 * doubt * doubt))]
            score, status = (0.0 if reason == "inconsistent" else 0.3 + 0.6 * doubt), "rejected"
            confidence = 0.3 + 0.6 * doubt
        status = status if is_newest else "expired"
        class_id = class_ids[rows.class_N[number]]
        yield project_id, round_id, number + 1, class_id, score, confidence, status, reason, _THEN, _THEN


_PREDICTION = ("round_id", "image_id", "class_id", "confidence")


def _predictions(rows: Rows, round_id: int, class_ids: Sequence[int]) -> Iterator[tuple[Any, ...]]:
    for number in np.flatnonzero(rows.test_N).tolist():
        is_wrong = number % 7 == 0
        yield round_id, number + 1, class_ids[(rows.class_N[number] + is_wrong) % len(class_ids)], 0.8


_made: list[bytes] = []


def _bases() -> list[bytes]:
    """Pictures that differ, about 12 kB each, as a camera's crop would have."""
    random = np.random.default_rng(7)
    while len(_made) < BASES:
        noise = Picture.fromarray(random.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8))
        buffer = io.BytesIO()
        noise.filter(ImageFilter.GaussianBlur(1.5)).save(buffer, "JPEG", quality=80)
        _made.append(buffer.getvalue())
    return _made


def _batched(ids: Iterable[int], size: int) -> Iterator[tuple[int, ...]]:
    iterator = iter(ids)
    while some := tuple(itertools.islice(iterator, size)):
        yield some


def _table(model: type[Base]) -> Table:
    table = model.__table__
    assert isinstance(table, Table)
    return table


def _analyse(database: Database) -> None:
    """PostgreSQL gathers statistics by itself, some time after a load; SQLite has none unless the product asks."""
    if database.engine.dialect.name == "postgresql":
        with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("VACUUM ANALYZE")


def main() -> None:
    """Build on the engines that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="kept; a short path")
    parser.add_argument("--engine", type=Engine, choices=list(Engine), nargs="+", default=list(Engine))
    parser.add_argument("--images", type=int, default=1_000_000)
    options = parser.parse_args()
    for engine in options.engine:
        begun = time.monotonic()
        with kept(engine, options.folder / engine) as url:
            build(url, options.folder / engine, options.images)
        print(f"{engine}: {options.images:,} images in {time.monotonic() - begun:.0f} s", flush=True)


if __name__ == "__main__":
    main()
