"""The table of readers, and which of them takes a path."""

from __future__ import annotations

from collections.abc import Generator
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from app.formats import folder, manifest, tar_archive, zip_archive
from app.formats.entries import Entry, InvalidSource
from app.formats.layout import Survey


class SourceKind(StrEnum):
    """What images can be imported from."""

    FOLDER = "folder"
    ZIP = "zip"
    TAR = "tar"
    MANIFEST = "manifest"


class Reader(Protocol):
    """What a reader's module offers."""

    def sniff(self, path: Path) -> bool:
        """Whether this reader takes the path."""

    def survey(self, path: Path) -> Survey:
        """Count entries and learn names, without reading an image."""

    def read(self, path: Path, known: Survey | None = None, after: str | None = None) -> Generator[Entry]:
        """Every entry in order, beginning after a position."""


READERS: dict[SourceKind, Reader] = {
    SourceKind.FOLDER: folder,
    SourceKind.ZIP: zip_archive,
    SourceKind.TAR: tar_archive,
    SourceKind.MANIFEST: manifest,
}


def sniff(path: Path) -> SourceKind:
    """The kind of source that a path is.

    Raises:
        InvalidSource: there is nothing, or nothing that can be read.
    """
    try:
        if not path.exists():
            raise InvalidSource(f"There is no file or folder {str(path)!r}.")
        for kind, reader in READERS.items():
            if reader.sniff(path):
                return kind
    except (OSError, ValueError) as error:
        raise InvalidSource(f"{str(path)!r} cannot be read: {getattr(error, 'strerror', None) or error}.") from error
    raise InvalidSource(
        f"{path.name} is neither a folder, a zip or tar archive, nor a manifest (.csv, .tsv, .jsonl, .ndjson)."
    )
