"""From a function over a unit of work to an HTTP endpoint: threads, JSON, refusals. Knows nothing of any route.

Endpoints are plain functions that run in a thread, because the database is synchronous. What the server refuses
becomes a status from 400 to 499 with the sentence; anything else that is raised is a bug and becomes a 500.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app.errors import AppError, Conflict, NotFound
from app.services.runtime import Runtime

LARGEST_BODY = 1_000_000
"""Bytes; a batch of 500 answers has about 100,000."""
_LARGEST_ID = 2**63 - 1

S = TypeVar("S", bound=StrEnum)


class Malformed(AppError):
    """A request that does not say what it must; `field` names where."""

    def __init__(self, field: str, expected: str, got: Any) -> None:
        self.field = field
        super().__init__(f"{field} must be {expected}. Got {_short(got)}.")


@dataclass(frozen=True, kw_only=True)
class Call:
    """One request, with its body read."""

    request: Request
    body: bytes
    runtime: Runtime

    def path_id(self, name: str) -> int:
        """A whole number of the path; the route's converter has checked that it is one.

        Raises:
            NotFound: no database could have such an id.
        """
        number = int(self.request.path_params[name])
        if number > _LARGEST_ID:
            raise NotFound(f"There is no {name.removesuffix('_id')} {number}.")
        return number

    def query_integer(self, name: str, *, low: int, high: int, default: int | None = None) -> int:
        """A whole number of the query string."""
        text = self.request.query_params.get(name)
        if text is None and default is not None:
            return default
        if text is None or not text.isascii() or not text.isdigit() or not low <= int(text[:30]) <= high:
            raise Malformed(name, f"a whole number from {low} to {high}", text)
        return int(text)

    def query_choice(self, name: str, kind: type[S], default: S) -> S:
        """A member of an enum from the query string."""
        return choice(self.request.query_params.get(name, default), kind, name)

    def json(self) -> dict[str, Any]:
        """The body, a JSON object."""
        try:
            value = json.loads(self.body)
        except (ValueError, RecursionError):
            raise Malformed("The body", "a JSON object", self.body[:60].decode(errors="replace")) from None
        if not isinstance(value, dict):
            raise Malformed("The body", "a JSON object", value)
        return value


Handler = Callable[[Call], Response]
Endpoint = Callable[[Request], Any]


def endpoint(runtime: Callable[[], Runtime], handler: Handler) -> Endpoint:
    """Make a Starlette endpoint that runs `handler` in a thread."""

    async def answer(request: Request) -> Response:
        body = b""
        async for part in request.stream():
            body += part
            if len(body) > LARGEST_BODY:
                return _refusal(413, AppError(f"A request may have at most {LARGEST_BODY} bytes."))
        try:
            return await anyio.to_thread.run_sync(lambda: handler(Call(request=request, body=body, runtime=runtime())))
        except AppError as error:
            return _refusal(status_of(error), error)

    return answer


def status_of(error: AppError) -> int:
    """The HTTP status that says what kind of refusal this is."""
    match error:
        case Malformed():
            return 400
        case NotFound():
            return 404
        case Conflict():
            return 409
        case _:
            return 422


def _refusal(status: int, error: AppError) -> Response:
    content = {"error": str(error)}
    if isinstance(error, Malformed):
        content["field"] = error.field
    return JSONResponse(content, status_code=status, headers={"Cache-Control": "no-store"})


def fresh(content: Any) -> Response:
    """A JSON answer that nobody may keep."""
    return JSONResponse(content, headers={"Cache-Control": "no-store"})


def integer(value: Any, field: str) -> int:
    """A positive whole number that a database id can be.

    Raises:
        Malformed: it is something else.
    """
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= _LARGEST_ID:
        raise Malformed(field, "a positive whole number", value)
    return value


def text(value: Any, field: str, longest: int) -> str:
    """A text of 1 to `longest` characters.

    Raises:
        Malformed: it is something else.
    """
    if not isinstance(value, str) or not 0 < len(value) <= longest or "\0" in value:
        raise Malformed(field, f"a text of 1 to {longest} characters", value)
    return value


def choice(value: Any, kind: type[S], field: str) -> S:
    """A member of an enum.

    Raises:
        Malformed: it is none; the message lists them.
    """
    if value not in list(kind):
        raise Malformed(field, f"one of {', '.join(kind)}", value)
    return kind(value)


def _short(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= 80 else f"{shown[:77]}…"
