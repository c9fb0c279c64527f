"""Counts that are shown: exact in small databases, a moment old in large ones, and never counted twice at once."""

from __future__ import annotations

import threading
import time

import pytest

from app.db import recent
from app.db.unit_of_work import Database


class Counting:
    """A count that says how often it was made."""

    def __init__(self, seconds: float) -> None:
        self.seconds, self.times = seconds, 0

    def __call__(self, _session: object, _about: str) -> int:
        time.sleep(self.seconds)
        self.times += 1
        return self.times


@pytest.fixture
def database(sqlite_url):
    opened = Database(sqlite_url, lambda *_: None)
    yield opened
    opened.engine.dispose()


def ask(database: Database, count: Counting) -> int:
    with database.reading() as uow:
        return uow.recent(count, "images")


def test_recent__in_a_small_database_is_always_exact(database):
    count = Counting(0.02)
    assert [ask(database, count) for _ in range(3)] == [1, 2, 3]


def test_recent__in_a_large_database_keeps_what_takes_long_and_counts_anew_beside(database, monkeypatch):
    monkeypatch.setattr(recent, "LARGE", -1)
    monkeypatch.setattr(recent, "_lasts", lambda seconds: 0.0)
    count = Counting(0.05)
    assert ask(database, count) == 1
    begun = time.monotonic()
    assert ask(database, count) == 1
    assert time.monotonic() - begun < 0.05, "nobody waits for a count"
    deadline = time.monotonic() + 10
    while count.times < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert count.times == 2
    assert sum(thread.name == "recent counts" for thread in threading.enumerate()) == 1


def test_recent__what_is_quick_is_exact_in_a_large_database_too(database, monkeypatch):
    monkeypatch.setattr(recent, "LARGE", -1)
    monkeypatch.setattr(recent, "QUICK_SECONDS", 10.0)
    count = Counting(0.0)
    assert [ask(database, count) for _ in range(3)] == [1, 2, 3]


def test_recent__keeps_neither_what_is_quick_nor_what_nobody_asks_for_any_more(database, monkeypatch):
    monkeypatch.setattr(recent, "LARGE", -1)
    quick, first, second = Counting(0.0), Counting(0.02), Counting(0.02)
    monkeypatch.setattr(recent, "QUICK_SECONDS", 0.015)
    for count in (quick, first, second):
        ask(database, count)
    assert [key[0] for key in database._recent._known] == [first, second]
    monkeypatch.setattr(recent, "FORGOTTEN_SECONDS", 0.01)
    time.sleep(0.02)
    ask(database, second)
    assert [key[0] for key in database._recent._known] == [second]
