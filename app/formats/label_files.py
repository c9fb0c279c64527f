"""Write labels as CSV, JSONL or a zip with a folder per class, as a stream of bytes; `manifest` reads the first two.

UTF-8, rows end in CRLF (CSV, RFC 4180) or LF (JSONL). Cells that a spreadsheet would take for a formula are guarded
(see `spreadsheet`). Equal rows give equal bytes: zip members carry a fixed date.
"""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from collections.abc import Callable, Generator, Iterable
from dataclasses import astuple, dataclass
from datetime import datetime
from enum import StrEnum
from tempfile import SpooledTemporaryFile
from typing import IO, cast

from app.domain.pools import Split
from app.formats.spreadsheet import guarded


class LabelFormat(StrEnum):
    """The forms in which labels leave."""

    CSV = "csv"
    JSONL = "jsonl"
    FOLDER_ZIP = "folder_zip"

    @property
    def label(self) -> str:
        """Plain words for a person."""
        return _LABELS[self]

    @property
    def suffix(self) -> str:
        """What a file of this form ends in."""
        return ".zip" if self is LabelFormat.FOLDER_ZIP else f".{self}"

    @property
    def media_type(self) -> str:
        """For the HTTP header."""
        return _MEDIA_TYPES[self]


_LABELS = {
    LabelFormat.CSV: "CSV: a table, for spreadsheets",
    LabelFormat.JSONL: "JSONL: a JSON object a line, for programs",
    LabelFormat.FOLDER_ZIP: "Zip: the images in a folder per class, with the table",
}
_MEDIA_TYPES = {
    LabelFormat.CSV: "text/csv; charset=utf-8",
    LabelFormat.JSONL: "application/x-ndjson",
    LabelFormat.FOLDER_ZIP: "application/zip",
}


class LabelOrigin(StrEnum):
    """Where a label comes from: a person, an import, the simulated annotator, or the model."""

    HUMAN = "human"
    IMPORT = "import"
    SIMULATED = "simulated"
    PSEUDO_LABEL = "pseudo-label"


@dataclass(frozen=True, kw_only=True)
class LabelRow:
    """One exported label.

    Attributes:
        sha256: the image.
        name: its path in the source it came from, or inside the zip.
        class_name: the label.
        origin: who said so.
        split: train or test. An image of a round's validation sample is a training image once the round is over, and
            a sample is drawn fresh each time: it is written as train.
        round: number of the round in which it was said; None outside any.
        confidence: of a pseudo-label.
        annotators: who agrees with the label.
        created_at: when it was said, UTC.
    """

    sha256: str
    name: str
    class_name: str
    origin: LabelOrigin
    split: Split
    round: int | None
    confidence: float | None
    annotators: tuple[str, ...]
    created_at: datetime


COLUMNS = ("sha256", "name", "class", "origin", "split", "round", "confidence", "annotators", "created_at")
_EPOCH = (1980, 1, 1, 0, 0, 0)
_UNSAFE = re.compile(r'[\x00-\x1f<>:"/\\|?*]+')
_SPOOL_BYTES = 8 * 1024**2


def write_csv(rows: Iterable[LabelRow]) -> Generator[bytes]:
    """A header and a row for each label."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for row in rows:
        yield _drained(buffer)
        writer.writerow(_cells(row))
    yield _drained(buffer)


def write_jsonl(rows: Iterable[LabelRow]) -> Generator[bytes]:
    """A JSON object for each label, keys as the columns of the CSV; annotators are a list, gaps are null."""
    for row in rows:
        values = dict(zip(COLUMNS, astuple(row), strict=True)) | {"created_at": row.created_at.isoformat()}
        yield (json.dumps(values, ensure_ascii=False) + "\n").encode()


def write_folder_zip(rows: Iterable[tuple[LabelRow, str]], read: Callable[[LabelRow, str], bytes]) -> Generator[bytes]:
    """`images/<class>/<name>-<sha256>.<suffix>` and `labels.csv`, whose names are the paths inside the zip.

    The zip can be imported again, and so can `labels.csv` beside the unpacked folder. Besides one image at a time,
    memory holds the zip's directory: about 300 bytes an image.

    Args:
        rows: labels, each with the suffix of its image.
        read: gives the bytes of a label's image, by label and suffix.
    """
    sink = _Sink()
    with SpooledTemporaryFile(_SPOOL_BYTES) as table:
        with zipfile.ZipFile(cast("IO[bytes]", sink), "w", zipfile.ZIP_STORED) as archive:

            def stored() -> Generator[LabelRow]:
                for row, suffix in rows:
                    place = f"images/{row.class_name}/{_stem(row.name)}-{row.sha256[:12]}{suffix}"
                    archive.writestr(zipfile.ZipInfo(place, _EPOCH), read(row, suffix))
                    yield LabelRow(**{**vars(row), "name": place})

            for piece in write_csv(stored()):
                table.write(piece)
                yield sink.drained()
            table.seek(0)
            member = zipfile.ZipInfo("labels.csv", _EPOCH)
            member.compress_type = zipfile.ZIP_DEFLATED
            with archive.open(member, "w") as file:
                while block := table.read(2**16):
                    file.write(block)
                    yield sink.drained()
        yield sink.drained()


class _Sink(io.RawIOBase):
    """Takes what the zip writer writes, until somebody fetches it; cannot go back, which the writer respects."""

    def __init__(self) -> None:
        self._blocks: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, block: object) -> int:
        copied = bytes(block)  # type: ignore[call-overload]
        self._blocks.append(copied)
        return len(copied)

    def drained(self) -> bytes:
        blocks, self._blocks = self._blocks, []
        return b"".join(blocks)


def _cells(row: LabelRow) -> list[str]:
    return [
        row.sha256,
        guarded(row.name),
        guarded(row.class_name),
        row.origin,
        row.split,
        "" if row.round is None else str(row.round),
        "" if row.confidence is None else f"{row.confidence:.6g}",
        guarded(";".join(row.annotators)),
        row.created_at.isoformat(),
    ]


def _drained(buffer: io.StringIO) -> bytes:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text.encode()


def _stem(name: str) -> str:
    """The file's own name, as every operating system can have it."""
    base = name.rsplit("/", 1)[-1]
    stem = base.rsplit(".", 1)[0] if "." in base else base
    return _UNSAFE.sub("_", stem).strip(" .")[:60] or "image"
