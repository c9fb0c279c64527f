"""Signing in at an OpenID provider: the way there, and the way back."""

from __future__ import annotations

import hmac

from starlette.responses import RedirectResponse, Response

from app.api.login import enter, place
from app.api.pages import Visit
from app.db.unit_of_work import committed
from app.errors import Forbidden, NotFound
from app.services import oidc
from app.services.oidc import Provider

STATE_COOKIE = "ssmae_oidc"


def begin(visit: Visit) -> Response:
    """Send the browser to the provider; it must come back with the same state, in the address and in a cookie."""
    if visit.runtime.tries_by_place.wait(place(visit)):
        raise Forbidden("Too many tries: wait a few minutes.")
    invitation = visit.request.query_params.get("invitation", "")
    address, state = _provider(visit).begin(_way_back(visit), next_page=visit.next, invitation=invitation)
    answer = RedirectResponse(address, status_code=303, headers={"Cache-Control": "no-store"})
    answer.set_cookie(
        STATE_COOKIE, state, max_age=600, path="/login/oidc", secure=visit.is_encrypted, httponly=True, samesite="lax"
    )
    return answer


def finish(visit: Visit) -> Response:
    """Take who comes back from the provider, if they have an account or may have one."""
    provider, settings = _provider(visit), visit.runtime.settings.oidc
    assert settings is not None
    asked = visit.request.query_params
    state = asked.get("state", "")
    if not state or not hmac.compare_digest(state.encode(), visit.request.cookies.get(STATE_COOKIE, "").encode()):
        raise Forbidden("This login did not begin in this browser: begin again.")
    if "code" not in asked:
        raise Forbidden(f"{settings.name} did not let you in: begin again.")
    person, pending = provider.finish(state, asked["code"])
    with committed(visit.runtime.database) as uow:
        account = oidc.account_of(uow, settings, person, pending.invitation)
        answer = enter(visit, uow, account, pending.next)
    answer.delete_cookie(STATE_COOKIE, path="/login/oidc")
    return answer


def _provider(visit: Visit) -> Provider:
    provider = visit.runtime.oidc
    if provider is None:
        raise NotFound("Nobody signs in with OpenID here.")
    return provider


def _way_back(visit: Visit) -> str:
    base = visit.runtime.settings.public_url or str(visit.request.base_url).rstrip("/")
    return f"{base}/login/oidc/callback"
