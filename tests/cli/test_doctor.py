"""What `ssmae doctor` says of a healthy set-up and of broken ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from app.cli import doctor
from app.cli.doctor import Verdict
from app.settings import Settings
from tests.worker import scene


@pytest.fixture
def settings(tmp_path: Path, sqlite_url: str) -> Settings:
    return scene.settings_of(tmp_path / "data", database_url=sqlite_url)


def test_checks__a_migrated_set_up_without_workers_works_and_asks_for_workers(settings: Settings) -> None:
    found = [
        finding
        for check in (doctor.storage, doctor.database, doctor.broker, doctor.workers, doctor.versions)
        for finding in check(settings)
    ]

    assert not [finding.words for finding in found if finding.verdict is Verdict.FAIL]
    assert [finding.verdict for finding in found if finding.subject == "worker"] == [Verdict.WARN, Verdict.WARN]


@pytest.mark.parametrize(
    ("check", "broken", "words"),
    [
        (doctor.database, {"database_url": "postgresql+psycopg://nobody@127.0.0.1:1/x"}, "Check DATABASE_URL"),
        (doctor.broker, {"broker_url": "redis://127.0.0.1:1/0"}, "Check BROKER_URL"),
        (doctor.storage, {"data_dir": Path("/proc/nothing")}, "set DATA_DIR"),
    ],
)
def test_checks__what_does_not_work_is_named_with_what_to_do(
    settings: Settings, check: Callable, broken: dict, words: str
) -> None:
    (finding,) = check(replace(settings, **broken))

    assert finding.verdict is Verdict.FAIL
    assert words in finding.words


def test_database__one_that_was_never_migrated_is_sent_to_migrate(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    path.touch()

    findings = list(doctor.database(scene.settings_of(tmp_path, database_url=f"sqlite:///{path}")))

    assert findings[0].verdict is Verdict.FAIL
    assert "ssmae migrate" in findings[0].words


def test_file_system__is_that_of_the_innermost_mount(tmp_path: Path) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(f"/dev/a / ext4 rw 0 0\nserver:/x {tmp_path} nfs4 rw 0 0\n/dev/b /elsewhere btrfs rw 0 0\n")

    assert doctor.file_system(tmp_path / "data", mounts) == "nfs4"
    assert doctor.file_system(Path("/usr"), mounts) == "ext4"
    assert doctor.file_system(tmp_path, tmp_path / "none") is None
