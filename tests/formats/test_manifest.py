from __future__ import annotations

import json

import pytest

from app.domain.pools import Split
from app.formats import manifest
from app.formats.entries import FileMissing, InvalidEntry, InvalidSource
from tests.pictures import picture, put


@pytest.fixture
def write(tmp_path):
    put(tmp_path, {"a/1.png": picture(1), "2.png": picture(2)})

    def write_it(text, name="m.csv"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write_it


def outcome(entry):
    try:
        return entry.read()
    except InvalidEntry as refusal:
        return str(refusal)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_read__csv_gives_path_class_and_split(write, delimiter):
    text = "\ufeffpath,class,split\r\na/1.png,cat,test\r\n\r\n2.png,,\r\n".replace(",", delimiter)
    first, second = manifest.read(write(text))
    assert (first.name, first.class_name, first.split, first.read()) == ("a/1.png", "cat", Split.TEST, picture(1))
    assert (second.class_name, second.split, second.read()) == (None, None, picture(2))


def test_read__jsonl_gives_path_class_and_split_and_takes_numbers_as_classes(write):
    rows = [{"path": "a/1.png", "class": 7, "split": "train"}, {"path": "2.png", "note": "x"}]
    first, second = manifest.read(write("\n".join(map(json.dumps, rows)), "m.jsonl"))
    assert (first.class_name, first.split) == ("7", Split.TRAIN)
    assert (second.class_name, second.read()) == (None, picture(2))


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("../x.png,cat,", "leaves the source"),
        ("/etc/passwd,cat,", "absolute"),
        ("gone.png,cat,", "does not exist"),
        (",cat,", "empty"),
        ("2.png,cat,validation", "drawn fresh in every round"),
        ("2.png,cat,dev", "train or test. Got 'dev'"),
        ("2.png,cat", "3 columns. Got 2"),
    ],
)
def test_read__a_bad_row_is_refused_by_line_and_the_rest_kept(write, row, reason):
    bad, good = manifest.read(write(f"path,class,split\n{row}\n2.png,cat,\n"))
    assert reason in outcome(bad)
    assert good.read() == picture(2)


@pytest.mark.parametrize("line", ["{", "[1]", '{"path": 3}', '{"path": "2.png", "class": true}', '{"path": "\\ud800"}'])
def test_read__a_bad_json_line_is_refused_by_line_and_the_rest_kept(write, line):
    bad, good = manifest.read(write(f'{line}\n{{"path": "2.png"}}\n', "m.jsonl"))
    assert isinstance(outcome(bad), str)
    assert "m.jsonl, line 1" in bad.name
    assert good.read() == picture(2)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("path,class\n2.png,café\n".encode("latin-1"), "line 2: not UTF-8"),
        ("file,class\n2.png,cat\n", "must name a column 'path'"),
        ("path,path\n2.png,cat\n", "names a column twice"),
        ("", "must name a column 'path'"),
        ('path,class\n"2.png,cat\n', "line 2"),
    ],
)
def test_survey__a_manifest_that_cannot_be_read_is_refused_whole_with_its_line(write, text, reason):
    with pytest.raises(InvalidSource, match=reason):
        manifest.survey(write(text))


def test_survey__counts_rows_and_knows_the_classes(write):
    found = manifest.survey(write("path,class\n2.png,10\na/1.png,9\ngone.txt,x\n"))
    assert (found.total, found.likely_images, found.class_names) == (3, 2, ("9", "10"))


def test_read__a_link_that_leaves_the_manifests_folder_is_refused(write, tmp_path):
    (tmp_path / "link.png").symlink_to("/etc/hostname")
    (entry,) = manifest.read(write("path\nlink.png\n"))
    assert "leaves the folder" in outcome(entry)


def test_read__a_row_whose_file_is_gone_still_carries_its_hash(write):
    (entry,) = manifest.read(write(f"path,sha256\ngone.png,{'AB' * 32}\n"))
    assert entry.sha256 == "ab" * 32
    with pytest.raises(FileMissing):
        entry.read()
