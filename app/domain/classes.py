"""Class names and the key that chooses each of them."""

from __future__ import annotations

import unicodedata

from app.errors import Refused

LONGEST_NAME = 100
_KEYS = "1234567890qwertyuiopasdfghjklzxcvbnm"
_TAKEN = frozenset("uscz")  # undo, skip and the keys that Streamlit or the zoom keep for themselves


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


def keys(n_classes: int) -> list[str | None]:
    """One key for each class in order: digits first, then letters; None once the keyboard is used up."""
    free = [key for key in _KEYS if key not in _TAKEN]
    return [free[index] if index < len(free) else None for index in range(n_classes)]
