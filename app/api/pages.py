"""Small pages of plain HTML, for people who are not signed in yet: they work without JavaScript.

A page is a heading, some sentences and at most one form. Everything that stands in it is escaped here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from app.api.rest import status_of
from app.domain.callers import Caller
from app.domain.people import Role
from app.errors import AppError, Forbidden
from app.services.runtime import Runtime

STYLE = Path(__file__).with_name("pages.css")
_LARGEST_FORM = 16_384


@dataclass(frozen=True, kw_only=True)
class Field:
    """One line of a form. `hint` stands below it; `complete` is what browsers and password managers fill in."""

    name: str
    label: str
    kind: str = "text"
    value: str = ""
    hint: str = ""
    complete: str = "off"
    longest: int = 200


@dataclass(frozen=True, kw_only=True)
class Page:
    """What a page says and asks."""

    title: str
    lead: str = ""
    error: str = ""
    fields: Sequence[Field] = ()
    hidden: Sequence[tuple[str, str]] = ()
    button: str = ""
    links: Sequence[tuple[str, str]] = ()

    def html(self) -> str:
        """The whole document."""
        return _DOCUMENT.format(
            title=escape(self.title),
            lead=f"<p>{escape(self.lead)}</p>" if self.lead else "",
            error=f'<p class="error" role="alert" id="error">{escape(self.error)}</p>' if self.error else "",
            form=self._form() if self.button else "",
            links="".join(f'<p><a href="{escape(address)}">{escape(text)}</a></p>' for address, text in self.links),
        )

    def _form(self) -> str:
        hidden = "".join(f'<input type="hidden" name="{name}" value="{escape(value)}">' for name, value in self.hidden)
        first_empty = next((one.name for one in self.fields if not one.value), "")
        lines = "".join(self._line(one, has_focus=one.name == first_empty) for one in self.fields)
        return f'<form method="post">{hidden}{lines}<button type="submit">{escape(self.button)}</button></form>'

    def _line(self, one: Field, *, has_focus: bool) -> str:
        hint_id = f"{one.name}-hint"
        described = " ".join([*([hint_id] if one.hint else []), *(["error"] if self.error else [])])
        more = " autofocus" * has_focus + f' aria-describedby="{described}"' * bool(described)
        hint = f'<small id="{hint_id}">{escape(one.hint)}</small>' if one.hint else ""
        return (
            f'<label for="{one.name}">{escape(one.label)}</label>'
            f'<input id="{one.name}" name="{one.name}" type="{one.kind}" value="{escape(one.value)}" required '
            f'maxlength="{one.longest}" autocomplete="{one.complete}"{more}>{hint}'
        )


@dataclass(frozen=True, kw_only=True)
class Visit:
    """One request of a page; `caller` is None for strangers, `form` is empty but for a form that was sent."""

    request: Request
    runtime: Runtime
    caller: Caller | None
    form: dict[str, str]

    @property
    def next(self) -> str:
        """Where the person wanted to go: an address of this server and no other, or the first page."""
        asked = self.form.get("next") or self.request.query_params.get("next", "")
        is_ours = asked.startswith("/") and not asked.startswith(("//", "/\\")) and asked.isprintable()
        return asked if is_ours else "/"

    @property
    def is_encrypted(self) -> bool:
        """Whether browsers come over HTTPS, by this connection or by the address that people are told."""
        told = self.runtime.settings.public_url or ""
        return self.request.url.scheme == "https" or told.startswith("https://")

    def signed_in(self) -> Caller:
        """Who asks, on a page that needs an account.

        Raises:
            Forbidden: a form was sent without the token of the session.
        """
        assert self.caller is not None
        if self.request.method == "POST" and self.form.get("csrf") != self.caller.csrf:
            raise Forbidden("This page is out of date: go back, reload it and try again.")
        return self.caller


Handler = Callable[[Visit], Response]


def page(shown: Page, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A page that nobody may keep."""
    return HTMLResponse(shown.html(), status_code=status, headers={"Cache-Control": "no-store", **(headers or {})})


def visit(runtime: Callable[[], Runtime], role: Role | None, handler: Handler) -> Callable[[Request], Any]:
    """Make an endpoint that runs `handler` in a thread, for callers of this role; None lets strangers in."""

    async def answer(request: Request) -> Response:
        body = b""
        async for part in request.stream():
            body += part
            if len(body) > _LARGEST_FORM:
                return PlainTextResponse("This form is too large.", status_code=413)
        try:
            caller: Caller | None = request.scope["caller"]
            if role is not None:
                assert caller is not None
                caller.require(role)
            form = dict(parse_qsl(body.decode(errors="replace"), keep_blank_values=True, max_num_fields=20))
            asked = Visit(request=request, runtime=runtime(), caller=caller, form=form)
            return await anyio.to_thread.run_sync(handler, asked)
        except ValueError:
            return page(Page(title="This form cannot be read", links=[("/", "To the first page")]), 400)
        except AppError as error:
            shown = Page(title="This did not work", error=str(error), links=[("/", "To the first page")])
            return page(shown, status_of(error))

    return answer


def style(_: Visit) -> Response:
    """The style sheet of these pages."""
    return Response(STYLE.read_bytes(), media_type="text/css", headers={"Cache-Control": "no-cache"})


_DOCUMENT = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>{title} · SSMAE</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/login/style.css">
</head>
<body>
<main>
<p class="name"><span class="mark" aria-hidden="true"></span>SSMAE</p>
<h1>{title}</h1>
{lead}
{error}
{form}
{links}
</main>
</body>
</html>
"""
