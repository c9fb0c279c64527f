"""A zip archive, read member by member without unpacking it to the disk.

Order: as in the archive's directory. Refused by name: paths that are absolute or leave the archive, links, encrypted
members, members that are too large or that unpack to absurdly more than they take. An archive whose members together
claim to be absurdly large is refused whole (that is how overlapping zip bombs are recognised).
"""

from __future__ import annotations

import stat
import zipfile
import zlib
from collections.abc import Generator, Iterator
from functools import partial
from pathlib import Path

from app.formats import layout
from app.formats.entries import (
    LARGEST_FILE,
    Entry,
    InvalidEntry,
    InvalidSource,
    is_passed_over,
    member_name,
    printable,
    refusing,
)
from app.formats.layout import Survey

LARGEST_RATIO = 200
"""Unpacked bytes for each packed byte; pictures, even plain ones, stay far below once they are worth a megabyte."""
SMALL_ENOUGH = 1024**2
"""Members up to this size may have any ratio."""
LARGEST_UNPACKED = 1024**3
"""An archive may unpack to this much, plus `LARGEST_RATIO` times its own size."""


def sniff(path: Path) -> bool:
    """Whether this reader takes the path: by its first bytes, not its name."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(4) in {b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08"}


def survey(path: Path) -> Survey:
    """Count members and learn the layout, from the archive's directory alone."""
    with _opened(path) as archive:
        return layout.survey((name for _, name, _, _ in _members(archive)), may_be_wrapped=True)


def read(path: Path, known: Survey | None = None, after: str | None = None) -> Generator[Entry]:
    """Every member in order, beginning after a position. An entry holds its bytes: it may outlive the archive."""
    found = known or survey(path)
    with _opened(path) as archive:
        for position, name, member, reason in _members(archive):
            if after is not None and position <= after:
                continue
            class_name, split, refusal = found.layout.placed(name, reason)
            content = b""
            if not refusal:
                try:
                    content = _content(archive, member)
                except InvalidEntry as damage:
                    refusal = str(damage)
            read_it = refusing(refusal) if refusal else partial(bytes, content)
            yield Entry(
                position=position, name=name, class_name=class_name, split=split, read=read_it, held=len(content)
            )


def _opened(path: Path) -> zipfile.ZipFile:
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise InvalidSource(f"The archive {path.name} is cut off or damaged: {error}.") from error
    unpacked, packed = sum(member.file_size for member in archive.infolist()), path.stat().st_size
    if unpacked > LARGEST_UNPACKED + LARGEST_RATIO * packed:
        archive.close()
        raise InvalidSource(
            f"The archive {path.name} claims to unpack from {packed:,} to {unpacked:,} bytes: a zip bomb."
        )
    return archive


def _members(archive: zipfile.ZipFile) -> Iterator[tuple[str, str, zipfile.ZipInfo, str]]:
    """(position, name, member, reason for a refusal or "") of everything that is not a folder."""
    for index, member in enumerate(archive.infolist()):
        raw = printable(member.filename)
        if member.is_dir() or raw.endswith("\\") or is_passed_over(raw.replace("\\", "/")):
            continue
        try:
            name, reason = member_name(raw), _reason(member)
        except InvalidEntry as refusal:
            name, reason = raw, str(refusal)
        yield f"{index:012d}", name, member, reason


def _reason(member: zipfile.ZipInfo) -> str:
    if stat.S_ISLNK(member.external_attr >> 16):
        return "A link; links in archives are not followed."
    if member.flag_bits & 0x1:
        return "Encrypted: make the archive without a password."
    if member.file_size > LARGEST_FILE:
        return f"It unpacks to {member.file_size:,} bytes; at most {LARGEST_FILE:,} are taken."
    if member.file_size > SMALL_ENOUGH and member.file_size > LARGEST_RATIO * max(1, member.compress_size):
        return f"It unpacks from {member.compress_size:,} to {member.file_size:,} bytes: a zip bomb."
    return ""


def _content(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    try:
        # The directory's size is a claim: one byte more than it promises is never unpacked.
        with archive.open(member) as file:
            content = file.read(member.file_size + 1)
    except NotImplementedError as error:  # how zipfile says that it does not know a method, Windows' Deflate64 say
        raise InvalidEntry(f"Packed with a method that cannot be read: {error}.") from None
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError) as error:
        raise InvalidEntry(f"The archive is damaged here: {error}.") from None
    if len(content) != member.file_size:
        raise InvalidEntry(f"The archive promises {member.file_size:,} bytes and gives {len(content):,}.")
    return content
