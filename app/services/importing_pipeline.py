"""Read, check and store the files of an import with threads, a bounded window at a time.

Decoding, hashing and waiting for the disk release the interpreter lock, so threads serve where processes would have to
copy every image.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from functools import partial

from app.formats.entries import Entry, FileMissing, InvalidEntry
from app.formats.images import inspect
from app.services.importing_batches import Batches, Taken
from app.storage import Storage

_THREADS = 8
"""More than cores: most of the time is spent waiting until the disk has what was written."""
_HELD_BYTES = 64 * 1024**2
"""Entries of a stream hold their bytes while they wait; together they may hold this much."""


def taken_after(storage: Storage, batches: Batches, entries: Generator[Entry]) -> Generator[Taken]:
    """Every entry read, checked and stored, in the order of the source; memory holds a window of them."""
    threads = _THREADS
    window: deque[tuple[int, Future[Taken]]] = deque()
    held = 0
    with closing(entries), ThreadPoolExecutor(threads, thread_name_prefix="import") as pool:
        try:
            for entry in entries:
                reason = batches.refusal_of_class(entry.class_name)
                window.append((entry.held, pool.submit(partial(_take, storage, entry, reason))))
                held += entry.held
                while len(window) >= 4 * threads or (held > _HELD_BYTES and window):
                    size, future = window.popleft()
                    held -= size
                    yield future.result()
            while window:
                yield window.popleft()[1].result()
        finally:
            for _, future in window:
                future.cancel()


def _take(storage: Storage, entry: Entry, reason: str) -> Taken:
    """Read, check and store one file; runs in a thread."""
    taken = partial(Taken, position=entry.position, name=entry.name, class_name=entry.class_name, split=entry.split)
    if reason:
        return taken(reason=reason)
    try:
        content = entry.read()
        facts = inspect(content)
    except FileMissing as refusal:
        # A manifest that gives the hash may still speak of an image that the project has.
        return taken(reason=str(refusal), sha256=entry.sha256)
    except InvalidEntry as refusal:
        return taken(reason=str(refusal))
    if entry.sha256 is not None and hashlib.sha256(content).hexdigest() != entry.sha256:
        return taken(reason="The file is not the one that the manifest means: its sha256 is another.")
    return taken(sha256=storage.write_image(content, facts.suffix), size=len(content), facts=facts)
