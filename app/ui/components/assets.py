"""The browser's side of our components: plain ES modules and style sheets, served under a hash of all of them.

One hash for the folder, so that modules can import each other by relative names and browsers may keep them for ever.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

_FOLDER = Path(__file__).with_name("frontend")
MEDIA_TYPES = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8"}
LOADER = """export default async function (component) {
  const module = await import(location.origin + component.data.assets + component.data.module);
  return module.default(component);
}
"""
"""What Streamlit is given as a component's code: it would send the whole module again with every run."""


@lru_cache(maxsize=1)
def _contents() -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(_FOLDER.iterdir()) if path.suffix in MEDIA_TYPES}


@lru_cache(maxsize=1)
def base() -> str:
    """The address that all files of this version lie under, with a slash at its end."""
    digest = hashlib.sha256()
    for name, content in _contents().items():
        digest.update(name.encode() + b"\0" + content + b"\0")
    return f"/assets/{digest.hexdigest()[:16]}/"


def content(name: str) -> tuple[bytes, str] | None:
    """Bytes and media type of one file, or None if there is no such file."""
    found = _contents().get(name)
    return (found, MEDIA_TYPES[Path(name).suffix]) if found is not None else None
