"""Bring images into a project from a folder, an archive or a manifest.

An import is a row that may be run by any process, twice, or after a crash: it goes on after the last batch it
committed. Memory does not grow with the source: a window of files is decoded by threads, and rows are written in
batches. Must never import torch.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import and_, or_, update

from app.db.base import now
from app.db.models import Import
from app.db.queries import imports, projects
from app.db.unit_of_work import Database, UnitOfWork
from app.domain.rounds import ImportStatus, LabelUse
from app.errors import AppError, Conflict, Refused
from app.formats import sources
from app.formats.entries import InvalidSource
from app.queue import Task
from app.services.importing_batches import Batches, Taken, TakenOver
from app.services.importing_pipeline import taken_after
from app.storage import Storage

BATCH_ROWS = 500
BATCH_SECONDS = 5.0
STALE_SECONDS = 60.0
"""A running import that wrote nothing for this long has lost its process."""
RESEND_SECONDS = 20.0
"""A waiting import that no worker took in this time is announced again."""
REPORTED_REFUSALS = 100
UPLOADS = "uploads"


@dataclass(frozen=True, kw_only=True)
class ImportProgress:
    """How far an import is: what is committed, over all its runs."""

    done: int
    total: int
    added: int
    duplicates: int
    refused: int
    seconds: float


@dataclass(frozen=True, kw_only=True)
class ImportReport:
    """What an import did, over all its runs; `seconds` are those of the last run.

    `labelled` images, new or not, took over a class. `refusals` are the first (name, reason) pairs.
    """

    import_id: int
    status: ImportStatus
    total: int
    added: int
    duplicates: int
    refused: int
    labelled: int
    refusals: tuple[tuple[str, str], ...]
    message: str | None
    seconds: float = 0.0

    @property
    def sentence(self) -> str:
        """The result in a line for people."""
        counts = f"{self.added:,} added, {self.duplicates:,} already there, {self.refused:,} refused"
        return f"{counts} of {self.total:,} ({self.status})."


def start(
    uow: UnitOfWork,
    *,
    project_id: int,
    source: Path,
    label_use: LabelUse,
    add_classes: bool = True,
    in_background: bool = False,
) -> Import:
    """Make an import, or find the unfinished one of the same source and choices; `run` does the work.

    Args:
        uow: open unit of work.
        project_id: where the images go.
        source: folder, archive or manifest, on this machine.
        label_use: what to do with the classes that come along.
        add_classes: whether classes the project does not have are added; otherwise their images are refused.
        in_background: let a worker run it.

    Raises:
        Refused: nothing can be read there, or classes would be sealed in a project that is not.
    """
    project = projects.one(uow.session, project_id)
    if label_use is LabelUse.SEALED and not project.is_sealed:
        raise Refused(
            f"The project {project.name!r} is not sealed: sealed classes are for simulated projects. "
            "Make a sealed project, or import the classes as labels or hints."
        )
    place = source.expanduser().resolve()
    sources.sniff(place)
    found = imports.newest_of(uow.session, project_id, str(place))
    if found is None or not _goes_on(found, place, label_use, add_classes=add_classes):
        found = Import(project_id=project_id, source=str(place), label_use=label_use, add_classes=add_classes)
        uow.session.add(found)
    elif found.status is ImportStatus.INTERRUPTED:
        found.status, found.message, found.updated_at = ImportStatus.QUEUED, None, now()
    uow.session.flush()
    if in_background:
        uow.tell(Task.RUN_IMPORT, found.id)
    return found


def run(
    database: Database,
    storage: Storage,
    import_id: int,
    *,
    on_progress: Callable[[ImportProgress], None] = lambda _: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> ImportReport:
    """Do an import, or what is left of it. One that has ended is only reported.

    Args:
        database: opens a unit of work for each batch.
        storage: where accepted images are kept.
        import_id: the import.
        on_progress: called after each batch.
        should_stop: asked after each file; the import is then interrupted and can go on later.

    Raises:
        Conflict: another process is running it.
        Refused: the source cannot be read, or holds nothing; the row says so too.
    """
    begun = time.monotonic()
    batches = _claim(database, import_id)
    if batches is None:
        with database.reading() as uow:
            return report(uow, import_id)
    status: ImportStatus | None = ImportStatus.INTERRUPTED
    message: str | None = "The import was interrupted. Import the same source to go on."
    try:
        status, message = _work(database, storage, batches, on_progress, should_stop, begun)
    except TakenOver:
        status = None
        raise
    except OSError as error:
        message = f"Stopped: {error.strerror or error}. Once that is mended, import the same source: it goes on there."
        raise Refused(message) from error
    except AppError as error:
        status, message = ImportStatus.FAILED, str(error)
        raise
    except Exception as error:
        status, message = ImportStatus.FAILED, f"{type(error).__name__}: {error}"
        raise
    finally:
        if status is not None:
            _close(database, import_id, status, message)
    if status is ImportStatus.SUCCEEDED:
        _discard_upload(storage, Path(batches.source))
    with database.reading() as uow:
        return report(uow, import_id, seconds=time.monotonic() - begun)


def report(uow: UnitOfWork, import_id: int, *, seconds: float = 0.0) -> ImportReport:
    """What an import has done so far."""
    row = imports.one(uow.session, import_id)
    refused = imports.refusals(uow.session, import_id, limit=REPORTED_REFUSALS)
    return ImportReport(
        import_id=import_id,
        status=row.status,
        total=row.total,
        added=row.added,
        duplicates=row.duplicates,
        refused=row.refused,
        labelled=row.labelled,
        refusals=tuple((one.name, one.reason) for one in refused),
        message=row.message,
        seconds=seconds,
    )


def resend_lost(uow: UnitOfWork) -> int:
    """Announce imports again that no worker took, or whose worker was lost; for the sweeper.

    Returns:
        How many were announced.
    """
    moment = now()
    found = imports.lost(
        uow.session, moment - timedelta(seconds=RESEND_SECONDS), moment - timedelta(seconds=STALE_SECONDS)
    )
    for one in found:
        one.status, one.updated_at = ImportStatus.QUEUED, moment
        uow.tell(Task.RUN_IMPORT, one.id)
    uow.session.flush()
    return len(found)


def save_upload(storage: Storage, name: str, pieces: Iterator[bytes]) -> Path:
    """Keep an uploaded archive until it is imported; the same bytes always land at the same place.

    Args:
        storage: where uploads are kept.
        name: the file's name on the sender's machine; only its last part counts.
        pieces: its bytes.
    """
    base = name.replace("\\", "/").rsplit("/", 1)[-1].lstrip(".") or "upload"
    folder = storage.path(UPLOADS)
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f".part-{os.getpid()}-{time.monotonic_ns()}"
    digest = hashlib.sha256()
    try:
        with part.open("xb") as file:
            for piece in pieces:
                digest.update(piece)
                file.write(piece)
        place = storage.path(f"{UPLOADS}/{digest.hexdigest()[:16]}/{base}")
        place.parent.mkdir(exist_ok=True)
        return part.replace(place)
    finally:
        part.unlink(missing_ok=True)


def _goes_on(found: Import, place: Path, label_use: LabelUse, *, add_classes: bool) -> bool:
    """Whether an earlier import of the same place is the same, unfinished work."""
    is_open = found.status in {ImportStatus.QUEUED, ImportStatus.RUNNING, ImportStatus.INTERRUPTED}
    is_same = found.label_use is label_use and found.add_classes is add_classes
    # A place in an archive or a manifest is a number: in a changed file it would mean something else.
    changed = place.is_file() and datetime.fromtimestamp(place.stat().st_mtime, UTC) > found.updated_at
    return is_open and is_same and not (changed and found.cursor is not None)


def _claim(database: Database, import_id: int) -> Batches | None:
    """Take the import if it waits, was interrupted or lost its process; None if it has ended."""
    with database.writing() as uow:
        row = imports.one(uow.session, import_id)
        waits = Import.status.in_([ImportStatus.QUEUED, ImportStatus.INTERRUPTED])
        stale = and_(
            Import.status == ImportStatus.RUNNING, Import.updated_at < now() - timedelta(seconds=STALE_SECONDS)
        )
        taken = uow.session.scalar(
            update(Import)
            .where(Import.id == import_id, or_(waits, stale))
            .values(status=ImportStatus.RUNNING, message=None, updated_at=now())
            .returning(Import.id)
        )
        if taken is None:
            if row.status is ImportStatus.RUNNING:
                raise Conflict(f"Import {import_id} is being run by another process.")
            return None
        uow.commit()
        return Batches(database, row)


def _work(
    database: Database,
    storage: Storage,
    batches: Batches,
    on_progress: Callable[[ImportProgress], None],
    should_stop: Callable[[], bool],
    begun: float,
) -> tuple[ImportStatus, str | None]:
    reader, path = sources.READERS[sources.sniff(Path(batches.source))], Path(batches.source)
    survey = reader.survey(path)
    if survey.total == 0:
        raise InvalidSource(f"{path.name} is empty: no file is in it, hidden ones aside.")
    batches.begin(survey)
    batch: list[Taken] = []
    committed = time.monotonic()

    def commit() -> None:
        nonlocal committed
        batches.commit(batch)
        batch.clear()
        committed = time.monotonic()
        on_progress(_progress(database, batches.import_id, committed - begun))

    stopped = False
    with closing(taken_after(storage, batches, reader.read(path, survey, batches.cursor))) as stream:
        for one in stream:
            batch.append(one)
            if len(batch) >= BATCH_ROWS or time.monotonic() - committed > BATCH_SECONDS:
                commit()
            stopped = should_stop()
            if stopped:
                break
    if batch:
        commit()
    batches.end()
    if stopped:
        return ImportStatus.INTERRUPTED, "The import was stopped. Import the same source to go on."
    return ImportStatus.SUCCEEDED, None


def _progress(database: Database, import_id: int, seconds: float) -> ImportProgress:
    with database.reading() as uow:
        row = imports.one(uow.session, import_id)
        return ImportProgress(
            done=row.added + row.duplicates + row.refused,
            total=row.total,
            added=row.added,
            duplicates=row.duplicates,
            refused=row.refused,
            seconds=seconds,
        )


def _close(database: Database, import_id: int, status: ImportStatus, message: str | None) -> None:
    with database.writing() as uow:
        uow.session.execute(
            update(Import)
            .where(Import.id == import_id, Import.status == ImportStatus.RUNNING)
            .values(status=status, message=message, updated_at=now())
        )
        uow.commit()


def _discard_upload(storage: Storage, source: Path) -> None:
    if source.is_relative_to(storage.path(UPLOADS)) and source.is_file():
        source.unlink()
        source.parent.rmdir()
