"""Who asks, for every request and every message of a websocket: behind the guard, in front of everything else.

Plain ASGI, because Starlette's own middleware class does not see websockets. It never reads a body.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Collection
from http.cookies import CookieError, SimpleCookie
from urllib.parse import quote

import anyio.to_thread
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.domain.callers import ANYBODY, Caller
from app.domain.people import Role
from app.services.sessions import COOKIE, Callers

ACCOUNT_HEADER = "x-ssmae-account"
"""Tells Streamlit whose websocket it is, so that nobody takes up somebody else's session; never from outside."""
STREAMLIT = (
    ("/_stcore/upload_file", Role.LEAD),
    ("/_stcore/metrics", Role.ADMIN),
    ("/_stcore/agent", Role.ADMIN),
)
"""Beginnings of Streamlit's own addresses that need more than an account; pages ask for themselves."""
FILES = ("/api/", "/img/", "/assets/", "/_stcore/", "/media/", "/component/", "/static/", "/vendor/")
"""Addresses that pages ask for and nobody opens: strangers get 401 there, and the way to sign in elsewhere."""
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_BEFORE_NEW_PASSWORD = frozenset({"/password", "/logout"})


class Identify:
    """Finds out who asks and keeps strangers out; what a role may do is written beside each route.

    Args:
        app: what is behind it.
        callers: who is behind which cookie; None where there are no accounts, and everybody may do everything.
        is_open: routes that strangers may use.
    """

    def __init__(self, app: ASGIApp, *, callers: Callable[[], Callers] | None, is_open: Collection[BaseRoute]) -> None:
        self._app = app
        self._callers = callers
        self._open = is_open

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through with its caller, or answer it here."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        secret = _cookie(scope)
        caller = ANYBODY if self._callers is None else await self._caller(secret)
        scope = {**scope, "caller": caller, "headers": _with_account(scope, caller)}
        if scope["type"] == "websocket":
            await self._websocket(scope, receive, send, secret)
            return
        refusal = None if self._is_open(scope) else _refusal(scope, caller)
        await (refusal or self._app)(scope, receive, send)

    async def _caller(self, secret: str) -> Caller | None:
        assert self._callers is not None
        if not secret:
            return None
        callers = self._callers()
        is_known, caller = callers.remembered(secret)
        return caller if is_known else await anyio.to_thread.run_sync(callers.of, secret)

    def _is_open(self, scope: Scope) -> bool:
        return any(route.matches(scope)[0] is Match.FULL for route in self._open)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send, secret: str) -> None:
        caller: Caller | None = scope["caller"]
        if caller is None or caller.must_change_password:
            await receive()
            await send({"type": "websocket.close", "code": 1008})
            return
        if self._callers is None:
            await self._app(scope, receive, send)
            return
        is_over = False

        async def receiving() -> Message:
            nonlocal is_over
            message = await receive()
            if message["type"] == "websocket.receive" and await self._caller(secret) is None:
                await send({"type": "websocket.close", "code": 1008, "reason": "Your session has ended."})
                is_over = True
                return {"type": "websocket.disconnect", "code": 1008}
            return message

        async def sending(message: Message) -> None:
            if not is_over:
                await send(message)

        await self._app(scope, receiving, sending)


def _refusal(scope: Scope, caller: Caller | None) -> Response | None:
    path, headers = scope["path"], Headers(scope=scope)
    is_file = path.startswith(FILES) or scope["method"] not in _SAFE_METHODS
    if caller is None:
        if is_file:
            return _said(path, 401, "You are signed out. Sign in again: what you answered meanwhile is kept.")
        return _to(scope, "/login")
    if caller.must_change_password and path not in _BEFORE_NEW_PASSWORD:
        return _said(path, 403, "Choose a password of your own first.") if is_file else _to(scope, "/password")
    for beginning, role in STREAMLIT:
        if path.startswith(beginning) and not caller.may(role):
            return _said(path, 403, f"Only {role.article} {role} may do this.")
    if path.startswith("/api/") and scope["method"] not in _SAFE_METHODS:
        given = headers.get("x-csrf", "").encode()
        if not hmac.compare_digest(given, caller.csrf.encode()):
            return _said(path, 403, "This page is out of date: reload it.")
    return None


def _said(path: str, status: int, sentence: str) -> Response:
    fresh = {"Cache-Control": "no-store"}
    if path.startswith("/api/"):
        return JSONResponse({"error": sentence}, status_code=status, headers=fresh)
    return PlainTextResponse(sentence, status_code=status, headers=fresh)


def _to(scope: Scope, page: str) -> Response:
    query = scope["query_string"].decode("latin-1")
    back = scope["path"] + (f"?{query}" if query else "")
    address = page if back == "/" else f"{page}?next={quote(back, safe='/')}"
    return RedirectResponse(address, status_code=303, headers={"Cache-Control": "no-store"})


def _cookie(scope: Scope) -> str:
    try:
        cookies = SimpleCookie(Headers(scope=scope).get("cookie", ""))
    except CookieError:
        return ""
    return cookies[COOKIE].value if COOKIE in cookies else ""


def _with_account(scope: Scope, caller: Caller | None) -> list[tuple[bytes, bytes]]:
    headers = MutableHeaders(raw=list(scope["headers"]))
    del headers[ACCOUNT_HEADER]
    if caller is not None and caller.account_id is not None:
        headers[ACCOUNT_HEADER] = str(caller.account_id)
    return headers.raw
