"""From a function over a runtime to a Starlette endpoint: for the few addresses that are asked most often."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response

from app.api.rest import Malformed, refusal
from app.domain.callers import Caller
from app.domain.people import Role
from app.errors import AppError, NotFound
from app.services.runtime import Runtime

_LARGEST_ID = 2**63 - 1


@dataclass(frozen=True, kw_only=True)
class Call:
    """One request without a body; `caller` is None for strangers, where they are let in."""

    request: Request
    runtime: Runtime
    caller: Caller | None

    def path_id(self, name: str) -> int:
        """A whole number of the path; the route's converter has checked that it is one.

        Raises:
            NotFound: no database could have such an id.
        """
        number = int(self.request.path_params[name])
        if number > _LARGEST_ID:
            raise NotFound(f"There is no {name.removesuffix('_id')} {number}.")
        return number

    def query_integer(self, name: str, *, among: tuple[int, ...], default: int) -> int:
        """A whole number of the query string.

        Raises:
            Malformed: it is none of those that may be asked for.
        """
        text = self.request.query_params.get(name)
        if text is None:
            return default
        if text not in map(str, among):
            raise Malformed(name, f"must be one of {', '.join(map(str, among))}", text)
        return int(text)


Handler = Callable[[Call], Response]
Endpoint = Callable[[Request], Any]


def endpoint(runtime: Callable[[], Runtime], role: Role | None, handler: Handler) -> Endpoint:
    """Make an endpoint that runs `handler` in a thread, for callers of this role; None lets strangers in."""

    async def answer(request: Request) -> Response:
        caller: Caller | None = request.scope.get("caller")
        try:
            if role is not None:
                request.scope["caller"].require(role)
            call = Call(request=request, runtime=runtime(), caller=caller)
            return await anyio.to_thread.run_sync(handler, call)
        except AppError as error:
            return refusal(error)

    return answer
