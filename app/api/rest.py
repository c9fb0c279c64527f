"""The REST interface as a FastAPI application: who asks, how refusals look, and nothing about any route.

Endpoints are plain functions, which FastAPI runs in threads, because the database is synchronous. What the server
refuses becomes a status from 400 to 499 with a sentence; anything else that is raised is a bug and becomes a 500.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Path, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from sqlalchemy.exc import OperationalError
from starlette.exceptions import HTTPException

from app.domain.callers import Caller
from app.errors import AppError, Conflict, Forbidden, NotFound
from app.services.runtime import Runtime

log = logging.getLogger(__name__)

LARGEST_BODY = 1_000_000
"""Bytes; a batch of 500 answers has about 100,000."""
DATABASE_HEADER = "x-database"
"""Which database a page was made from; whoever asks without it means whichever there is."""
_LARGEST, _LARGEST_BIG = 2**31 - 1, 2**63 - 1
_FRESH = {"Cache-Control": "no-store"}


class Malformed(AppError):
    """A request that does not say what it must; `field` names where."""

    def __init__(self, field: str, problem: str, *got: Any) -> None:
        self.field = field
        super().__init__(f"{field} {problem}." + "".join(f" Got {_short(one)}." for one in got))


class OtherDatabase(AppError):
    """The page that asks was made from another database than the one that is served now."""


class Problem(BaseModel):
    """Why a request was refused."""

    error: str = Field(description="a sentence for people")
    field: str | None = Field(None, description="what in the request is wrong, as `items[3].uid`")


class Body(BaseModel):
    """What a request carries."""

    model_config = ConfigDict(extra="ignore")


def _no_nul(text: str) -> str:
    if "\0" in text:
        raise ValueError("must not contain a NUL character")
    return text


Id = Annotated[int, Field(strict=True, gt=0, le=_LARGEST)]
BigId = Annotated[int, Field(strict=True, gt=0, le=_LARGEST_BIG)]
"""Of an image: there may be more of them than an integer of 32 bits can count."""
PathId = Annotated[int, Path(gt=0, le=_LARGEST)]
BigPathId = Annotated[int, Path(gt=0, le=_LARGEST_BIG)]
QueryId = Annotated[int, Query(gt=0, le=_LARGEST)]
Text = Annotated[str, AfterValidator(_no_nul)]
Uid = Annotated[str, Field(min_length=1, max_length=36), AfterValidator(_no_nul)]


async def _runtime(request: Request) -> Runtime:
    runtime: Runtime = request.app.state.runtime()
    return runtime


async def caller_of(request: Request) -> Caller:
    """Who asks, as the guard in front of everything found out.

    Raises:
        KeyError: there is no guard; nobody is let in by mistake.
    """
    caller: Caller = request.scope["caller"]
    return caller


Opened = Annotated[Runtime, Depends(_runtime)]
Asking = Annotated[Caller, Depends(caller_of)]


def same_database(request: Request, runtime: Opened) -> None:
    """Keep a page away that was made from another database: what it means by its numbers is something else here.

    Raises:
        OtherDatabase: another one is served at this address now.
    """
    known = request.headers.get(DATABASE_HEADER)
    if known is not None and known != runtime.database_uid:
        raise OtherDatabase("Another database is served at this address now than when this page was made.")


def application(runtime: Callable[[], Runtime], router: APIRouter) -> FastAPI:
    """The interface over a table of routes; `runtime` is called when a request comes."""
    made = FastAPI(title="SSMAE", version="1", docs_url=None, redoc_url=None, openapi_url=None)
    made.state.runtime = runtime
    made.include_router(router)
    made.add_exception_handler(AppError, _refused)
    made.add_exception_handler(RequestValidationError, _malformed)
    made.add_exception_handler(HTTPException, _http)
    made.add_exception_handler(OperationalError, _busy)
    made.add_exception_handler(Exception, _bug)
    return made


def status_of(error: AppError) -> int:
    """The HTTP status that says what kind of refusal this is."""
    match error:
        case Malformed():
            return 400
        case Forbidden():
            return 403
        case NotFound():
            return 404
        case Conflict():
            return 409
        case OtherDatabase():
            return 412
        case _:
            return 422


def refusal(error: AppError) -> Response:
    """What a refused request is answered."""
    content = {"error": str(error)}
    if isinstance(error, Malformed):
        content["field"] = error.field
    return JSONResponse(content, status_code=status_of(error), headers=_FRESH)


def malformed(problem: Any, prefix: str = "") -> Malformed:
    """One of pydantic's findings as our refusal: the field by its path, then what it must be."""
    field = prefix + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in problem["loc"])
    name = field.lstrip(".") or "The body"
    if problem["type"] == "missing":
        return Malformed(name, "is missing")
    # "Input should be a valid integer", "List should have at least 1 item", "Value error, must not …"
    _, should, rest = problem["msg"].partition(" should ")
    said = f"must {rest}" if should else problem["msg"].removeprefix("Value error, ")
    return Malformed(name, said, problem["input"])


def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, AppError)
    return refusal(error)


def _malformed(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    where, *inside = first["loc"]
    if where == "body" and (not inside or first["type"] == "json_invalid"):
        return refusal(Malformed("The body", "must be a JSON object", str(error.body)[:60]))
    found = malformed({**first, "loc": inside})
    # An address that no id or name of ours could have is not there.
    return refusal(NotFound(str(found)) if where == "path" else found)


def _http(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    known: dict[int, dict[str, str]] = {
        400: {"error": "The body must be a JSON object.", "field": "The body"},
        404: {"error": "There is no such address."},
        405: {"error": "This address does not take this method."},
        413: {"error": f"A request may have at most {LARGEST_BODY} bytes."},
    }
    content = known.get(error.status_code, {"error": str(error.detail)})
    return JSONResponse(content, status_code=error.status_code, headers={**_FRESH, **(error.headers or {})})


def _busy(_: Request, error: Exception) -> Response:
    log.error("The database could not do it.", exc_info=error)
    content = {"error": "The database cannot be written to now: it is locked, full or away. Nothing was stored."}
    return JSONResponse(content, status_code=503, headers=_FRESH)


def _bug(_: Request, __: Exception) -> Response:
    return JSONResponse({"error": "The server has an error; its log says more."}, status_code=500, headers=_FRESH)


def _short(value: Any) -> str:
    shown = ascii(value) if isinstance(value, str) and not value.isprintable() else repr(value)
    return shown if len(shown) <= 80 else f"{shown[:77]}…"
