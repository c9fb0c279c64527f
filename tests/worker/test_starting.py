"""Which weights a round begins with, and which of its classes they know: renamed, added and removed ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
import torch

from app.db.models import Round
from app.db.queries import projects as project_queries
from app.db.queries import rounds as round_queries
from app.db.unit_of_work import committed
from app.services import projects, snapshots
from app.services.runtime import Runtime
from app.settings import Settings
from app.storage import round_key
from ssmae.checkpoint import save_checkpoint
from ssmae.config import Head, RoundConfig, StartFrom
from ssmae.model import build
from ssmae.results import EncoderState, HeadState
from ssmae.resume import start_model
from tests.worker import scene
from worker.results import FileName
from worker.starting import Start, start_of


@dataclass(frozen=True)
class Project:
    """A project whose classes can be changed."""

    runtime: Runtime
    id: int

    def class_ids(self) -> dict[str, int]:
        with self.runtime.database.reading() as uow:
            return {one.name: one.id for one in project_queries.classes(uow.session, self.id)}

    def rename(self, old: str, new: str) -> None:
        with committed(self.runtime.database) as uow:
            projects.rename_class(uow, self.id, self.class_ids()[old], new)

    def add(self, name: str) -> int:
        with committed(self.runtime.database) as uow:
            return projects.add_class(uow, self.id, name).id

    def remove(self, name: str) -> None:
        with committed(self.runtime.database) as uow:
            projects.remove_class(uow, self.id, self.class_ids()[name])

    def snapshot(self) -> snapshots.SnapshotRows:
        with committed(self.runtime.database) as uow:
            digest = snapshots.take(uow, self.runtime.storage, self.id).digest
        return snapshots.load(self.runtime.storage, digest)

    def trained(self) -> tuple[Round, HeadState]:
        """A round that succeeded on the labels as they are, and the classifier it left."""
        round_id = scene.queue_round(self.runtime, self.id)
        with self.runtime.database.reading() as uow:
            done = round_queries.one(uow.session, round_id)
            digest = round_queries.snapshot(uow.session, done.snapshot_id or 0).digest
        config = RoundConfig.from_dict(done.config)
        model = build(config.model, tuple(snapshots.load(self.runtime.storage, digest).class_names), seed=0)
        with torch.no_grad():
            model.encoder.get_parameter("head.weight").normal_(generator=torch.Generator().manual_seed(1))
        key = round_key(round_id, 1, FileName.CHECKPOINT)
        place = self.runtime.storage.path(key)
        place.parent.mkdir(parents=True)
        save_checkpoint(place, model, EncoderState.of(model), config)
        done.files, done.manifest = {FileName.CHECKPOINT: key}, {"snapshot": digest}
        return done, HeadState.of(model)

    def start(self, parent: Round, head: Head = Head.KEEP) -> Start:
        asked = Round(start_from=StartFrom.LAST, config={"schedule": {"head": head}})
        return start_of(self.runtime.storage, asked, parent)


def config_of(parent: Round) -> RoundConfig:
    return RoundConfig.from_dict(parent.config | {"schedule": parent.config["schedule"] | {"head": Head.KEEP}})


@pytest.fixture
def project(embedded: Settings, opened: Callable[[Settings], Runtime], monkeypatch: pytest.MonkeyPatch) -> Project:
    runtime = opened(embedded)
    monkeypatch.setattr(runtime.database, "_send", lambda _task, _row: None)
    return Project(runtime, scene.sealed_project(runtime))


def test_start__a_renamed_class_keeps_its_row_and_one_that_takes_its_name_does_not_get_it(project: Project) -> None:
    parent, head = project.trained()
    project.rename("dark", "night")
    project.add("dark")
    rows, start = project.snapshot(), project.start(parent)

    assert rows.class_names == ["night", "bright", "dark"]
    assert start.class_map(rows.class_ids) == (0, 1)
    started = start_model(
        config_of(parent), tuple(rows.class_names), start.state, seed=0, class_map=start.class_map(rows.class_ids)
    )
    assert torch.equal(started.encoder.get_parameter("head.weight")[:2], head.weight_CD)


def test_start__a_removed_classs_row_does_not_go_to_the_next_class_with_its_id(project: Project) -> None:
    spare = project.add("spare")
    parent, _ = project.trained()
    project.remove("spare")
    assert project.add("grey") == spare  # SQLite gives the id again
    rows = project.snapshot()

    assert rows.class_ids[2] == spare
    assert project.start(parent).class_map(rows.class_ids) == (0, 1, None)


def test_start__a_class_that_was_never_labelled_brings_no_row(project: Project) -> None:
    project.add("grey")
    parent, _ = project.trained()

    assert project.start(parent).class_map(project.snapshot().class_ids) == (0, 1, None)


def test_start__with_a_fresh_head_the_parents_snapshot_is_not_needed(project: Project) -> None:
    parent, _ = project.trained()
    project.runtime.storage.existing(f"snapshots/{parent.manifest['snapshot']}.npz").unlink()
    start = project.start(parent, Head.FRESH)

    assert start.state is not None
    assert start.class_map([1, 2]) is None
    assert start.manifest() == {"asked": "last", "resumed": True, "parent_round": 1, "file": None}


def test_start__classes_of_a_checkpoint_from_elsewhere_go_by_their_names(project: Project) -> None:
    parent, _ = project.trained()
    place = project.runtime.storage.path(parent.files[FileName.CHECKPOINT])
    asked = Round(start_from=StartFrom.CHECKPOINT, start_file=str(place), config={"schedule": {"head": "keep"}})
    start = start_of(project.runtime.storage, asked, None)

    assert start.class_map([1, 2]) is None
    assert start.state is not None
    assert start.state.head is not None
    assert start.state.head.class_names == ("dark", "bright")
