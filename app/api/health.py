"""Whether this process can do its work, for supervisors, containers and `ssmae doctor`; and what it can be asked."""

from __future__ import annotations

import logging
from typing import Any

from fastapi import Request
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from starlette.responses import JSONResponse, Response

from app.api.plain import Call

log = logging.getLogger(__name__)


def health(call: Call) -> Response:
    """200 if the process is up and its database answers, else 503."""
    fresh = {"Cache-Control": "no-store"}
    try:
        with call.runtime.database.reading() as uow:
            uow.session.execute(text("SELECT 1 FROM project LIMIT 1"))
    except SQLAlchemyError:
        log.exception("The database does not answer.")
        failed = {"status": "failed", "error": "The database does not answer."}
        return JSONResponse(failed, status_code=503, headers=fresh)
    return JSONResponse({"status": "ok"}, headers=fresh)


def document(request: Request) -> dict[str, Any]:
    """The OpenAPI document of this interface."""
    made: dict[str, Any] = request.app.openapi()
    return {**made, "servers": [{"url": request.scope["root_path"]}]}
