"""A folder of images, or a folder per class; also with train/ and test/ on top (see `layout`).

Order: by folder, then by name. Links to files inside the folder are followed; links that leave it, links to folders
(they may run in circles) and everything that is not a regular file are refused by name.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Generator, Iterator
from pathlib import Path

from app.formats import layout
from app.formats.entries import (
    LARGEST_FILE,
    Entry,
    FileMissing,
    InvalidEntry,
    InvalidSource,
    is_passed_over,
    is_utf8,
    printable,
    refusing,
)
from app.formats.layout import Survey


def sniff(path: Path) -> bool:
    """Whether this reader takes the path."""
    return path.is_dir()


def survey(path: Path) -> Survey:
    """Count files and learn the layout, without opening any."""
    return layout.survey((name for name, _, _ in _walk(path)), may_be_wrapped=False)


def read(path: Path, known: Survey | None = None, after: str | None = None) -> Generator[Entry]:
    """Every file below the folder in order, beginning after a position."""
    found = known or survey(path)
    done = tuple(after.split("/")) if after is not None else ()
    for name, place, reason in _walk(path):
        if tuple(name.split("/")) > done:
            yield _entry(found, name, place, reason)


def read_file(place: Path) -> bytes:
    """The bytes of one regular file.

    Raises:
        InvalidEntry: missing, unreadable, too large, or no regular file.
    """
    try:
        # Non-blocking: opening a pipe that nobody writes to would otherwise wait for ever.
        handle = os.open(place, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise FileMissing("The file does not exist.") from None
    except (OSError, ValueError) as error:
        raise InvalidEntry(f"The file cannot be read: {getattr(error, 'strerror', None) or error}.") from None
    with os.fdopen(handle, "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise InvalidEntry("Not a regular file.")
        if status.st_size > LARGEST_FILE:
            raise InvalidEntry(f"The file has {status.st_size:,} bytes; at most {LARGEST_FILE:,} are taken.")
        try:
            return file.read(LARGEST_FILE)
        except OSError as error:
            raise InvalidEntry(f"The file cannot be read: {error.strerror}.") from None


def inside(root: Path, place: Path) -> Path:
    """Where a path leads in the end.

    Raises:
        InvalidEntry: outside of `root` (which must be resolved), or nowhere.
    """
    try:
        target = place.resolve(strict=True)
    except FileNotFoundError:
        raise FileMissing("The file does not exist.") from None
    except (OSError, RuntimeError, ValueError) as error:
        raise InvalidEntry(f"The file cannot be reached: {getattr(error, 'strerror', None) or error}.") from None
    if not target.is_relative_to(root):
        raise InvalidEntry("A link that leaves the folder; only files inside it are taken.")
    return target


def _entry(found: Survey, name: str, place: Path, reason: str) -> Entry:
    class_name, split, refusal = found.layout.placed(name, reason)
    read_it = refusing(refusal) if refusal else lambda: read_file(place)
    return Entry(position=name, name=name, class_name=class_name, split=split, read=read_it)


def _walk(root: Path) -> Iterator[tuple[str, Path, str]]:
    """(name, place, reason for a refusal or "") of everything below; memory grows with one folder's names only."""
    real_root = root.resolve()
    try:
        stack = [iter(_listing(root, ""))]
    except OSError as error:
        raise InvalidSource(f"The folder {root} cannot be read: {error.strerror}.") from error
    while stack:
        item = next(stack[-1], None)
        if item is None:
            stack.pop()
            continue
        name, place, reason = item
        if reason:
            yield name, place, reason
        elif place.is_symlink():
            yield (name, *_followed(real_root, place))
        elif place.is_dir():
            try:
                stack.append(iter(_listing(place, name + "/")))
            except OSError as error:
                yield name, place, f"The folder cannot be read: {error.strerror}."
        else:
            yield name, place, ""


def _listing(folder: Path, prefix: str) -> list[tuple[str, Path, str]]:
    with os.scandir(folder) as found:
        names = sorted((printable(one.name), one.name) for one in found)
    return [
        (prefix + shown, folder / name, "" if is_utf8(name) else "The file's name is not UTF-8: rename it.")
        for shown, name in names
        if not is_passed_over(shown)
    ]


def _followed(root: Path, link: Path) -> tuple[Path, str]:
    try:
        target = inside(root, link)
    except InvalidEntry as refusal:
        return link, str(refusal)
    return (target, "") if not target.is_dir() else (link, "A link to a folder; links to folders are not followed.")
