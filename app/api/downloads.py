"""What leaves the server as a file: labels, and what rounds published."""

from __future__ import annotations

from urllib.parse import quote

from starlette.responses import FileResponse, Response, StreamingResponse

from app.api.rest import Asking, Opened, PathId
from app.db.queries import projects, rounds
from app.errors import NotFound
from app.services import exporting
from app.services.exporting import LabelFormat, Origin


def labels(
    project_id: PathId,
    caller: Asking,
    runtime: Opened,
    format: LabelFormat = LabelFormat.CSV,  # noqa: A002 - the parameter's name in the address
    origin: Origin = Origin.HUMAN,
) -> Response:
    """A project's labels, streamed."""
    caller.require_project(project_id)
    with runtime.database.reading() as uow:
        project = projects.one(uow.session, project_id)
    pieces = exporting.stream_labels(runtime.database, runtime.storage, project_id, fmt=format, origin=origin)
    name = exporting.file_name(project.name, format, origin)
    return StreamingResponse(pieces, media_type=format.media_type, headers=_as_file(name))


def round_file(round_id: PathId, name: str, caller: Asking, runtime: Opened) -> Response:
    """One file that a round published; a name that the round's row does not list is not there."""
    with runtime.database.reading() as uow:
        found = rounds.one(uow.session, round_id)
    if not caller.sees(found.project_id):
        raise NotFound(f"There is no round {round_id}.")
    key = found.files.get(name)
    if not isinstance(key, str):
        raise NotFound(f"Round {found.number} has no file of that name.")
    path = runtime.storage.existing(key)
    headers = _as_file(f"round-{found.number}-{name}") | {"Cache-Control": "private, no-cache"}
    return FileResponse(path, media_type="application/octet-stream", headers=headers)


def _as_file(name: str) -> dict[str, str]:
    return {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}", "Cache-Control": "no-store"}
