"""A manifest: a CSV or JSONL file with one image a row. UTF-8; paths are relative to the manifest and stay below it.

Columns or keys: `path` (or `name`), optional `class`, `split` (train or test) and `sha256`; others are read over.
Order: as written. CSV may use commas, semicolons or tabs; its first row names the columns. A row whose file is gone
still counts if it gives the sha256 of an image that is known: that is how exported labels come home.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Generator, Iterator, Mapping
from pathlib import Path
from typing import Any

from app.domain.pools import Split
from app.formats.entries import Entry, InvalidEntry, InvalidSource, is_likely_image, member_name, refusing
from app.formats.folder import inside, read_file
from app.formats.layout import NO_VALIDATION, Survey, natural
from app.formats.spreadsheet import unguarded

CSV_SUFFIXES = (".csv", ".tsv")
JSONL_SUFFIXES = (".jsonl", ".ndjson")
_SHA256 = re.compile(r"[0-9a-f]{64}")

Row = tuple[int, Mapping[str, Any] | str]
"""Line number, and the row's values or the reason why it has none."""


def sniff(path: Path) -> bool:
    """Whether this reader takes the path: by the end of its name, for a text file has no signature."""
    return path.is_file() and path.suffix.lower() in CSV_SUFFIXES + JSONL_SUFFIXES


def survey(path: Path) -> Survey:
    """Count rows and collect class names; finds out whether the whole file can be read."""
    total = likely = 0
    names: set[str] = set()
    for entry in read(path):
        total += 1
        if is_likely_image(entry.name) or entry.sha256 is not None:
            likely += 1
            names.update([entry.class_name] if entry.class_name else [])
    return Survey(total, likely, tuple(sorted(names, key=natural)))


def read(path: Path, known: Survey | None = None, after: str | None = None) -> Generator[Entry]:
    """Every row in order, beginning after a position.

    Raises:
        InvalidSource: not UTF-8, no usable header, or broken quoting; names the line.
    """
    del known  # a manifest needs no layout
    root = path.parent.resolve()
    for line, values in _csv_rows(path) if path.suffix.lower() in CSV_SUFFIXES else _jsonl_rows(path):
        position = f"{line:012d}"
        if after is None or position > after:
            yield _entry(path, root, position, line, values)


def _entry(manifest: Path, root: Path, position: str, line: int, values: Mapping[str, Any] | str) -> Entry:
    label = f"{manifest.name}, line {line}"
    if isinstance(values, str):
        return Entry(position=position, name=label, read=refusing(values))
    try:
        raw = _text(values, "path") or _text(values, "name") or ""
        label = f"{label}: {raw}"
        name, class_name = member_name(raw), _text(values, "class")
        split, sha256 = _split(_text(values, "split")), _hash(_text(values, "sha256"))
    except InvalidEntry as refusal:
        return Entry(position=position, name=label, read=refusing(str(refusal)))
    return Entry(
        position=position,
        name=name,
        class_name=class_name,
        split=split,
        read=lambda: read_file(inside(root, root / name)),
        sha256=sha256,
    )


def _text(values: Mapping[str, Any], key: str) -> str | None:
    value = values.get(key)
    if isinstance(value, int) and not isinstance(value, bool) and key == "class":
        return str(value)
    if value is not None and not isinstance(value, str):
        raise InvalidEntry(f"{key} must be text. Got {value!r}.")
    if value and any("\ud800" <= character <= "\udfff" for character in value):
        raise InvalidEntry(f"{key} holds half a character (a lone surrogate).")
    return value or None


def _hash(text: str | None) -> str | None:
    if text is not None and not _SHA256.fullmatch(text.lower()):
        raise InvalidEntry(f"sha256 must be 64 hexadecimal digits. Got {text!r}.")
    return text.lower() if text else None


def _split(text: str | None) -> Split | None:
    if text is None:
        return None
    named = text.strip().lower()
    if named in {Split.TRAIN, Split.TEST}:
        return Split(named)
    if named in {"val", "valid", Split.VALIDATION}:
        raise InvalidEntry(NO_VALIDATION)
    raise InvalidEntry(f"split must be train or test. Got {text!r}.")


def _lines(path: Path) -> Iterator[str]:
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                yield line.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError:
                raise InvalidSource(
                    f"{path.name}, line {number}: not UTF-8. Save the manifest as UTF-8; nothing was imported."
                ) from None


def _csv_rows(path: Path) -> Iterator[Row]:
    lines = _lines(path)
    header = next(lines, "")
    delimiter = max(",;\t", key=header.count)
    columns = [column.strip().lower() for column in next(csv.reader([header], delimiter=delimiter), [])]
    if not {"path", "name"} & set(columns):
        raise InvalidSource(f"{path.name}, line 1: the header must name a column 'path'. Got {header.strip()!r}.")
    if twice := {column for column in columns if columns.count(column) > 1 and column}:
        raise InvalidSource(f"{path.name}, line 1: the header names a column twice: {sorted(twice)}.")
    # Only the files that this project wrote guard their cells; in anybody else's an apostrophe is an apostrophe.
    clean = unguarded if {"sha256", "origin"} <= set(columns) else str
    rows = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        line = rows.line_num + 2
        try:
            row = next(rows, None)
        except csv.Error as error:
            raise InvalidSource(f"{path.name}, line {line}: {error}.") from error
        if row is None:
            return
        if not row:
            continue
        if len(row) != len(columns):
            yield line, f"The row must have {len(columns)} columns. Got {len(row)}."
        else:
            yield line, dict(zip(columns, map(clean, row), strict=True))


def _jsonl_rows(path: Path) -> Iterator[Row]:
    for number, line in enumerate(_lines(path), 1):
        if not line.strip():
            continue
        try:
            values = json.loads(line)
        except (ValueError, RecursionError) as error:
            yield number, f"Not JSON: {error}."
            continue
        yield number, values if isinstance(values, dict) else f"A row must be a JSON object. Got {line.strip()[:60]!r}."
