"""Class names."""

from __future__ import annotations

import unicodedata

from app.errors import Refused

LONGEST_NAME = 100


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
