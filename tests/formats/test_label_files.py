from __future__ import annotations

import csv
import io
import tempfile
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.pools import Split
from app.formats import label_files, manifest, zip_archive
from app.formats.label_files import LabelFormat, LabelOrigin, LabelRow
from app.formats.spreadsheet import guarded, unguarded
from tests.pictures import picture

text = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0/\\:"), min_size=1, max_size=12)
part = text.filter(lambda one: one not in {".", ".."})
rows = st.builds(
    LabelRow,
    sha256=st.integers(0, 2**256 - 1).map("{:064x}".format),
    name=st.lists(part, min_size=1, max_size=3).map("/".join),
    class_name=text,
    origin=st.sampled_from(LabelOrigin),
    split=st.sampled_from([Split.TRAIN, Split.TEST]),
    round=st.none() | st.integers(1, 99),
    confidence=st.none() | st.floats(0, 1),
    annotators=st.lists(text, max_size=2).map(tuple),
    created_at=st.just(datetime(2026, 1, 2, tzinfo=UTC)),
)


def row(**changes):
    values = {
        "sha256": "ab" * 32, "name": "a/1.png", "class_name": "cat", "origin": LabelOrigin.HUMAN, "split": Split.TRAIN,
        "round": 2, "confidence": None, "annotators": ("Ada",), "created_at": datetime(2026, 1, 2, tzinfo=UTC),
    }  # fmt: skip
    return LabelRow(**{**values, **changes})


@settings(max_examples=120, deadline=None)
@given(st.lists(rows, max_size=5), st.sampled_from([LabelFormat.CSV, LabelFormat.JSONL]))
def test_write__what_is_written_is_read_back_by_the_import(written, fmt):
    writer = label_files.write_csv if fmt is LabelFormat.CSV else label_files.write_jsonl
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"labels{fmt.suffix}"
        path.write_bytes(b"".join(writer(written)))
        read = [(e.sha256, e.name, e.class_name, e.split) for e in manifest.read(path)]
    assert read == [(one.sha256, one.name, one.class_name, one.split) for one in written]


@given(st.text())
def test_guarded__no_cell_begins_like_a_formula_and_nothing_is_lost(cell):
    assert unguarded(guarded(cell)) == cell
    assert not guarded(cell).startswith(("=", "+", "-", "@", "\t", "\r"))


def test_write_csv__a_class_that_is_a_formula_stays_text():
    content = b"".join(label_files.write_csv([row(class_name="=HYPERLINK(1)", annotators=("@eve",))])).decode()
    (cells,) = csv.DictReader(io.StringIO(content))
    assert (cells["class"], cells["annotators"]) == ("'=HYPERLINK(1)", "'@eve")


def test_write_folder_zip__holds_images_by_class_and_a_table_and_imports_again(tmp_path):
    written = [(row(sha256="1" * 64), ".png"), (row(sha256="2" * 64, class_name="dog", name="x/ü?.tar.JPG"), ".jpg")]

    def stream():
        return b"".join(label_files.write_folder_zip(written, lambda one, _: picture(int(one.sha256[0]))))

    path = tmp_path / "labels.zip"
    path.write_bytes(stream())
    assert stream() == path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        names = ["images/cat/1-111111111111.png", "images/dog/ü_.tar-222222222222.jpg", "labels.csv"]
        assert archive.namelist() == names
        archive.extractall(tmp_path / "out")
    assert [e.class_name for e in zip_archive.read(path)] == ["cat", "dog", None]
    again = list(manifest.read(tmp_path / "out/labels.csv"))
    assert [(e.class_name, e.read()) for e in again] == [("cat", picture(1)), ("dog", picture(2))]


@pytest.mark.parametrize("fmt", LabelFormat)
def test_label_format__every_form_has_words_a_suffix_and_a_media_type(fmt):
    assert fmt.label
    assert fmt.suffix.startswith(".")
    assert "/" in fmt.media_type
