"""Whether this process can do its work: for supervisors, containers and `ssmae doctor`."""

from __future__ import annotations

import logging

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from starlette.responses import JSONResponse, Response

from app.api.http import Call, fresh

log = logging.getLogger(__name__)


def health(call: Call) -> Response:
    """200 if the process is up and its database answers, else 503."""
    try:
        with call.runtime.database.reading() as uow:
            uow.session.execute(text("SELECT 1 FROM project LIMIT 1"))
    except SQLAlchemyError:
        log.exception("The database does not answer.")
        return JSONResponse({"status": "failed", "error": "The database does not answer."}, status_code=503)
    return fresh({"status": "ok"})
