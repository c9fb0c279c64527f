"""Labelling where people sign in: a login that ends costs no answer, and nobody answers in another's name."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import delete

from app.db.models import LoginSession
from app.domain.labels import Action
from app.domain.people import Role
from app.services import accounts
from tests.browser.conftest import Labeller, project, running
from tests.browser.test_outbox import ANSWERS, away, kept, wait_kept

PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
def closed_server(tmp_path_factory):
    """A server that lets nobody in without an account."""
    with running(tmp_path_factory.mktemp("closed"), no_auth=False) as made:
        yield made


@pytest.fixture
def shared(closed_server, tmp_path):
    """A project that Ada and Bob may label."""
    with project(closed_server, tmp_path) as made:
        with made.world.writing() as uow:
            for name in ("Ada", "Bob"):
                shown = f"{name} {made.world.project_id}"
                accounts.add(uow, shown, Role.ANNOTATOR, password=PASSWORD, project_ids=[made.world.project_id])
        yield made


@pytest.fixture
def tab(chromium):
    """One tab of a browser of its own."""
    with chromium.new_context(viewport={"width": 1280, "height": 900}) as context:
        yield Labeller(context.new_page(), [])


def sign_in(labeller, site, name):
    """Fill in the form that is shown."""
    labeller.page.get_by_label("Name").fill(f"{name} {site.world.project_id}")
    labeller.page.get_by_label("Password").fill(PASSWORD)
    labeller.page.get_by_role("button", name="Sign in").click()


def by(site, image_id):
    """(action, annotator's name) of every act on an image, oldest first."""
    return [(act.action, name) for act, name in site.world.said(image_id)]


def test_login_that_ends__keeps_the_answers_and_signing_in_again_sends_them(shared, tab):
    tab.page.goto(shared.url.replace("/?", "/label?"))
    sign_in(tab, shared, "Ada")
    first = tab.press("1")
    tab.wait_painted()
    tab.wait_saved()
    with shared.world.writing() as uow:
        uow.session.execute(delete(LoginSession))
    tab.page.wait_for_timeout(2500)  # the server remembers for two seconds who is behind a cookie
    # Streamlit notices when it next has something to say, unless it has had just now.
    tab.page.get_by_text(re.compile("^Test set")).dispatch_event("click")
    tab.page.get_by_text("You are signed out; what you answered is kept.").wait_for()
    tab.page.get_by_role("dialog").wait_for(state="hidden")
    answered = [tab.press("1") for _ in range(3)]
    tab.root.get_by_text("Sign in again: your 3 answers are kept in this browser.").wait_for()
    assert tab.shown() not in answered, "one can go on labelling"
    tab.root.get_by_role("link", name="Sign in").click()
    sign_in(tab, shared, "Ada")
    tab.wait_painted()
    wait_kept(tab.page, 0)
    ada = f"Ada {shared.world.project_id}"
    assert [by(shared, one) for one in [first, *answered]] == [[(Action.LABEL, ada)]] * 4


def test_unsent_answers__of_who_signed_out_wait_and_are_not_signed_by_the_next_person(shared, tab):
    tab.page.goto(shared.url.replace("/?", "/label?"))
    sign_in(tab, shared, "Ada")
    tab.wait_painted()
    away(tab.page)
    answered = [tab.press("1") for _ in range(2)]
    wait_kept(tab.page, 2)
    tab.page.get_by_role("button", name="Sign out").click()
    tab.page.unroute(ANSWERS)
    tab.page.goto(shared.url.replace("/?", "/label?"))
    sign_in(tab, shared, "Bob")
    ada, bob = (f"{name} {shared.world.project_id}" for name in ("Ada", "Bob"))
    tab.page.get_by_text(f"2 answers of {ada} wait in this browser until {ada} signs in.").wait_for()
    his = tab.press("2")
    tab.root.get_by_text("All saved").wait_for()
    tab.page.wait_for_timeout(500)
    assert len(kept(tab.page)) == 2
    assert [by(shared, one) for one in answered if one != his] == [[]] * len([one for one in answered if one != his])
    tab.page.get_by_role("button", name="Sign out").click()
    tab.page.goto(shared.url.replace("/?", "/label?"))
    sign_in(tab, shared, "Ada")
    wait_kept(tab.page, 0)
    assert all((Action.LABEL, ada) in by(shared, one) for one in answered)
    assert (Action.LABEL, bob) in by(shared, his)
