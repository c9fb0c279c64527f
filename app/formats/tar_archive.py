"""A tar archive, plain or packed with gzip, bzip2 or xz, read as a stream: nothing is unpacked to the disk.

Order: as in the archive. Refused by name: paths that are absolute or leave the archive, links, devices, members that
are too large. A packed archive that unpacks to absurdly more than it takes, or that ends early, yields what came
before and one last refused entry that says so.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import tarfile
import zlib
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import IO, cast

from app.formats import layout
from app.formats.entries import LARGEST_FILE, Entry, InvalidEntry, is_passed_over, member_name, printable, refusing
from app.formats.layout import Survey
from app.formats.zip_archive import LARGEST_RATIO, LARGEST_UNPACKED

_PACKINGS: dict[bytes, Callable[[Path], IO[bytes]]] = {
    b"\x1f\x8b": lambda path: cast("IO[bytes]", gzip.GzipFile(path, "rb")),
    b"BZh": lambda path: cast("IO[bytes]", bz2.BZ2File(path, "rb")),
    b"\xfd7zXZ\x00": lambda path: cast("IO[bytes]", lzma.LZMAFile(path, "rb")),  # noqa: SIM115 - closed by _members
}
_BROKEN = (tarfile.TarError, EOFError, OSError, lzma.LZMAError, zlib.error, ValueError)


class _TooMuch(OSError):
    """More was unpacked than the archive's size makes credible."""


class _Bounded:
    """Counts what is read, and stops a decompression bomb."""

    def __init__(self, raw: IO[bytes], bound: int) -> None:
        self._raw, self._left = raw, bound

    def read(self, size: int) -> bytes:
        content = self._raw.read(size)
        self._left -= len(content)
        if self._left < 0:
            raise _TooMuch("it unpacks to absurdly more than its size: a decompression bomb")
        return content


def sniff(path: Path) -> bool:
    """Whether this reader takes the path: by its first bytes, not its name."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        head = file.read(262)
    return head.startswith(tuple(_PACKINGS)) or head[257:262] == b"ustar"


def survey(path: Path) -> Survey:
    """Count members and learn the layout, from one pass over the archive."""
    return layout.survey((name for _, name, _, _ in _members(path, None, with_content=False)), may_be_wrapped=True)


def read(path: Path, known: Survey | None = None, after: str | None = None) -> Generator[Entry]:
    """Every member in order, beginning after a position. An entry holds its bytes: a stream cannot go back."""
    found = known or survey(path)
    for position, name, content, reason in _members(path, after, with_content=True):
        class_name, split, refusal = found.layout.placed(name, reason)
        read_it = refusing(refusal) if refusal else partial(bytes, content)
        yield Entry(position=position, name=name, class_name=class_name, split=split, read=read_it, held=len(content))


def _members(path: Path, after: str | None, *, with_content: bool) -> Iterator[tuple[str, str, bytes, str]]:
    """(position, name, bytes, reason for a refusal or "") of everything that is not a folder."""
    index = -1
    try:
        with ExitStack() as stack:
            raw = stack.enter_context(_unpacked(path))
            bounded = _Bounded(raw, LARGEST_UNPACKED + LARGEST_RATIO * path.stat().st_size)
            archive = stack.enter_context(tarfile.open(fileobj=cast("IO[bytes]", bounded), mode="r|"))
            while (member := archive.next()) is not None:
                index += 1
                # A stream's members pile up in the archive object; nobody looks at them again.
                archive.members = []  # type: ignore[attr-defined]
                shown = printable(member.name)
                if member.isdir() or is_passed_over(shown.replace("\\", "/")):
                    continue
                position = f"{index:012d}"
                if after is not None and position <= after:
                    continue
                yield (position, *_taken(archive, member, shown, with_content=with_content))
    except _BROKEN as error:
        position = f"{index + 1:012d}"
        if after is None or position > after:
            why = str(error) or "it ends early"
            yield position, path.name, b"", f"The archive is damaged or cut off after {index + 1} members: {why}."


def _unpacked(path: Path) -> IO[bytes]:
    with path.open("rb") as file:
        head = file.read(6)
    for magic, opener in _PACKINGS.items():
        if head.startswith(magic):
            return opener(path)
    return path.open("rb")


def _taken(
    archive: tarfile.TarFile, member: tarfile.TarInfo, shown: str, *, with_content: bool
) -> tuple[str, bytes, str]:
    try:
        name = member_name(shown)
    except InvalidEntry as refusal:
        return shown, b"", str(refusal)
    if member.issym() or member.islnk():
        return name, b"", "A link; links in archives are not followed."
    if not member.isreg():
        return name, b"", "Not a regular file."
    if member.size > LARGEST_FILE:
        return name, b"", f"It has {member.size:,} bytes; at most {LARGEST_FILE:,} are taken."
    if not with_content:
        return name, b"", ""
    file = archive.extractfile(member)
    assert file is not None, "a regular member has content"
    content = file.read()
    if len(content) != member.size:
        raise tarfile.ReadError("it ends early")
    return name, content, ""
