"""Class names and the key that chooses each of them."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from app.errors import Refused

LONGEST_NAME = 100
_KEYS = "1234567890qwertyuiopasdfghjklzxcvbnm"
_TAKEN = frozenset("usxzc")  # undo, skip, exclude, zoom; Streamlit keeps c for itself
_FREE = tuple(key for key in _KEYS if key not in _TAKEN)


def clean_name(name: str) -> str:
    """The class name as it is stored: normalised to NFC, no white space around it.

    Raises:
        Refused: empty, too long, or with characters that cannot be a folder's name in an export.
    """
    cleaned = unicodedata.normalize("NFC", name).strip()
    if not cleaned or len(cleaned) > LONGEST_NAME:
        raise Refused(f"A class name must have 1 to {LONGEST_NAME} characters. Got {name!r}.")
    if cleaned in {".", ".."} or any(character in "/\\\0" or not character.isprintable() for character in cleaned):
        raise Refused(f"A class name must be printable and without slashes. Got {name!r}.")
    return cleaned


def keys(names: Sequence[str]) -> list[str | None]:
    """One key for each class in order; None once the keyboard is used up.

    A class that is named like a key gets that key: whoever sees a 7 presses 7. The others get digits first, then
    letters.
    """
    own = {name.lower() for name in names if name.lower() in _FREE}
    others = iter(key for key in _FREE if key not in own)
    given: list[str | None] = []
    for name in names:
        key = name.lower()
        given.append(key if key in own and key not in given else next(others, None))
    return given
