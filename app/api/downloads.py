"""What leaves the server as a file: labels, and what rounds published."""

from __future__ import annotations

from urllib.parse import quote

from starlette.responses import FileResponse, Response, StreamingResponse

from app.api.http import Call
from app.db.queries import projects, rounds
from app.errors import NotFound
from app.services import exporting
from app.services.exporting import LabelFormat, Origin


def labels(call: Call) -> Response:
    """A project's labels, streamed: `?format=csv|jsonl|folder_zip&origin=human|pseudo|both`."""
    project_id = call.path_id("project_id")
    form = call.query_choice("format", LabelFormat, LabelFormat.CSV)
    origin = call.query_choice("origin", Origin, Origin.HUMAN)
    with call.runtime.database.reading() as uow:
        project = projects.one(uow.session, project_id)
    pieces = exporting.stream_labels(call.runtime.database, call.runtime.storage, project_id, fmt=form, origin=origin)
    name = exporting.file_name(project.name, form, origin)
    return StreamingResponse(pieces, media_type=form.media_type, headers=_as_file(name))


def round_file(call: Call) -> Response:
    """One file that a round published; a name that the round's row does not list is not there."""
    with call.runtime.database.reading() as uow:
        found = rounds.one(uow.session, call.path_id("round_id"))
    name = call.request.path_params["name"]
    key = found.files.get(name)
    if not isinstance(key, str):
        raise NotFound(f"Round {found.number} has no file of that name.")
    path = call.runtime.storage.existing(key)
    headers = _as_file(f"round-{found.number}-{name}") | {"Cache-Control": "private, no-cache"}
    return FileResponse(path, media_type="application/octet-stream", headers=headers)


def _as_file(name: str) -> dict[str, str]:
    return {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}", "Cache-Control": "no-store"}
