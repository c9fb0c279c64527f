"""What every reader yields: one entry for each file of a source, readable or refused with its reason.

Readers walk a source in an order that is the same every time. An entry's `position` says where in that order it is;
handing it back as `after` continues there. No reader ever writes to the disk: archives are read in memory, one member
at a time. Hidden and system files (names that begin with a dot, `__MACOSX`, `Thumbs.db`, `desktop.ini`) are passed
over; everything else that cannot be used comes as an entry whose `read` raises the reason.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

from app.domain.pools import Split
from app.errors import Refused

LARGEST_FILE = 100 * 1024**2
"""Bytes of one image file; more is refused unread."""
IMAGE_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".gif", ".bmp", ".webp", ".tif", ".tiff", ".avif"}
    | {".ppm", ".pgm", ".pbm", ".pnm", ".jp2", ".j2k"}
)
"""Names that are likely images. Only the bytes decide what is one; this guesses totals before they are read."""

_SYSTEM_NAMES = frozenset({"__MACOSX", "Thumbs.db", "desktop.ini"})


class InvalidSource(Refused):
    """The whole source cannot be read: nothing, or no more, is taken from it."""


class InvalidEntry(Refused):
    """One file cannot be taken; the message is the reason, without the file's name."""


class FileMissing(InvalidEntry):
    """A manifest names a file that is not there."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One file of a source.

    Attributes:
        position: where in the source's order; text that `read(..., after=position)` understands.
        name: path inside the source with forward slashes, or the line of a manifest.
        class_name: the class that came with it, as written; None without one.
        split: the split that the layout or the manifest names; None leaves it to the draw.
        read: gives the bytes; raises InvalidEntry with the reason for a refusal.
        sha256: what a manifest says the bytes hash to; None if nothing says so.
        held: bytes that the entry already keeps in memory.
    """

    position: str
    name: str
    class_name: str | None = None
    split: Split | None = None
    read: Callable[[], bytes]
    sha256: str | None = None
    held: int = 0


def refusing(reason: str) -> Callable[[], bytes]:
    """A `read` for an entry that is refused before anything is read."""

    def read() -> NoReturn:
        raise InvalidEntry(reason)

    return read


def is_passed_over(name: str) -> bool:
    """Whether a path is hidden, or a file that operating systems leave behind."""
    return any(part.startswith(".") or part in _SYSTEM_NAMES for part in name.split("/") if part not in {".", ".."})


def is_likely_image(name: str) -> bool:
    """Whether the name ends like that of an image."""
    return name[name.rfind(".") :].lower() in IMAGE_SUFFIXES if "." in name else False


def member_name(raw: str) -> str:
    """The path of an archive's member or of a manifest's row, with forward slashes.

    Raises:
        InvalidEntry: absolute, or leaving the source.
    """
    name = raw.replace("\\", "/")
    if name.startswith("/") or (len(name) > 1 and name[1] == ":"):
        raise InvalidEntry("The path is absolute; only paths inside the source are taken.")
    parts = [part for part in name.split("/") if part not in {"", "."}]
    if ".." in parts:
        raise InvalidEntry("The path leaves the source ('..').")
    if not parts or "\0" in name:
        raise InvalidEntry("The path is empty or holds a zero character.")
    return "/".join(parts)


def printable(name: str) -> str:
    """A file name that can be stored and shown, also where the disk's bytes are not UTF-8."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def is_utf8(name: str) -> bool:
    """Whether a name from the disk is text."""
    return not any("\udc80" <= character <= "\udcff" for character in name)
