"""Migrations: from nothing to the newest revision, on both engines, equal to the models."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.exc import IntegrityError

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


def test_upgrade__keeps_pseudo_labels_and_gate_records_and_lets_in_the_new_reasons(empty_url):
    """From before rejections for a blocked class and for an image outside the sampling frame, and back."""
    command.upgrade(migrate.config(empty_url), "0002")
    older = fill(empty_url)

    migrate.upgrade(empty_url)

    engine = connect(empty_url)
    with engine.begin() as connection:
        assert connection.execute(sa.text(_PSEUDO_LABELS)).all() == older
        assert connection.execute(sa.text("SELECT discards FROM gate_record")).scalar() in (False, 0)
        assert connection.scalar(sa.select(sa.column("classes", sa.JSON())).select_from(sa.table("gate_record"))) == []
        for reason in ("class_blocked", "outside_frame"):
            connection.execute(sa.text("UPDATE pseudo_label SET reason = :reason WHERE id = 2"), {"reason": reason})
    for change in ("reason = 'nonsense'", "status = 'nonsense'", "score = 2", "round_id = 99", "image_id = 2"):
        with pytest.raises(IntegrityError), engine.begin() as connection:
            connection.execute(sa.text(f"UPDATE pseudo_label SET {change} WHERE id = 1"))
    engine.dispose()

    command.downgrade(migrate.config(empty_url), "0002")

    engine = connect(empty_url)
    with engine.begin() as connection:
        assert connection.execute(sa.text(_PSEUDO_LABELS)).all() == [older[0], (2, "rejected", "gate_closed", 0.25)]
    engine.dispose()


_PSEUDO_LABELS = "SELECT id, status, reason, score FROM pseudo_label ORDER BY id"


def fill(url: str) -> list[tuple[int, str, str | None, float]]:
    """Rows that a release before could have written: one accepted and one rejected pseudo-label, one gate record."""
    engine = connect(url)
    tables = sa.MetaData()
    tables.reflect(engine)
    at = datetime.now(UTC)
    rows: dict[str, list[dict[str, Any]]] = {
        "project": [{"name": "Pets", "salt": "s", "is_sealed": False, "test_size": 0, "validation_size": 0,
                     "selection_size": 1, "strategy": "random", "preset": "quick", "settings": {}}],
        "class": [{"project_id": 1, "name": "cat", "position": 0}],
        "import": [{"project_id": 1, "source": "/x", "label_use": "labels", "add_classes": True, "status": "succeeded",
                    "total": 2, "added": 2, "duplicates": 0, "refused": 0, "labelled": 0, "updated_at": at}],
        "image": [{"project_id": 1, "import_id": 1, "sha256": str(number), "name": "x", "suffix": ".png", "width": 8,
                   "height": 8, "size": 1, "draw": 0.5, "split": "train", "pool": "unlabelled"} for number in (1, 2)],
        "round": [{"project_id": 1, "number": 1, "status": "succeeded", "strategy": "random", "selection_size": 1,
                   "validation_size": 0, "selection_status": "ready", "selection_version": 0, "config": {}, "seed": 0,
                   "start_from": "last", "attempt": 1, "attempts_left": 2, "cancel_requested": False, "progress": {},
                   "manifest": {}, "files": {}}],
        "gate_record": [{"round_id": 1, "check_number": 1, "is_open": True, "coverage": 0.5, "n": 55, "errors": 0,
                         "alpha": 0.1, "delta": 0.05, "reason": "Open."}],
        "pseudo_label": [{"project_id": 1, "round_id": 1, "image_id": number, "class_id": 1, "score": score,
                          "confidence": 0.9, "status": status, "reason": reason, "changed_at": at}
                         for number, status, reason, score in _OLDER],
    }  # fmt: skip
    with engine.begin() as connection:
        for name, values in rows.items():
            table = tables.tables[name]
            stamp = {"created_at": at} if "created_at" in table.columns else {}
            connection.execute(table.insert(), [one | stamp for one in values])
    engine.dispose()
    return _OLDER


_OLDER = [(1, "accepted", None, 0.75), (2, "rejected", "low_confidence", 0.25)]
