"""Files by key below one root: images by the sha256 of their bytes, and what rounds publish.

A file appears whole or not at all: it is written beside its place, flushed to the disk, then moved. Keys are relative
paths with forward slashes; nothing else in the project builds a path below the root.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

from app.errors import NotFound, Refused


def image_key(sha256: str, suffix: str) -> str:
    """Where an image's own bytes are."""
    return f"images/{sha256[:2]}/{sha256[2:4]}/{sha256}{suffix}"


def round_key(round_id: int, attempt: int, name: str) -> str:
    """Where a file of one attempt of a round is; attempts never share a folder."""
    return f"rounds/{round_id}/{attempt}/{name}"


def midway_key(round_id: int) -> str:
    """Where the half-way state of a round is, whichever attempt wrote it."""
    return f"rounds/{round_id}/midway.safetensors"


def snapshot_key(digest: str) -> str:
    """Where a snapshot's rows are."""
    return f"snapshots/{digest}.npz"


def frame_key(digest: str) -> str:
    """Where the images that a validation sample was drawn from are listed."""
    return f"frames/{digest}.npz"


class Storage:
    """A folder that holds every file of the server."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, key: str) -> Path:
        """The place of a key, whether or not there is a file.

        Raises:
            Refused: the key would leave the root.
        """
        path = (self.root / key).resolve()
        if not path.is_relative_to(self.root.resolve()):
            raise Refused(f"A storage key must stay below the storage root. Got {key!r}.")
        return path

    def existing(self, key: str) -> Path:
        """The place of a file that must be there.

        Raises:
            NotFound: there is no such file.
        """
        path = self.path(key)
        if not path.is_file():
            raise NotFound(f"The storage has no file {key!r}.")
        return path

    def write(self, key: str, content: bytes) -> Path:
        """Write a file atomically; a file that is already there is replaced."""
        path = self.path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".writing-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        return path

    def write_image(self, content: bytes, suffix: str) -> str:
        """Keep an image's bytes under their hash, once.

        Returns:
            The sha256 in hexadecimal.
        """
        sha256 = hashlib.sha256(content).hexdigest()
        key = image_key(sha256, suffix)
        if not self.path(key).is_file():
            self.write(key, content)
        return sha256
