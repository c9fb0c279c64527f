from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from app.db.base import now
from app.db.models import Annotation, Image, Import
from app.domain.rounds import ImportStatus, LabelUse
from app.errors import Conflict, Refused
from app.queue import Task
from app.services import importing
from app.services.importing_batches import TakenOver
from tests.pictures import picture, put, tarred, zipped

COUNT = 30


@pytest.fixture
def pets(world, monkeypatch):
    monkeypatch.setattr(importing, "BATCH_ROWS", 4)
    world.make_project(classes=(), test_size=0)
    return world


def files(count=COUNT):
    return {f"{'cat' if n % 2 else 'dog'}/{n}.png": picture(n, size=(8, 8)) for n in range(count)}


def start(world, source):
    with world.writing() as uow:
        return importing.start(uow, project_id=world.project_id, source=source, label_use=LabelUse.LABELS).id


def run(world, import_id, **options):
    return importing.run(world.database, world.storage, import_id, **options)


def stop_after(count):
    left = iter(range(count))
    return lambda: next(left, None) is None


def age(world, import_id, seconds):
    with world.writing() as uow:
        long_ago = now() - timedelta(seconds=seconds)
        uow.session.execute(update(Import).where(Import.id == import_id).values(updated_at=long_ago))


def assert_whole(world, report, count=COUNT):
    assert (report.status, report.added, report.duplicates, report.refused) == (ImportStatus.SUCCEEDED, count, 0, 0)
    with world.reading() as uow:
        assert uow.session.scalar(select(func.count()).select_from(Image)) == count
        assert uow.session.scalar(select(func.count()).select_from(Annotation)) == count


@pytest.mark.parametrize("kind", ["folder", "zip", "tar", "manifest"])
def test_run__an_interrupted_import_goes_on_where_it_stopped(pets, tmp_path, kind):
    folder = put(tmp_path / "in", files())
    (folder / "m.csv").write_text("path,class\n" + "".join(f"{name},{name[:3]}\n" for name in files()))
    source = {
        "folder": put(tmp_path / "plain", files()), "manifest": folder / "m.csv",
        "zip": zipped(tmp_path / "a.zip", files()), "tar": tarred(tmp_path / "a.tar.xz", files(), "xz"),
    }[kind]  # fmt: skip
    first = run(pets, start(pets, source), should_stop=stop_after(6))
    assert first.status is ImportStatus.INTERRUPTED
    assert 4 <= first.added < COUNT
    assert "go on" in first.message
    second_id = start(pets, source)
    assert second_id == first.import_id
    assert_whole(pets, run(pets, second_id))


def test_run__progress_is_what_is_committed(pets, tmp_path):
    seen: list[importing.ImportProgress] = []
    run(pets, start(pets, put(tmp_path / "in", files())), on_progress=seen.append)
    assert [one.done for one in seen] == [4, 8, 12, 16, 20, 24, 28, 30]
    assert {one.total for one in seen} == {COUNT}


def test_run__a_finished_import_is_only_reported(pets, tmp_path):
    import_id = start(pets, put(tmp_path / "in", files()))
    first = run(pets, import_id)
    again = run(pets, import_id)
    assert (again.added, again.status) == (first.added, first.status)
    assert_whole(pets, again)


def test_run__an_import_that_is_being_run_is_left_alone_until_its_process_is_lost(pets, tmp_path):
    import_id = start(pets, put(tmp_path / "in", files()))
    with pets.writing() as uow:
        uow.session.execute(update(Import).values(status=ImportStatus.RUNNING, updated_at=now()))
    with pytest.raises(Conflict, match="another process"):
        run(pets, import_id)
    age(pets, import_id, importing.STALE_SECONDS + 1)
    assert_whole(pets, run(pets, import_id))


def test_run__a_process_that_was_overtaken_stops_and_nothing_counts_twice(pets, tmp_path):
    import_id = start(pets, put(tmp_path / "in", files()))
    reports = []

    def overtake(progress):
        if progress.done == 8:
            age(pets, import_id, importing.STALE_SECONDS + 1)
            reports.append(run(pets, import_id))

    with pytest.raises(TakenOver):
        run(pets, import_id, on_progress=overtake)
    assert_whole(pets, reports[0])


def test_run__a_full_disk_is_said_and_the_import_goes_on_later(pets, tmp_path, monkeypatch):
    import_id = start(pets, put(tmp_path / "in", files()))
    real, written = pets.storage.write, []

    def write(key, content):
        written.append(key)
        if len(written) > 14:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(key, content)

    monkeypatch.setattr(pets.storage, "write", write)
    with pytest.raises(Refused, match="No space left on device"):
        run(pets, import_id)
    monkeypatch.undo()
    with pets.reading() as uow:
        assert importing.report(uow, import_id).status is ImportStatus.INTERRUPTED
    assert_whole(pets, run(pets, import_id))


def test_start__an_archive_that_was_replaced_is_a_new_import(pets, tmp_path):
    source = zipped(tmp_path / "a.zip", files())
    first = run(pets, start(pets, source), should_stop=stop_after(6))
    zipped(source, dict(reversed(files().items())))
    later = time.time() + 5
    os.utime(source, (later, later))
    second = run(pets, start(pets, source))
    assert second.import_id != first.import_id
    assert second.added + first.added == COUNT
    assert second.duplicates == first.added


def test_resend_lost__announces_what_waits_or_was_lost_and_nothing_else(pets, tmp_path):
    waiting = start(pets, put(tmp_path / "a", files(1)))
    lost = start(pets, put(tmp_path / "b", files(2)))
    with pets.writing() as uow:
        uow.session.execute(update(Import).where(Import.id == lost).values(status=ImportStatus.RUNNING))
        assert importing.resend_lost(uow) == 0
    age(pets, waiting, importing.RESEND_SECONDS + 1)
    age(pets, lost, importing.STALE_SECONDS + 1)
    with pets.writing() as uow:
        assert importing.resend_lost(uow) == 2
    assert Counter(pets.messages) == Counter({(Task.RUN_IMPORT, waiting): 1, (Task.RUN_IMPORT, lost): 1})


def test_run__a_killed_process_loses_nothing(pets, database_url, tmp_path):
    """Kill -9 in the middle of an import, then import again."""
    count = 400
    import_id = start(pets, put(tmp_path / "in", files(count)))
    program = (
        "import sys; from pathlib import Path; from app.db.unit_of_work import Database\n"
        "from app.services import importing; from app.storage import Storage\n"
        "importing.BATCH_ROWS = 4\n"
        "importing.run(Database(sys.argv[1], lambda *_: None), Storage(Path(sys.argv[2])), int(sys.argv[3]),\n"
        "              on_progress=lambda p: print(p.done, flush=True))\n"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", program, database_url, str(pets.storage.root), str(import_id)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    while int(child.stdout.readline()) < 20:
        pass
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    with pets.reading() as uow:
        partial = importing.report(uow, import_id)
    assert partial.status is ImportStatus.RUNNING
    assert 20 <= partial.added < count
    age(pets, import_id, importing.STALE_SECONDS + 1)
    assert start(pets, tmp_path / "in") == import_id
    assert_whole(pets, run(pets, import_id), count)
