"""What a working day has in store: no network, a locked database, a full disk, two tabs, wrong clocks."""

from __future__ import annotations

import os
import resource
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import text

from app.db import migrate
from tests.live_server import SERVE, LiveServer
from tests.steady import answering
from tests.trials.trial import Tab, Trial

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

TWO_HOURS_AHEAD = f"""
from datetime import timedelta
from app.db import base
true_now = base.now
base.now = lambda: true_now() + timedelta(hours=2)
{SERVE}
"""
SHIFTED_DATE = """
const shift = %d;
const TrueDate = Date;
window.Date = class extends TrueDate {
  constructor(...args) { args.length ? super(...args) : super(TrueDate.now() + shift); }
  static now() { return TrueDate.now() + shift; }
};
"""


def test_network__cut_for_two_minutes_costs_no_answer(sqlite_trial, new_page):
    with sqlite_trial.serve() as server:
        tab = Tab(new_page(), sqlite_trial, server.url)
        tab.answer(3)
        tab.page.context.set_offline(True)
        begun = time.monotonic()
        tab.answer(8)
        assert tab.page.get_by_text("unsent").first.inner_text()
        tab.page.wait_for_timeout(1000 * (120 - (time.monotonic() - begun)))
        tab.page.context.set_offline(False)
        tab.answer(3)
        tab.wait_saved()
    assert sorted(sqlite_trial.labels_of("you")) == sorted(tab.answered)


@contextmanager
def locked(trial: Trial) -> Iterator[None]:
    """Somebody else holds everything that an answer has to write."""
    is_sqlite = trial.world.database.engine.dialect.name == "sqlite"
    with trial.world.database.engine.connect() as other, other.begin():
        if not is_sqlite:  # there, a transaction of ours already holds the only lock
            # One table alone: whoever waits for a second one may be taken for a deadlock.
            other.execute(text("LOCK TABLE annotation IN ACCESS EXCLUSIVE MODE"))
        yield


def test_database__locked_for_ten_seconds_loses_and_doubles_nothing(trial):
    people = [trial.person("Ada"), trial.person("Ben")]
    with trial.serve() as server, answering(people, server.url):
        time.sleep(1)
        with locked(trial):
            before = sum(len(one.acknowledged) for one in people)
            time.sleep(10)
            assert sum(len(one.acknowledged) for one in people) - before <= 20, "nothing can be stored meanwhile"
        time.sleep(2)
    assert trial.check(people) > 20


def test_database__locked_for_ten_seconds_does_not_hold_up_the_keys(sqlite_trial, new_page):
    with sqlite_trial.serve() as server:
        tab = Tab(new_page(), sqlite_trial, server.url)
        tab.answer(2)
        with locked(sqlite_trial):
            begun = time.monotonic()
            tab.answer(10)
            assert time.monotonic() - begun < 8, "ten keys while the database is locked"
            tab.page.wait_for_timeout(1000 * (10 - (time.monotonic() - begun)))
        tab.answer(2)
        tab.wait_saved()
    assert sorted(sqlite_trial.labels_of("you")) == sorted(tab.answered)


@contextmanager
def small_disk(place: Path, megabytes: int) -> Iterator[bool]:
    """A folder on a small disk of its own; gives back whether this machine lets us have one."""
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(place)], capture_output=True, check=False
    )
    try:
        yield mounted.returncode == 0
    finally:
        if mounted.returncode == 0:
            subprocess.run(["umount", "--lazy", str(place)], check=True)


@contextmanager
def full(place: Path, server: LiveServer, *, is_small: bool) -> Iterator[None]:
    """Nothing more can be written: the disk has no room, or (where we may not mount one) files may not grow."""
    if not is_small:
        assert server.process is not None
        largest = max(file.stat().st_size for file in place.glob("ssmae.db*"))
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (largest, resource.RLIM_INFINITY))
        yield
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        return
    filler = os.open(place / "filler", os.O_CREAT | os.O_WRONLY)
    for size in (2**20, 2**12):
        try:
            while os.write(filler, b"x" * size):
                pass
        except OSError:
            continue
    os.close(filler)
    yield
    (place / "filler").unlink()


def test_disk__full_for_five_seconds_loses_and_doubles_nothing(tmp_path):
    with small_disk(tmp_path / "disk", 32) as is_small:
        url = f"sqlite:///{tmp_path / 'disk' / 'ssmae.db'}"
        migrate.upgrade(url)
        trial = Trial(url, tmp_path / "disk", images=800)
        people = [trial.person("Ada"), trial.person("Ben")]
        with trial.serve() as server, answering(people, server.url):
            time.sleep(1)
            with full(tmp_path / "disk", server, is_small=is_small):
                time.sleep(5)
                before = sum(len(one.acknowledged) for one in people)
                time.sleep(1)
                assert sum(len(one.acknowledged) for one in people) - before <= 40, "the log's last pages may be used"
            time.sleep(2)
        assert trial.check(people) > 20
        trial.world.close()


def test_tabs__two_of_one_person_get_different_images_and_lose_none(sqlite_trial, new_page):
    with sqlite_trial.serve() as server:
        tabs = [Tab(new_page(), sqlite_trial, server.url) for _ in range(2)]
        for _ in range(15):
            for tab in tabs:
                tab.page.bring_to_front()
                tab.answer()
        for tab in tabs:
            tab.wait_saved()
    answered = [one for tab in tabs for one in tab.answered]
    assert len({image_id for image_id, _ in answered}) == 30
    assert sorted(sqlite_trial.labels_of("you")) == sorted(answered)


@pytest.mark.parametrize("hours", [-25, 25])
def test_clock__of_the_browser_may_be_a_day_off(sqlite_trial, new_page, hours):
    with sqlite_trial.serve() as server:
        page = new_page()
        page.add_init_script(SHIFTED_DATE % (hours * 3_600_000))
        tab = Tab(page, sqlite_trial, server.url)
        tab.answer(30)
        tab.wait_saved()
    assert sorted(sqlite_trial.labels_of("you")) == sorted(tab.answered)


def test_clock__of_one_of_two_servers_may_be_hours_off(trial):
    people = [trial.person("Ada"), trial.person("Ben")]
    with trial.serve() as right, trial.serve(TWO_HOURS_AHEAD) as ahead:
        stop = threading.Event()
        threads = [
            threading.Thread(target=one.work, args=(server.url, stop))
            for one, server in zip(people, (right, ahead), strict=True)
        ]
        for thread in threads:
            thread.start()
        time.sleep(5)
        stop.set()
        for thread in threads:
            thread.join()
    assert trial.check(people) > 20
