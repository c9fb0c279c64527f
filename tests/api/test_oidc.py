"""Signing in at an OpenID provider that really runs, and everything that it or a thief could get wrong."""

from __future__ import annotations

import time
from urllib.parse import parse_qsl, urlsplit

import pytest
from joserfc.jwk import RSAKey

from app import settings
from app.db.queries import accounts as account_queries
from app.domain.people import Role
from app.errors import Refused
from app.services import accounts, invitations
from tests.api import openid_provider
from tests.api.openid_provider import CLIENT_ID, CLIENT_SECRET
from tests.api.signing_in import running, says
from tests.world import World


@pytest.fixture(scope="module")
def real_provider():
    with openid_provider.running() as made:
        yield made


@pytest.fixture
def provider(real_provider):
    real_provider.person = {"sub": "1001", "name": "Ada Lovelace"}
    real_provider.claims, real_provider.published = {}, None
    real_provider.asked.clear()
    return real_provider


@pytest.fixture
def start(sqlite_url, tmp_path, provider, cheap_hashes):
    """Call it with further settings to get the server."""
    world = World(sqlite_url, tmp_path)
    world.make_project()
    opened = []

    def begin(**more):
        known = {
            "OIDC_ISSUER": provider.issuer, "OIDC_CLIENT_ID": CLIENT_ID, "OIDC_CLIENT_SECRET": CLIENT_SECRET,
            "OIDC_NAME": "Example Org",
        }  # fmt: skip
        opened.append(running(world, tmp_path, **(known | more)))
        return opened[-1].__enter__()

    yield begin
    for one in opened:
        one.__exit__(None, None, None)
    world.close()


def go(provider, browser, to="/login/oidc"):
    """A person follows the link, says yes at the provider, and comes back; gives back what they then see."""
    sent = browser.get(to)
    assert sent.status_code == 303, says(sent)
    query = dict(parse_qsl(urlsplit(sent.headers["location"]).query))
    back = urlsplit(provider.authorize(query))
    return browser.get(f"{back.path}?{back.query}")


def account_of(site, name):
    with site.world.reading() as uow:
        return accounts.account_named(uow, name)


def test_oidc__whoever_is_known_comes_in_and_goes_where_they_wanted(provider, start):
    site = start(OIDC_AUTO_CREATE="1")
    browser = site.browser()
    assert "Sign in with Example Org" in says(browser.get("/login"))
    entered = go(provider, browser, "/login/oidc?next=/label%3Fproject%3D1")
    assert (entered.status_code, entered.headers["location"]) == (303, "/label?project=1")
    assert browser.get("/").status_code == 200
    made = account_of(site, "Ada Lovelace")
    assert (made.role, made.password_hash) == (Role.ANNOTATOR, None)
    assert made.oidc_subject == f"{provider.issuer} 1001"
    go(provider, site.browser())
    with site.world.reading() as uow:
        assert len(account_queries.every(uow.session)) == 1
        assert account_queries.project_ids(uow.session, made.id) == frozenset()


def test_oidc__whoever_has_no_account_is_told_how_to_get_one(provider, start):
    site = start()
    reply = go(provider, site.browser())
    assert reply.status_code == 403
    assert "invitation" in says(reply)
    assert "ssmae_session" not in reply.headers.get("set-cookie", "")


def test_oidc__an_invitation_makes_the_account_with_its_role_and_projects(provider, start):
    site = start()
    with site.world.writing() as uow:
        secret = invitations.invite(uow, Role.LEAD, [site.world.project_id])
    browser = site.browser()
    assert f"/login/oidc?invitation={secret}" in browser.get(f"/invitation/{secret}").text
    assert go(provider, browser, f"/login/oidc?invitation={secret}").status_code == 303
    made = account_of(site, "Ada Lovelace")
    assert made.role is Role.LEAD
    with site.world.reading() as uow:
        assert account_queries.project_ids(uow.session, made.id) == {site.world.project_id}
    provider.person = {"sub": "1002", "name": "Bo"}
    assert go(provider, site.browser(), f"/login/oidc?invitation={secret}").status_code == 404


def test_oidc__a_name_that_is_taken_gives_nobody_somebody_elses_account(provider, start):
    site = start(OIDC_AUTO_CREATE="yes")
    mine = site.add("Ada Lovelace", Role.ADMIN)
    assert go(provider, site.browser()).status_code == 303
    assert account_of(site, "Ada Lovelace").id == mine
    assert account_of(site, "Ada Lovelace (2)").role is Role.ANNOTATOR


def test_oidc__who_was_deactivated_stays_out(provider, start):
    site = start(OIDC_AUTO_CREATE="1")
    go(provider, site.browser())
    with site.world.writing() as uow:
        accounts.deactivate(uow, accounts.account_named(uow, "Ada Lovelace").id)
    assert go(provider, site.browser()).status_code == 403


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://evil.example"},
        {"aud": "another-client"},
        {"aud": ["another-client"]},
        {"nonce": "made-up"},
        {"nonce": None},
        {"exp": int(time.time()) - 3600},
        {"iat": int(time.time()) + 3600},
        {"sub": None},
    ],
)
def test_oidc__a_token_that_does_not_hold_lets_nobody_in(provider, start, claims):
    site = start(OIDC_AUTO_CREATE="1")
    provider.claims = claims
    reply = go(provider, site.browser())
    assert reply.status_code == 403
    assert "did not vouch" in says(reply)


def test_oidc__a_token_that_somebody_else_signed_lets_nobody_in(provider, start):
    site = start(OIDC_AUTO_CREATE="1")
    for kid in (provider.key.kid, "other"):
        provider.published = RSAKey.generate_key(2048, {"kid": kid})
        assert go(provider, site.browser()).status_code == 403


def test_oidc__new_keys_of_the_provider_are_fetched_when_they_are_needed(provider, start):
    site = start(OIDC_AUTO_CREATE="1")
    assert go(provider, site.browser()).status_code == 303
    assert go(provider, site.browser()).status_code == 303
    assert provider.asked.count("/keys") == 1
    provider.key = RSAKey.generate_key(2048, {"kid": "second"})
    assert go(provider, site.browser()).status_code == 303
    assert provider.asked.count("/keys") == 2


def test_oidc__a_way_back_is_for_the_browser_that_set_out_and_for_one_time(provider, start):
    site = start(OIDC_AUTO_CREATE="1")
    browser, thief = site.browser(), site.browser()
    sent = browser.get("/login/oidc")
    back = urlsplit(provider.authorize(dict(parse_qsl(urlsplit(sent.headers["location"]).query))))
    address = f"{back.path}?{back.query}"
    assert thief.get(address).status_code == 403
    assert browser.get(address).status_code == 303
    assert browser.get(address).status_code == 403
    for wrong in ("", "?code=x", "?state=x&code=y", "?state=", "?error=access_denied"):
        assert site.browser().get(f"/login/oidc/callback{wrong}").status_code == 403


def test_oidc__a_code_that_was_swapped_is_of_no_use(provider, start):
    site = start(OIDC_AUTO_CREATE="1")
    victim, thief = site.browser(), site.browser()
    stolen = dict(parse_qsl(urlsplit(victim.get("/login/oidc").headers["location"]).query))
    code = dict(parse_qsl(urlsplit(provider.authorize(stolen)).query))["code"]
    own = dict(parse_qsl(urlsplit(thief.get("/login/oidc").headers["location"]).query))
    assert thief.get(f"/login/oidc/callback?state={own['state']}&code={code}").status_code == 403


def test_oidc__the_way_back_is_the_address_that_people_type(provider, start):
    site = start(PUBLIC_URL="https://label.example.org/")
    sent = site.browser().get("/login/oidc").headers["location"]
    assert dict(parse_qsl(urlsplit(sent).query))["redirect_uri"] == "https://label.example.org/login/oidc/callback"


def test_oidc__a_provider_that_is_away_is_said_to_be(start):
    site = start(OIDC_ISSUER="http://127.0.0.1:9")
    reply = site.browser().get("/login/oidc")
    assert reply.status_code == 422
    assert "does not answer" in says(reply)
    assert site.browser().get("/login").status_code == 200


def test_oidc__a_provider_that_calls_itself_something_else_is_not_trusted(provider, start):
    site = start(OIDC_ISSUER=provider.issuer.replace("127.0.0.1", "localhost"))
    assert "calls itself something else" in says(site.browser().get("/login/oidc"))


def test_oidc__without_it_there_is_no_such_way_in(sqlite_url, tmp_path):
    world = World(sqlite_url, tmp_path)
    with running(world, tmp_path) as site:
        assert site.browser().get("/login/oidc").status_code == 404
        assert "oidc" not in site.browser().get("/login").text
    world.close()


def test_settings__half_of_openid_is_refused_by_name(tmp_path):
    with pytest.raises(Refused, match="OIDC_CLIENT_SECRET"):
        settings.load({"DATA_DIR": str(tmp_path), "OIDC_ISSUER": "https://x.example", "OIDC_CLIENT_ID": "a"})
    with pytest.raises(Refused, match="OIDC_ISSUER must start"):
        settings.load({"OIDC_ISSUER": "x.example", "OIDC_CLIENT_ID": "a", "OIDC_CLIENT_SECRET": "b"})
    loaded = settings.load({"OIDC_ISSUER": "https://x.example", "OIDC_CLIENT_ID": "a", "OIDC_CLIENT_SECRET": "hush"})
    assert "hush" not in repr(loaded)
