from __future__ import annotations

import os

import pytest

from app.formats import entries, folder
from app.formats.entries import InvalidEntry, InvalidSource
from app.formats.sources import SourceKind, sniff
from tests.pictures import picture, put


def reasons(path):
    found = {}
    for entry in folder.read(path):
        try:
            entry.read()
            found[entry.name] = ""
        except InvalidEntry as refusal:
            found[entry.name] = str(refusal)
    return found


def test_read__gives_every_file_once_in_a_fixed_order_and_goes_on_after_a_position(tmp_path):
    names = ["b/2.png", "b/1.png", "a/z.png", "a.png", "a/y/1.png", "b.png"]
    put(tmp_path, dict.fromkeys(names, picture()))
    order = [entry.name for entry in folder.read(tmp_path)]
    assert sorted(order) == sorted(names)
    for at, entry in enumerate(folder.read(tmp_path)):
        assert [later.name for later in folder.read(tmp_path, None, entry.position)] == order[at + 1 :]


def test_read__passes_over_hidden_and_system_files_only(tmp_path):
    names = ["cat/.DS_Store", "__MACOSX/cat/._1.png", "cat/Thumbs.db", ".git/x", "notes"]
    put(tmp_path, dict.fromkeys(names, b"x"))
    assert [entry.name for entry in folder.read(tmp_path)] == ["notes"]


def test_read__follows_links_inside_and_refuses_links_outside(tmp_path):
    put(tmp_path / "out", {"secret.png": picture()})
    inside = put(tmp_path / "in", {"cat/1.png": picture()})
    (inside / "again.png").symlink_to(inside / "cat/1.png")
    (inside / "leaves.png").symlink_to(tmp_path / "out/secret.png")
    (inside / "circle").symlink_to(inside)
    (inside / "nothing.png").symlink_to(inside / "gone")
    found = reasons(inside)
    assert found["again.png"] == found["cat/1.png"] == ""
    assert "leaves the folder" in found["leaves.png"]
    assert "links to folders are not followed" in found["circle"]
    assert "does not exist" in found["nothing.png"]
    assert len(found) == 5


def test_read__refuses_pipes_and_names_that_are_not_text(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    os.close(os.open(os.fsencode(tmp_path) + b"/caf\xe9.png", os.O_CREAT | os.O_WRONLY))
    assert reasons(tmp_path) == {
        "pipe.png": "Not a regular file.",
        "caf\\xe9.png": "The file's name is not UTF-8: rename it.",
    }


def test_read__refuses_an_absurdly_large_file_unread(tmp_path):
    with (tmp_path / "huge.png").open("wb") as file:
        file.truncate(entries.LARGEST_FILE + 1)
    assert "at most 104,857,600" in reasons(tmp_path)["huge.png"]


def test_read__links_that_run_in_circles_are_refused(tmp_path):
    (tmp_path / "a.png").symlink_to(tmp_path / "b.png")
    (tmp_path / "b.png").symlink_to(tmp_path / "a.png")
    assert all("cannot be reached" in reason for reason in reasons(tmp_path).values())


def test_sniff__tells_kinds_by_content_and_refuses_the_rest(tmp_path):
    put(tmp_path, {"a.txt": b"x", "m.csv": b"path\n", "fake.zip": b"not a zip"})
    assert sniff(tmp_path) is SourceKind.FOLDER
    assert sniff(tmp_path / "m.csv") is SourceKind.MANIFEST
    for name in ("a.txt", "fake.zip", "gone"):
        with pytest.raises(InvalidSource, match=name):
            sniff(tmp_path / name)
