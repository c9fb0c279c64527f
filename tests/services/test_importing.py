from __future__ import annotations

import hashlib
import io
import json

import pytest
from PIL import Image as Pillow
from sqlalchemy import select

from app.db.models import Annotation, Image
from app.db.queries import projects as project_queries
from app.db.unit_of_work import Database
from app.domain.labels import AnnotatorKind, Queue
from app.domain.pools import Pool, Split
from app.domain.rounds import ImportStatus, LabelUse
from app.errors import NotFound, Refused
from app.formats.entries import InvalidSource
from app.queue import Task
from app.services import annotation, digits, importing
from app.storage import image_key
from tests.pictures import picture, put, tarred, zipped


def start(world, source, use=LabelUse.LABELS, **options):
    with world.writing() as uow:
        return importing.start(uow, project_id=world.project_id, source=source, label_use=use, **options).id


def bring(world, source, use=LabelUse.LABELS, **options):
    return importing.run(world.database, world.storage, start(world, source, use, **options))


def images(world):
    with world.reading() as uow:
        return {one.name: one for one in uow.session.scalars(select(Image).order_by(Image.id))}


def class_names(world):
    with world.reading() as uow:
        return {one.id: one.name for one in project_queries.classes(uow.session, world.project_id)}


@pytest.fixture
def pets(world):
    world.make_project(classes=(), test_size=0)
    return world


FILES = {"cat/1.png": picture(1), "cat/2.png": picture(2), "dog/3.jpg": picture(3, "JPEG"), "4.png": picture(4)}


@pytest.mark.parametrize("kind", ["folder", "zip", "tar", "csv", "jsonl"])
def test_run__every_kind_of_source_brings_the_same_images_and_labels(pets, tmp_path, kind):
    folder = put(tmp_path / "in", FILES)
    rows = [{"path": name, **({"class": name[:3]} if "/" in name else {})} for name in FILES]
    (folder / "m.csv").write_text("path,class\n" + "".join(f"{r['path']},{r.get('class', '')}\n" for r in rows))
    (folder / "m.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    source = {
        "folder": put(tmp_path / "plain", FILES), "zip": zipped(tmp_path / "a.zip", FILES),
        "tar": tarred(tmp_path / "a.tar.gz", FILES, "gz"), "csv": folder / "m.csv", "jsonl": folder / "m.jsonl",
    }[kind]  # fmt: skip
    report = bring(pets, source)
    assert (report.status, report.added, report.duplicates, report.refused) == (ImportStatus.SUCCEEDED, 4, 0, 0)
    names, found = class_names(pets), images(pets)
    assert {name: names.get(one.label_class_id) for name, one in found.items()} == {
        "cat/1.png": "cat", "cat/2.png": "cat", "dog/3.jpg": "dog", "4.png": None,
    }  # fmt: skip
    assert [one.pool for one in found.values()].count(Pool.LABELLED) == 3
    for one in found.values():
        stored = pets.storage.existing(image_key(one.sha256, one.suffix)).read_bytes()
        assert stored == FILES[one.name]
        assert (one.width, one.height, one.size) == (6, 4, len(stored))


def test_run__labels_become_annotations_of_the_import(pets, tmp_path):
    bring(pets, put(tmp_path / "in", FILES))
    with pets.reading() as uow:
        image = uow.session.scalars(select(Image).where(Image.name == "cat/1.png")).one()
    ((said, name),) = pets.said(image.id)
    assert (said.class_id, said.queue, name) == (image.label_class_id, Queue.IMPORT, "import")
    with pets.writing() as uow:
        assert annotation.annotator(uow, "import", AnnotatorKind.IMPORT).kind is AnnotatorKind.IMPORT


@pytest.mark.parametrize(
    ("use", "column"), [(LabelUse.SEALED, "sealed_class_id"), (LabelUse.HINTS, "hint_class_id"), (LabelUse.IGNORED, "")]
)
def test_run__classes_that_are_no_labels_label_nothing(pets, tmp_path, use, column):
    bring(pets, put(tmp_path / "in", FILES), use)
    sha256 = hashlib.sha256(FILES["dog/3.jpg"]).hexdigest()
    one = next(image for image in images(pets).values() if image.sha256 == sha256)
    assert one.label_class_id is None
    assert one.pool is Pool.UNLABELLED
    # The folder says the class, so a sealed image is not called by it.
    assert one.name == (f"{sha256[:12]}.jpg" if use is LabelUse.SEALED else "dog/3.jpg")
    columns = ("sealed_class_id", "hint_class_id")
    assert [getattr(one, name) is not None for name in columns] == [name == column for name in columns]
    assert sorted(class_names(pets).values()) == ["cat", "dog"]
    with pets.reading() as uow:
        assert uow.session.scalars(select(Annotation)).all() == []


def test_run__importing_twice_adds_nothing_and_says_so(pets, tmp_path):
    folder = put(tmp_path / "in", FILES)
    bring(pets, folder)
    again = bring(pets, folder)
    assert (again.added, again.duplicates, again.refused, again.labelled) == (0, 4, 0, 0)
    assert again.sentence == "0 added, 4 already there, 0 refused of 4 (succeeded)."
    elsewhere = bring(pets, zipped(tmp_path / "a.zip", FILES))
    assert (elsewhere.added, elsewhere.duplicates) == (0, 4)
    assert len(images(pets)) == 4


def test_run__names_every_refusal_and_keeps_the_rest(pets, tmp_path):
    sixteen = io.BytesIO()
    Pillow.new("I;16", (8, 8), 9).save(sixteen, "PNG")
    folder = put(
        tmp_path / "in",
        FILES
        | {
            "cat/empty.png": b"", "cat/README.txt": b"hello", "cat/cut.png": picture(9, size=(99, 99))[:-1000],
            "cat/cmyk.jpg": picture(mode="CMYK", kind="JPEG"), "cat/deep.png": sixteen.getvalue(),
            "a\\b/1.png": picture(8), "dog/1.png": picture(1),
        },
    )  # fmt: skip
    report = bring(pets, folder)
    reasons = dict(report.refusals)
    assert (report.added, report.refused, len(reasons)) == (4, 7, 7)
    expected = {
        "cat/empty.png": "zero bytes", "cat/README.txt": "Not an image", "cat/cut.png": "truncated",
        "cat/cmyk.jpg": "CMYK", "cat/deep.png": "8 bits", "a\\b/1.png": "class name",
        "dog/1.png": "there as 'cat/1.png' with class 'cat'; this says 'dog'",
    }  # fmt: skip
    for name, part in expected.items():
        assert part in reasons[name]


@pytest.mark.parametrize("source", ["manifest", "folder"])
def test_run__a_refused_row_adds_no_class(pets, tmp_path, source):
    folder = put(tmp_path / "in", {"cat/1.png": picture(1), "bird/2.png": b"no image", "dog/3.png": picture(1)})
    (tmp_path / "m.csv").write_text("path,class\nin/cat/1.png,cat\nin/gone.png,bird\nin/dog/3.png,dog\n")
    report = bring(pets, tmp_path / "m.csv" if source == "manifest" else folder)
    assert (report.added, report.refused) == (1, 2)
    assert list(class_names(pets).values()) == ["cat"]


def test_run__classes_keep_their_natural_order_over_batches(pets, tmp_path, monkeypatch):
    monkeypatch.setattr(importing, "BATCH_ROWS", 1)
    bring(pets, put(tmp_path / "in", {f"{n}/x.png": picture(n) for n in (10, 2, 1)}))
    assert list(class_names(pets).values()) == ["1", "2", "10"]


def test_run__a_refusal_tells_no_sealed_class_and_names_no_sealed_image(pets, tmp_path):
    files = {"train/cat/1.png": picture(1), "train/dog/1.png": picture(1), "train/cat/2.png": picture(2)}
    first = bring(pets, put(tmp_path / "in", files), LabelUse.SEALED)
    again = put(tmp_path / "again", {"train/dog/2.png": picture(2), "test/cat/1.png": picture(1)})
    later = bring(pets, again, LabelUse.SEALED)
    reasons = dict(first.refusals + later.refusals)
    assert "with another class, which is sealed" in reasons["train/dog/1.png"]
    assert "with another class, which is sealed" in reasons["train/dog/2.png"]
    assert "in the train split" in reasons["test/cat/1.png"]
    for reason in reasons.values():
        assert not any(word in reason for word in ("cat", "dog", *images(pets)))


def test_run__two_rows_that_disagree_are_refused_across_imports_too(pets, tmp_path):
    bring(pets, put(tmp_path / "in", {"cat/1.png": picture(1)}))
    report = bring(pets, put(tmp_path / "other", {"dog/1.png": picture(1)}))
    assert (report.duplicates, report.refused) == (0, 1)
    assert "with class 'cat'; this says 'dog'" in report.refusals[0][1]
    assert class_names(pets)[images(pets)["cat/1.png"].label_class_id] == "cat"


def test_run__an_unknown_class_is_refused_if_classes_are_fixed(world, tmp_path):
    world.make_project(classes=("cat",))
    report = bring(world, put(tmp_path / "in", FILES), add_classes=False)
    assert report.added == 3
    assert report.refusals == (("dog/3.jpg", "Unknown class 'dog'; the project's classes are: cat."),)
    assert list(class_names(world).values()) == ["cat"]
    assert not list(world.storage.root.rglob("*.jpg")), "nothing of a refused image stays behind"


def test_run__classes_come_in_natural_order(pets, tmp_path):
    bring(pets, put(tmp_path / "in", {f"{n}/x.png": picture(n) for n in (10, 2, 1)}))
    assert list(class_names(pets).values()) == ["1", "2", "10"]


def test_run__a_split_that_folders_or_rows_name_is_kept(pets, tmp_path):
    bring(pets, put(tmp_path / "in", {"train/cat/1.png": picture(1), "test/cat/2.png": picture(2), "val/3.png": b""}))
    assert {one.name: one.split for one in images(pets).values()} == {
        "test/cat/2.png": Split.TEST, "train/cat/1.png": Split.TRAIN,
    }  # fmt: skip
    moved = bring(pets, put(tmp_path / "other", {"train/cat/2.png": picture(2), "test/x.png": picture(5)}))
    assert moved.added == 1
    assert "in the test split, which is fixed" in moved.refusals[0][1]


def test_run__labels_that_come_later_are_taken_over(pets, tmp_path):
    folder = put(tmp_path / "in", {name.replace("/", "-"): content for name, content in FILES.items()})
    bring(pets, folder)
    assert {one.pool for one in images(pets).values()} == {Pool.UNLABELLED}
    report = bring(pets, put(tmp_path / "sorted", FILES))
    assert (report.added, report.duplicates, report.labelled) == (0, 4, 3)
    names = class_names(pets)
    assert {n: names.get(one.label_class_id) for n, one in images(pets).items()} == {
        "4.png": None, "cat-1.png": "cat", "cat-2.png": "cat", "dog-3.jpg": "dog",
    }  # fmt: skip
    assert bring(pets, tmp_path / "sorted").labelled == 0


def test_run__exported_labels_come_home_by_hash_without_the_files(pets, tmp_path):
    bring(pets, put(tmp_path / "in", {"1.png": picture(1)}))
    sha256 = images(pets)["1.png"].sha256
    (tmp_path / "m.csv").write_text(f"name,sha256,class\ngone.png,{sha256},cat\nlost.png,{'0' * 64},cat\n")
    report = bring(pets, tmp_path / "m.csv")
    assert (report.duplicates, report.labelled, report.refused) == (1, 1, 1)
    assert report.refusals == (("lost.png", "The file does not exist."),)


def test_run__a_file_that_is_not_the_one_the_manifest_means_is_refused(pets, tmp_path):
    put(tmp_path, {"1.png": picture(1)})
    (tmp_path / "m.csv").write_text(f"path,sha256\n1.png,{'0' * 64}\n")
    assert "its sha256 is another" in bring(pets, tmp_path / "m.csv").refusals[0][1]


def test_run__a_label_for_an_excluded_image_is_refused(pets, tmp_path):
    bring(pets, put(tmp_path / "in", {"1.png": picture(1)}))
    pets.exclude(images(pets)["1.png"].id)
    report = bring(pets, put(tmp_path / "in2", {"cat/1.png": picture(1)}))
    assert "excluded" in report.refusals[0][1]


def test_run__an_empty_folder_is_refused_and_the_row_says_so(pets, tmp_path):
    folder = put(tmp_path / "in", {".hidden": b"x"})
    import_id = start(pets, folder)
    with pytest.raises(InvalidSource, match="empty"):
        importing.run(pets.database, pets.storage, import_id)
    with pets.reading() as uow:
        report = importing.report(uow, import_id)
    assert report.status is ImportStatus.FAILED
    assert "empty" in (report.message or "")


def test_start__refuses_what_cannot_be_read_or_sealed(world, tmp_path):
    world.make_project()
    with pytest.raises(Refused, match="no file or folder"):
        start(world, tmp_path / "gone")
    with pytest.raises(NotFound), world.writing() as uow:
        importing.start(uow, project_id=99, source=tmp_path, label_use=LabelUse.LABELS)
    with world.writing() as uow:
        project_queries.one(uow.session, world.project_id).is_sealed = False
    with pytest.raises(Refused, match="not sealed"):
        start(world, tmp_path, LabelUse.SEALED)


def test_start__tells_a_worker_only_if_asked(pets, tmp_path):
    folder = put(tmp_path / "in", FILES)
    start(pets, folder)
    assert pets.messages == []
    import_id = start(pets, folder, in_background=True)
    assert pets.messages == [(Task.RUN_IMPORT, import_id)]


def test_save_upload__keeps_the_file_until_it_is_imported(pets, tmp_path):
    content = zipped(tmp_path / "a.zip", FILES).read_bytes()
    place = importing.save_upload(pets.storage, "../My pets.zip", iter([content[:50], content[50:]]))
    assert place.name == "My pets.zip"
    assert importing.save_upload(pets.storage, "My pets.zip", iter([content])) == place
    assert bring(pets, place).added == 4
    assert not place.exists()


def test_write_digits__the_demos_images_come_in_through_the_same_door(sqlite_url, tmp_path):
    from tests.world import World

    world = World(sqlite_url, tmp_path)
    world.make_project(classes=())
    assert digits.write_digits(tmp_path / "digits") == 1797
    report = bring(world, tmp_path / "digits", LabelUse.SEALED)
    assert (report.added, report.duplicates, report.refused, report.labelled) == (1797, 0, 0, 1797)
    assert list(class_names(world).values()) == list("0123456789")
    assert isinstance(world.database, Database)
    world.close()
