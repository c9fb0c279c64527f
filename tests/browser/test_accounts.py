"""People who sign in, label and sign out: a login that ends costs no answer, and nobody answers for another."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import delete

from app.db.models import LoginSession
from app.domain.people import Role
from app.services import accounts, invitations
from tests.browser.accessibility import barriers
from tests.browser.conftest import Labeller, project, running
from tests.browser.test_outbox import ANSWERS, away, kept, wait_kept

PASSWORD = "four blue paper boats"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    """A server with accounts."""
    with running(tmp_path_factory.mktemp("guarded"), no_auth=False) as made:
        yield made


@pytest.fixture
def site(guarded, tmp_path):
    """A project of the test's own."""
    with project(guarded, tmp_path) as made:
        yield made


@pytest.fixture
def add(site):
    """Somebody who sees the project; gives back their name."""

    def make(name, role=Role.ANNOTATOR):
        name = f"{name} {site.world.project_id}"
        with site.world.writing() as uow:
            accounts.add(uow, name, role, password=PASSWORD, project_ids=[site.world.project_id])
        return name

    return make


@pytest.fixture
def page(chromium):
    with chromium.new_context(viewport={"width": 1280, "height": 900}) as context:
        yield context.new_page()


def sign_in(page, name, password=PASSWORD):
    """Fill the form in, and wait for what follows."""
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(password)
    with page.expect_navigation():
        page.get_by_role("button", name="Sign in").click()


def label(page, site) -> Labeller:
    """The labelling page of whoever is signed in."""
    page.goto(site.url.replace("/?", "/label?"))
    made = Labeller(page, [])
    made.wait_painted()
    return made


def said(site, image_id):
    """Who said something of an image, oldest first."""
    return [name for _, name in site.world.said(image_id)]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_login_pages__have_no_grave_barrier(chromium, site, add, scheme):
    with site.world.writing() as uow:
        secret = invitations.invite(uow, Role.LEAD)
    with chromium.new_context(color_scheme=scheme) as context:
        page = context.new_page()
        page.goto(site.url)
        assert barriers(page) == []
        sign_in(page, add("Ada"), "wrong")
        assert page.get_by_role("alert").inner_text() == "The name or the password is not right."
        assert page.evaluate("document.activeElement.id") == "password"
        assert barriers(page) == []
        page.goto(f"{site.url.split('/?')[0]}/invitation/{secret}")
        assert barriers(page) == []


def test_login_pages__work_without_javascript(chromium, site):
    with site.world.writing() as uow:
        secret = invitations.invite(uow, Role.ANNOTATOR, [site.world.project_id])
    base = site.url.split("/?")[0]
    with chromium.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(f"{base}/invitation/{secret}")
        page.get_by_label("Your name").fill(f"Cy {site.world.project_id}")
        page.get_by_label("New password", exact=True).fill(PASSWORD)
        page.get_by_label("New password again").fill(PASSWORD)
        page.get_by_role("button", name="Make the account").click()
        page.goto(f"{base}/logout")
        page.get_by_role("button", name="Sign out").click()
        sign_in(page, f"Cy {site.world.project_id}")
        assert page.url.rstrip("/") == base


def test_login__leads_to_the_page_that_was_asked_for_and_answers_carry_the_name(site, add, page):
    ada = add("Ada")
    page.goto(site.url.replace("/?", "/label?"))
    sign_in(page, ada)
    labeller = Labeller(page, [])
    answered = labeller.press("1")
    labeller.wait_saved()
    assert said(site, answered) == [ada]
    assert page.get_by_text("You label as").count() == 0


def test_sign_out__in_the_side_bar_ends_the_session(site, add, page):
    page.goto(site.url)
    sign_in(page, add("Ada"))
    page.get_by_role("button", name="Sign out").click()
    page.get_by_label("Password").wait_for()
    page.goto(site.url)
    assert "/login?next=" in page.url


@pytest.mark.slow
def test_revocation__ends_a_page_that_is_open_at_the_next_click(site, add, page):
    ada = add("Ada")
    page.goto(site.url)
    sign_in(page, ada)
    label(page, site)
    with site.world.writing() as uow:
        accounts.deactivate(uow, accounts.account_named(uow, ada).id)
    page.wait_for_timeout(2500)
    page.get_by_role("link", name="Images").click()
    page.get_by_role("link", name="Sign in").first.wait_for()
    assert page.get_by_text("Everything that was imported").count() == 0


def test_login_that_ends__keeps_the_answers_and_signing_in_again_sends_them(site, add, page):
    ada, tab = add("Ada"), Labeller(page, [])
    page.goto(site.url.replace("/?", "/label?"))
    sign_in(page, ada)
    first = tab.press("1")
    tab.wait_painted()
    tab.wait_saved()
    with site.world.writing() as uow:
        uow.session.execute(delete(LoginSession))
    page.wait_for_timeout(2500)  # the server remembers for two seconds who is behind a cookie
    # Streamlit notices when it next has something to say, unless it has had just now.
    page.get_by_text(re.compile("^Test set")).dispatch_event("click")
    page.get_by_text("You are signed out; what you answered is kept.").wait_for()
    page.get_by_role("dialog").wait_for(state="hidden")
    answered = [tab.press("1") for _ in range(3)]
    tab.root.get_by_text("Sign in again: your 3 answers are kept in this browser.").wait_for()
    assert tab.shown() not in answered, "one can go on labelling"
    tab.root.get_by_role("link", name="Sign in").click()
    sign_in(page, ada)
    tab.wait_painted()
    wait_kept(page, 0)
    assert [said(site, one) for one in [first, *answered]] == [[ada]] * 4


def test_unsent_answers__of_who_signed_out_wait_and_are_not_signed_by_the_next_person(site, add, page):
    ada, bob, tab = add("Ada"), add("Bob"), Labeller(page, [])
    page.goto(site.url.replace("/?", "/label?"))
    sign_in(page, ada)
    tab.wait_painted()
    away(page)
    answered = [tab.press("1") for _ in range(2)]
    wait_kept(page, 2)
    page.get_by_role("button", name="Sign out").click()
    page.unroute(ANSWERS)
    page.goto(site.url.replace("/?", "/label?"))
    sign_in(page, bob)
    page.get_by_text(f"2 answers of {ada} wait in this browser until {ada} signs in.").wait_for()
    his = tab.press("2")
    tab.root.get_by_text("All saved").wait_for()
    page.wait_for_timeout(500)
    assert len(kept(page)) == 2
    assert all(said(site, one) == [] for one in answered if one != his)
    page.get_by_role("button", name="Sign out").click()
    page.goto(site.url.replace("/?", "/label?"))
    sign_in(page, ada)
    wait_kept(page, 0)
    assert all(ada in said(site, one) for one in answered)
    assert bob in said(site, his)
