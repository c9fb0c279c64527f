"""Signing in and out, passwords and invitations, as a browser without JavaScript meets them."""

from __future__ import annotations

import sqlite3
from datetime import timedelta
from typing import cast
from unittest.mock import Mock

import pytest
from argon2.exceptions import VerifyMismatchError
from sqlalchemy import update
from starlette.testclient import TestClient
from starlette.types import ASGIApp

from app import settings
from app.db.base import now
from app.db.models import LoginSession
from app.domain.people import Role
from app.services import accounts, invitations, passwords
from tests.api.signing_in import HERE, PASSWORD, running, says
from tests.world import World


@pytest.fixture
def site(sqlite_url, tmp_path, cheap_hashes):
    world = World(sqlite_url, tmp_path)
    world.make_project(train=2)
    with running(world, tmp_path) as made:
        made.add("Ada")
        yield made
    world.close()


def test_login__leads_to_where_one_wanted_to_go(site):
    browser = site.browser()
    asked = browser.get("/label?project=1")
    assert (asked.status_code, asked.headers["location"]) == (303, "/login?next=/label%3Fproject%3D1")
    form = browser.get(asked.headers["location"])
    assert form.status_code == 200
    entered = browser.sign_in("Ada", to="?next=/label%3Fproject%3D1")
    assert (entered.status_code, entered.headers["location"]) == (303, "/label?project=1")
    assert browser.get("/label?project=1").status_code == 200


def test_login__never_leads_to_another_site(site):
    for address in ("//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)", "/%0a/x"):
        entered = site.browser().sign_in("Ada", to=f"?next={address}")
        assert entered.headers["location"] == "/", address


def test_login__says_the_same_of_a_wrong_name_and_a_wrong_password(site):
    site.add("Bo")
    with site.world.writing() as uow:
        accounts.deactivate(uow, accounts.account_named(uow, "Bo").id)
    replies = [site.browser().sign_in(*who) for who in (("Ada", "wrong"), ("Nobody", PASSWORD), ("Bo", PASSWORD))]
    assert {reply.status_code for reply in replies} == {401}
    assert {says(reply) for reply in replies} == {says(replies[0])}
    assert 'role="alert"' in replies[0].text
    assert all("set-cookie" not in reply.headers for reply in replies)


def test_login__what_was_typed_cannot_become_part_of_the_page(site):
    reply = site.browser().sign_in('"><script>alert(1)</script>', "wrong")
    assert "<script>" not in reply.text


def test_login__the_cookie_is_out_of_reach_of_scripts_and_of_other_sites(site):
    cookie = site.browser().sign_in("Ada").headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Path=/" in cookie
    assert "Secure" not in cookie
    assert "Secure" in site.browser("https://localhost").sign_in("Ada").headers["set-cookie"]


def test_login__the_cookie_is_for_https_alone_if_people_are_told_such_an_address(sqlite_url, tmp_path, cheap_hashes):
    world = World(sqlite_url, tmp_path)
    with running(world, tmp_path, PUBLIC_URL="https://label.example.org") as site:
        site.add("Ada")
        assert "Secure" in site.browser().sign_in("Ada").headers["set-cookie"]
    world.close()


def test_login__nobody_waits_for_the_database_while_a_password_is_compared(site, monkeypatch):
    def verify(_kept, _password):
        with sqlite3.connect(site.world.database.engine.url.database, timeout=0.1) as other:
            other.execute("BEGIN IMMEDIATE")
        raise VerifyMismatchError

    monkeypatch.setattr(passwords, "_hasher", Mock(wraps=passwords._hasher, verify=verify))
    assert site.browser().sign_in("Ada").status_code == 401


def test_login__every_login_has_a_new_secret_and_ends_the_old_session_of_the_browser(site):
    browser = site.signed_in("Ada")
    first = browser.secret
    browser.sign_in("Ada")
    assert browser.secret != first
    assert site.runtime.callers.of(first) is None


def test_login__takes_no_secret_that_the_browser_brought_along(site):
    browser = site.browser()
    browser.cookies.set("ssmae_session", "chosen-by-somebody-else")
    assert "chosen-by-somebody-else" not in browser.sign_in("Ada").headers["set-cookie"]
    assert site.runtime.callers.of("chosen-by-somebody-else") is None


def test_login__too_many_tries_of_a_name_have_to_wait_even_with_the_right_password(site):
    for _ in range(10):
        assert site.browser().sign_in("Ada", "wrong").status_code == 401
    reply = site.browser().sign_in("ada ")
    assert reply.status_code == 429
    assert 0 < int(reply.headers["retry-after"]) <= 600
    assert "Too many tries" in says(reply)


def test_login__a_stranger_who_guesses_locks_nobody_out_elsewhere(site):
    for _ in range(11):
        site.browser().sign_in("Ada", "wrong")
    form = {"name": "Ada", "password": PASSWORD}
    with TestClient(site.app, base_url=HERE, client=("198.51.100.9", 1), follow_redirects=False) as elsewhere:
        assert elsewhere.post("/login", data=form).status_code == 303


def test_login__too_many_tries_from_one_place_have_to_wait_whoever_they_try(site):
    replies = [site.browser().sign_in(f"name {number}", "wrong").status_code for number in range(61)]
    assert replies == [401] * 60 + [429]


def test_login__another_sites_form_is_refused(site):
    browser = site.browser()
    for headers in ({"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        data = {"name": "Ada", "password": PASSWORD}
        assert browser.post("/login", data=data, headers=headers).status_code == 403


def test_login__that_is_no_form_is_refused(site):
    browser = site.browser()
    assert browser.post("/login", content=b"&" * 1000).status_code in {400, 401}
    assert browser.post("/login", content=b"\xff\x00").status_code in {400, 401}
    assert browser.post("/login", content=b"x" * 20_000).status_code == 413


def test_logout__ends_the_session_for_good(site):
    browser = site.signed_in("Ada")
    secret = browser.secret
    assert browser.post("/logout").status_code == 403
    assert browser.get("/").status_code == 200
    assert "Sign out?" in says(browser.get("/logout"))
    reply = browser.post("/logout", data={"csrf": browser.csrf})
    assert (reply.status_code, reply.headers["location"]) == (303, "/login")
    browser.cookies.set("ssmae_session", secret)
    assert browser.get("/").status_code == 303


def test_one_time_password__must_be_changed_before_anything_else(site):
    with site.world.writing() as uow:
        accounts.add(uow, "New", Role.ADMIN, password="one-time-only", is_one_time=True)
    browser = site.browser()
    entered = browser.sign_in("New", "one-time-only")
    assert entered.headers["location"].startswith("/password")
    assert browser.get("/").headers["location"] == "/password"
    assert browser.get("/api/openapi.json").status_code == 403
    assert browser.get("/img/1").status_code == 403
    data = {"csrf": browser.csrf, "old": "one-time-only", "new": PASSWORD, "again": PASSWORD}
    assert browser.post("/password", data=data).status_code == 303
    assert browser.get("/").status_code == 200
    assert site.browser().sign_in("New", "one-time-only").status_code == 401


def test_password__a_change_signs_all_other_browsers_out(site):
    here, elsewhere = site.signed_in("Ada"), site.signed_in("Ada")
    old_secret = here.secret
    data = {"csrf": here.csrf, "old": PASSWORD, "new": "another good one", "again": "another good one"}
    assert here.post("/password", data=data).status_code == 303
    assert here.secret != old_secret
    assert here.get("/").status_code == 200
    assert elsewhere.get("/").status_code == 303
    assert site.runtime.callers.of(old_secret) is None


def test_password__says_what_is_wrong_and_changes_nothing(site):
    browser = site.signed_in("Ada")
    good = {"csrf": browser.csrf, "old": PASSWORD, "new": "another good one", "again": "another good one"}
    for wrong, said in [
        ({"old": "wrong"}, "present password is not right"),
        ({"again": "different"}, "differ"),
        ({"new": "short", "again": "short"}, "at least 10"),
        ({"csrf": "wrong"}, "out of date"),
        ({"csrf": ""}, "out of date"),
    ]:
        reply = browser.post("/password", data=good | wrong)
        assert reply.status_code in {403, 422}
        assert said in says(reply)
    assert site.signed_in("Ada")


def test_password__the_present_one_cannot_be_guessed_from_a_stolen_session(site):
    browser = site.signed_in("Ada")
    data = {"csrf": browser.csrf, "old": "wrong", "new": "another good one", "again": "another good one"}
    statuses = [browser.post("/password", data=data).status_code for _ in range(11)]
    assert statuses == [422] * 10 + [429]


def test_invitation__makes_an_account_and_signs_in(site):
    with site.world.writing() as uow:
        secret = invitations.invite(uow, Role.ANNOTATOR, [site.world.project_id])
    browser = site.browser()
    assert "You are invited" in says(browser.get(f"/invitation/{secret}"))
    data = {"name": "Cy", "new": PASSWORD, "again": PASSWORD}
    assert "taken" in says(browser.post(f"/invitation/{secret}", data=data | {"name": "Ada"}))
    entered = browser.post(f"/invitation/{secret}", data=data)
    assert (entered.status_code, entered.headers["location"]) == (303, "/")
    assert browser.get("/").status_code == 200
    again = site.browser().post(f"/invitation/{secret}", data=data | {"name": "Di"})
    assert again.status_code == 404
    assert "used already" in says(again)


def test_invitation__that_was_made_up_says_so(site):
    reply = site.browser().get("/invitation/made-up")
    assert reply.status_code == 404
    assert "ask for a new one" in says(reply)


def test_session__that_ran_out_leads_back_to_the_login(site):
    browser = site.signed_in("Ada")
    with site.world.writing() as uow:
        uow.session.execute(update(LoginSession).values(expires_at=now() - timedelta(seconds=1)))
    site.runtime.callers.forget()
    assert browser.get("/").headers["location"] == "/login"
    reply = browser.change("POST", "/api/annotations", json={})
    assert reply.status_code == 401
    assert "kept" in reply.json()["error"]


def test_pages__say_what_they_are_to_a_screen_reader_and_load_nothing_from_elsewhere(site):
    for reply in (site.browser().get("/login"), site.browser().sign_in("Ada", "wrong")):
        assert '<html lang="en">' in reply.text
        for name in ("name", "password"):
            assert f'<label for="{name}">' in reply.text
        assert "//" not in reply.text.replace("<!doctype html>", "")
        assert "no-store" in reply.headers["cache-control"]
    assert site.browser().get("/login/style.css").headers["content-type"].startswith("text/css")


def test_proxy__is_believed_only_if_it_is_named(sqlite_url, tmp_path):
    """Whoever could say themselves where they come from would never have to wait."""
    from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

    seen = []

    async def app(scope, _receive, send):
        seen.append((scope["scheme"], scope["client"][0]))
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    headers = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"}
    for trusted in ("10.0.0.0/8", "192.0.2.7"):
        loaded = settings.load({"DATA_DIR": str(tmp_path), "TRUSTED_PROXIES": f" {trusted} , 10.1.1.1"})
        assert loaded.trusted_proxies is not None
        inner = ProxyHeadersMiddleware(app, trusted_hosts=loaded.trusted_proxies)
        TestClient(cast("ASGIApp", inner), client=("192.0.2.7", 1)).get("/", headers=headers)
    assert seen == [("http", "192.0.2.7"), ("https", "203.0.113.9")]
    assert settings.load({"DATA_DIR": str(tmp_path)}).trusted_proxies is None
