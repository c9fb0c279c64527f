"""Several people at one queue: no image for two of them, and nobody waits for who has gone."""

from __future__ import annotations

import re

import pytest

from app.db.models import ImageLease
from tests.browser.conftest import Labeller


@pytest.fixture
def open_as(chromium, site):
    """Call it with a name: a browser of this person, on the labelling page."""
    contexts = []

    def opened(name):
        contexts.append(chromium.new_context(viewport={"width": 1280, "height": 900}))
        labeller = Labeller(contexts[-1].new_page(), [])
        labeller.page.goto(f"{site.url.replace('/?', '/label?')}&as={name}")
        labeller.root.wait_for()
        return labeller

    yield opened
    for context in contexts:
        context.close()


def held(site):
    """(image, person) of every lease."""
    with site.world.reading() as uow:
        leases = uow.session.query(ImageLease).where(ImageLease.project_id == site.world.project_id)
        return [(one.image_id, one.annotator_id) for one in leases]


def test_two_people__are_never_asked_about_the_same_image(site, open_as):
    ada, bob = open_as("Ada"), open_as("Bob")
    ada.wait_painted()
    bob.wait_painted()
    seen = [labeller.press("1") for _ in range(3) for labeller in (ada, bob)]
    assert len(set(seen)) == 6
    assert len({image for image, _ in held(site)}) == len(held(site))


def test_empty_queue__says_who_has_the_rest_and_they_come_back_when_that_tab_closes(site, open_as):
    ada = open_as("Ada")
    ada.wait_painted()
    bob = open_as("Bob")
    while bob.page.evaluate("root => root.dataset.state === 'image'", bob.root.element_handle()):
        bob.press("1")
        bob.page.wait_for_timeout(400)
    bob.root.get_by_text("Nothing is left for you").wait_for()
    text = bob.root.locator(".message").inner_text()
    assert re.search(r"\d images are with Ada\. What is not answered comes back within \d+ s", text)
    ada.page.close()
    bob.wait_painted()


def test_image__that_somebody_else_took_meanwhile_is_dropped(site, open_as):
    ada = open_as("Ada")
    lost = ada.wait_painted()
    bob = site.world.annotator("Bob")
    with site.world.writing() as uow:
        for lease in uow.session.query(ImageLease).where(ImageLease.image_id == lost):
            lease.annotator_id = bob
            lease.tab = "elsewhere"
    ada.page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")
    ada.root.get_by_text("has gone to somebody else meanwhile").wait_for()
    assert ada.wait_painted() != lost
