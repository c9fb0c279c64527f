from __future__ import annotations

import csv
import io
import json
import zipfile

import pytest

from app.db.queries import projects as project_queries
from app.domain.labels import Queue
from app.domain.pools import Split
from app.domain.rounds import LabelUse
from app.errors import NotFound
from app.services import annotation, exporting, importing
from app.services.exporting import LabelFormat, Origin
from tests.pictures import picture, put


def exported(world, fmt=LabelFormat.CSV, origin=Origin.BOTH):
    return b"".join(exporting.stream_labels(world.database, world.storage, world.project_id, fmt=fmt, origin=origin))


def table(world, origin=Origin.BOTH):
    return list(csv.DictReader(io.StringIO(exported(world, origin=origin).decode())))


@pytest.fixture
def trained(world):
    """Two test and three training labels by people, one by the simulated annotator, three pseudo-labels."""
    world.make_project(train=6, test=2, validation_size=0)
    test, train = world.ids(Split.TEST), world.ids(Split.TRAIN)
    world.label(test)
    world.open_draft(train[:3])
    world.label(train[:3])
    world.play_round()
    return world


def test_stream_labels__human_labels_carry_who_when_and_in_which_round(trained):
    rows = table(trained, Origin.HUMAN)
    assert [row["origin"] for row in rows] == ["human"] * 5
    assert [row["split"] for row in rows] == ["test"] * 2 + ["train"] * 3
    assert [row["round"] for row in rows] == [""] * 2 + ["1"] * 3
    assert {row["annotators"] for row in rows} == {"Ada"}
    assert [row["class"] for row in rows] == ["cat", "dog", "cat", "dog", "cat"]
    assert all(row["created_at"].endswith("+00:00") and row["confidence"] == "" for row in rows)


def test_stream_labels__pseudo_labels_are_those_the_newest_round_let_in(trained):
    rows = table(trained, Origin.PSEUDO)
    assert [(row["origin"], row["round"], row["confidence"]) for row in rows] == [("pseudo-label", "1", "0.95")] * 3
    assert len(table(trained)) == 8
    trained.play_round(is_open=False)
    assert table(trained, Origin.PSEUDO) == []
    assert len(table(trained)) == 5


def test_stream_labels__a_label_beats_a_pseudo_label(trained):
    sixth = trained.ids(Split.TRAIN)[5]
    trained.answer(sixth, trained.class_ids[0])
    assert [row["origin"] for row in table(trained)].count("pseudo-label") == 2
    assert len(table(trained)) == 8


def test_stream_labels__only_annotators_who_agree_are_named(trained):
    image_id = trained.ids(Split.TEST)[0]
    trained.answer(image_id, trained.class_ids[0], by="Bea")
    trained.answer(image_id, trained.class_ids[1], by="Cai")
    (row,) = [row for row in table(trained) if row["name"] == "test/0.png"]
    assert (row["class"], row["annotators"]) == ("cat", "Ada;Bea")


def test_stream_labels__jsonl_says_the_same_with_types(trained):
    lines = [json.loads(line) for line in exported(trained, LabelFormat.JSONL).splitlines()]
    assert [line["sha256"] for line in lines] == [row["sha256"] for row in table(trained)]
    assert {(line["round"], line["confidence"]) for line in lines} == {(None, None), (1, None), (1, 0.95)}
    assert lines[0]["annotators"] == ["Ada"]


@pytest.mark.parametrize("origin", Origin)
def test_count__is_the_number_of_rows(trained, origin):
    with trained.reading() as uow:
        assert exporting.count(uow, trained.project_id, origin) == len(table(trained, origin))


def test_stream_labels__pages_join_without_gap_or_repetition(trained, monkeypatch):
    whole = exported(trained)
    for size in (1, 2, 3, 8):
        monkeypatch.setattr(exporting, "PAGE_ROWS", size)
        assert exported(trained) == whole


def test_stream_labels__a_project_without_labels_gives_a_header_and_an_unknown_one_is_refused(world):
    world.make_project(train=3)
    assert exported(world).decode() == "sha256,name,class,origin,split,round,confidence,annotators,created_at\r\n"
    assert exported(world, LabelFormat.JSONL) == b""
    with pytest.raises(NotFound):
        exporting.stream_labels(world.database, world.storage, 99, fmt=LabelFormat.CSV, origin=Origin.BOTH)


def test_stream_labels__a_zip_imported_into_a_new_project_gives_the_same_labels(world, tmp_path):
    files = {f"{name}/{at}.png": picture(at, size=(9, 9)) for at, name in enumerate(["cat", "dog", "=owl"])}
    world.make_project(classes=(), test_size=0)
    bring(world, put(tmp_path / "in", files))
    first = {row["sha256"]: row["class"] for row in table(world)}
    (tmp_path / "labels.zip").write_bytes(exported(world, LabelFormat.FOLDER_ZIP))
    with zipfile.ZipFile(tmp_path / "labels.zip") as archive:
        archive.extractall(tmp_path / "out")
    for number, source in enumerate([tmp_path / "labels.zip", tmp_path / "out/labels.csv"]):
        world.make_project(classes=(), test_size=0, name=f"Copy {number}")
        assert bring(world, source).added == 3
        assert {row["sha256"]: row["class"] for row in table(world)} == first
        assert {row["origin"] for row in table(world)} == {"import"}


def test_stream_labels__the_simulated_annotator_is_named_as_such(world):
    world.make_project(test=3)
    with world.writing() as uow:
        annotation.simulate(uow, world.project_id, Queue.TEST, 2)
        assert project_queries.one(uow.session, world.project_id).is_sealed
    assert [row["origin"] for row in table(world)] == ["simulated", "simulated"]


def test_file_name__is_safe_everywhere():
    assert exporting.file_name("My pets/2026 ü", LabelFormat.FOLDER_ZIP, Origin.BOTH) == "My-pets-2026-both-labels.zip"


def bring(world, source):
    with world.writing() as uow:
        made = importing.start(uow, project_id=world.project_id, source=source, label_use=LabelUse.LABELS)
    return importing.run(world.database, world.storage, made.id)
