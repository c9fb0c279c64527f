"""Who somebody is according to an OpenID provider: authorization code flow with PKCE, state and nonce.

What is under way is kept in this process's memory for ten minutes: there is one process, and a restart only means to
begin again.
"""

from __future__ import annotations

import logging
import secrets
import threading
import time
from dataclasses import dataclass
from typing import Any

from authlib.common.security import generate_token
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry
from requests import RequestException

from app.db.models import Account
from app.db.queries import accounts
from app.db.unit_of_work import UnitOfWork
from app.domain.people import Role
from app.errors import Conflict, Forbidden, Refused
from app.services import accounts as account_service
from app.services import invitations
from app.settings import OidcSettings

log = logging.getLogger(__name__)

_TIMEOUT_SECONDS = 10
_PENDING_SECONDS = 600
_MOST_PENDING = 10_000
_LEEWAY_SECONDS = 60


@dataclass(frozen=True, kw_only=True)
class Pending:
    """A login that has begun: what must come back, and where the person wanted to go."""

    nonce: str
    verifier: str
    redirect_uri: str
    next: str
    invitation: str
    since: float


@dataclass(frozen=True, kw_only=True)
class Person:
    """Somebody the provider vouches for."""

    subject: str
    name: str


class Provider:
    """One OpenID provider. What it offers is read when it is first needed, so that the server starts without it."""

    def __init__(self, settings: OidcSettings) -> None:
        self._settings = settings
        self._metadata: dict[str, Any] = {}
        self._keys: KeySet | None = None
        self._pending: dict[str, Pending] = {}
        self._lock = threading.Lock()

    def begin(self, redirect_uri: str, *, next_page: str, invitation: str = "") -> tuple[str, str]:
        """The address to send the browser to, and the state that it must bring back.

        Raises:
            Refused: the provider does not answer.
        """
        state, nonce, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(32), generate_token(64)
        with self._session(redirect_uri) as session:
            address, _ = session.create_authorization_url(
                self._offers()["authorization_endpoint"], state=state, nonce=nonce, code_verifier=verifier
            )
        made = Pending(
            nonce=nonce, verifier=verifier, redirect_uri=redirect_uri, next=next_page, invitation=invitation,
            since=time.monotonic(),
        )  # fmt: skip
        with self._lock:
            self._drop_old()
            self._pending[state] = made
        return str(address), state

    def finish(self, state: str, code: str) -> tuple[Person, Pending]:
        """Who came back with this code. A state can be used once.

        Raises:
            Forbidden: this login did not begin here, or took too long, or the provider's answer does not hold.
            Refused: the provider does not answer.
        """
        with self._lock:
            self._drop_old()
            pending = self._pending.pop(state, None)
        if pending is None:
            raise Forbidden("This login began too long ago, or elsewhere: begin again.")
        try:
            with self._session(pending.redirect_uri) as session:
                token = session.fetch_token(
                    self._offers()["token_endpoint"],
                    code=code,
                    grant_type="authorization_code",
                    code_verifier=pending.verifier,
                )
            claims = self._checked(token, pending.nonce)
        except (OAuthError, JoseError, KeyError, ValueError) as error:
            log.warning("A login by OpenID failed.", exc_info=True)
            raise Forbidden(f"{self._settings.name} did not vouch for you: begin again.") from error
        except RequestException as error:
            raise self._silent(error) from error
        name = next((str(claims[one]) for one in ("name", "preferred_username", "email") if claims.get(one)), "")
        return Person(subject=f"{self._settings.issuer} {claims['sub']}"[:255], name=name[:100]), pending

    def _checked(self, token: dict[str, Any], nonce: str) -> dict[str, Any]:
        """The claims of the identity token, signature, issuer, audience, times and nonce checked."""
        names = self._offers().get("id_token_signing_alg_values_supported", ["RS256"])
        # Signatures of which this server would know the key, or none at all, prove nothing.
        registry = JWSRegistry(algorithms=[name for name in names if name[:2] in {"RS", "PS", "ES", "Ed"}])
        try:
            found = jwt.decode(token["id_token"], self._key_set(), registry=registry)
        except (InvalidKeyIdError, ValueError):  # the provider has changed its keys
            found = jwt.decode(token["id_token"], self._key_set(is_fresh=True), registry=registry)
        options = {"iss": {"essential": True, "values": [self._settings.issuer, self._offers()["issuer"]]}}
        asked = {"nonce": nonce, "client_id": self._settings.client_id, "access_token": token.get("access_token")}
        claims = CodeIDToken(found.claims, found.header, options, asked)
        if not claims.get("nonce"):
            raise KeyError("nonce")
        claims.validate(leeway=_LEEWAY_SECONDS)
        audience = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
        if self._settings.client_id not in audience:
            raise ValueError("The token is for somebody else.")
        return dict(claims)

    def _offers(self) -> dict[str, Any]:
        if not self._metadata:
            found = self._get(f"{self._settings.issuer}/.well-known/openid-configuration")
            if str(found.get("issuer", "")).rstrip("/") != self._settings.issuer:
                raise Refused("The OpenID provider calls itself something else than OIDC_ISSUER says.")
            self._metadata = found
        return self._metadata

    def _key_set(self, *, is_fresh: bool = False) -> KeySet:
        if self._keys is None or is_fresh:
            self._keys = KeySet.import_key_set(self._get(self._offers()["jwks_uri"]))  # type: ignore[arg-type]
        return self._keys

    def _get(self, address: str) -> dict[str, Any]:
        try:
            with self._session("") as session:
                reply = session.request("GET", address, withhold_token=True)
                reply.raise_for_status()
                found: dict[str, Any] = reply.json()
                return found
        except RequestException as error:
            raise self._silent(error) from error

    def _silent(self, error: RequestException) -> Refused:
        log.warning("The OpenID provider does not answer: %s", error)
        return Refused(f"{self._settings.name} does not answer. Try again in a while.")

    def _session(self, redirect_uri: str) -> OAuth2Session:
        return OAuth2Session(
            self._settings.client_id,
            self._settings.client_secret,
            scope="openid profile email",
            redirect_uri=redirect_uri,
            code_challenge_method="S256",
            default_timeout=_TIMEOUT_SECONDS,
        )

    def _drop_old(self) -> None:
        oldest = time.monotonic() - _PENDING_SECONDS
        for state in [state for state, one in self._pending.items() if one.since < oldest]:
            del self._pending[state]
        while len(self._pending) >= _MOST_PENDING:
            del self._pending[next(iter(self._pending))]


def account_of(uow: UnitOfWork, settings: OidcSettings, person: Person, invitation: str) -> Account:
    """The account of somebody the provider vouches for; a new one if they are invited, or if anybody may come.

    Raises:
        Forbidden: they have none, or it was deactivated.
        NotFound: the invitation was used or has run out.
    """
    found = accounts.of_subject(uow.session, person.subject)
    if found is not None:
        if not found.is_active:
            raise Forbidden("Your account was deactivated: ask an admin.")
        return found
    if not invitation and not settings.auto_create:
        raise Forbidden("You have no account here: ask an admin for an invitation, and follow it.")
    for number in range(1, 100):
        name = (person.name or "Somebody") + (f" ({number})" if number > 1 else "")
        try:
            if invitation:
                return invitations.accept(uow, invitation, name=name, subject=person.subject)
            return account_service.add(uow, name, Role.ANNOTATOR, subject=person.subject)
        except Conflict:  # somebody else has this name
            continue
    raise Conflict(f"There are too many people named {person.name!r}.")
