"""What a person likes, kept beside their name: a small JSON object that only screens give meaning to."""

from __future__ import annotations

import json
from typing import Any

from app.db.queries import annotations as annotation_queries
from app.db.unit_of_work import UnitOfWork
from app.errors import Refused

LARGEST = 16_384
"""Bytes of JSON."""


def of(uow: UnitOfWork, annotator_id: int) -> dict[str, Any]:
    """A person's preferences.

    Raises:
        NotFound: there is no such annotator.
    """
    return dict(annotation_queries.annotator_by_id(uow.session, annotator_id).preferences)


def change(uow: UnitOfWork, annotator_id: int, changed: dict[str, Any]) -> dict[str, Any]:
    """Keep what has changed, name by name; what is not named stays as it was, and None forgets a name.

    Returns:
        All of the person's preferences.

    Raises:
        NotFound: there is no such annotator.
        Refused: they are too large, or hold what JSON cannot say.
    """
    person = annotation_queries.annotator_by_id(uow.session, annotator_id)
    together = person.preferences | changed
    preferences = {name: value for name, value in together.items() if value is not None}
    try:
        size = len(json.dumps(preferences, allow_nan=False, ensure_ascii=False).encode())
    except ValueError as error:
        raise Refused("Preferences must be JSON: numbers that are finite, texts that are Unicode.") from error
    if size > LARGEST:
        raise Refused(f"Preferences may have at most {LARGEST:,} bytes. Got {size:,}.")
    person.preferences = preferences
    uow.session.flush()
    return preferences
