"""Migrations: from nothing to the newest revision, on both engines, equal to the models."""

from __future__ import annotations

import subprocess
import sys

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from app.db import migrate
from app.db import models as _models
from app.db.base import Base
from app.db.engine import connect


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request, tmp_path):
    """URL of a database without a table."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'empty.db'}"
    return request.getfixturevalue("fresh_postgres")("empty")


def tables(url: str) -> set[str]:
    engine = connect(url)
    with engine.connect() as connection:
        found = set(sa.inspect(connection).get_table_names())
    engine.dispose()
    return found


def test_upgrade__from_nothing_makes_every_table(empty_url):
    assert migrate.pending(empty_url)

    migrate.upgrade(empty_url)

    assert tables(empty_url) == {*Base.metadata.tables, "alembic_version"}
    assert not migrate.pending(empty_url)


def test_upgrade__again_changes_nothing(empty_url):
    migrate.upgrade(empty_url)
    migrate.upgrade(empty_url)

    assert not migrate.pending(empty_url)


def test_upgrade__several_processes_at_once_leave_one_schema(empty_url):
    code = "import sys; from app.db import migrate; migrate.upgrade(sys.argv[1])"
    processes = [
        subprocess.Popen([sys.executable, "-c", code, empty_url], stderr=subprocess.PIPE, text=True) for _ in range(3)
    ]
    told = [process.communicate(timeout=60)[1] for process in processes]

    assert [process.returncode for process in processes] == [0, 0, 0], told
    assert not migrate.pending(empty_url)


def test_models__there_is_nothing_left_to_migrate(database_url):
    engine = connect(database_url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        differences = compare_metadata(context, Base.metadata)
    engine.dispose()

    assert differences == []


def test_models__every_model_is_in_the_package():
    assert {table.__tablename__ for table in Base.__subclasses__()} == {
        getattr(_models, name).__tablename__ for name in _models.__all__
    }


def test_revisions__form_one_line():
    script = ScriptDirectory.from_config(migrate.config("sqlite://"))

    assert len(script.get_heads()) == 1
    assert len(script.get_bases()) == 1
