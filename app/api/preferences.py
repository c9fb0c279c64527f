"""What a person likes: keys, layout, hints that they have read. The browser's side gives it meaning."""

from __future__ import annotations

from typing import Any

from app.api.answers import check_person
from app.api.rest import Asking, Opened, QueryId
from app.db.unit_of_work import committed
from app.services import preferences


def read(annotator_id: QueryId, caller: Asking, runtime: Opened) -> dict[str, Any]:
    """A person's preferences."""
    caller.require_self(annotator_id)
    with runtime.database.reading() as uow:
        return preferences.of(uow, annotator_id)


def write(annotator_id: QueryId, body: dict[str, Any], caller: Asking, runtime: Opened) -> dict[str, Any]:
    """Change a person's preferences, name by name; gives back all of them."""
    caller.require_self(annotator_id)
    with committed(runtime.database) as uow:
        check_person(uow, annotator_id)
        return preferences.change(uow, annotator_id, body)
