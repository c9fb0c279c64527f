"""The Team page in a real browser: disputes are decided with a key each, in sight of what everybody said."""

from __future__ import annotations

import re

import pytest

from app.domain.labels import Queue
from app.domain.pools import Split
from app.services import flags
from tests.browser.accessibility import barriers
from tests.browser.conftest import Labeller

SECTIONS = ("People", "Agreement", "Disputes", "Flags")


@pytest.fixture
def contested(site):
    """A project with three disputed images and a flag."""
    cat, dog = site.world.class_ids
    disputed = site.world.ids(Split.TRAIN)[-3:]
    for image_id in disputed:
        site.world.answer(image_id, cat, by="Ada", queue=Queue.SELECTION)
        site.world.answer(image_id, dog, by="Ben", queue=Queue.SELECTION)
    ben = site.world.annotator("Ben")
    with site.world.writing() as uow:
        flags.raise_flag(uow, uid=f"f{disputed[0]}", image_id=disputed[0], annotator_id=ben, note="Two animals?")
    return site


@pytest.fixture
def team(page, contested):
    """The Team page of that project."""
    page.goto(contested.url)
    page.get_by_role("link", name="Team", exact=True).click()
    page.get_by_role("heading", name="Team").wait_for()
    return Labeller(page, [])


def test_team__shows_who_answered_what_as_it_is_now(team, site):
    team.page.get_by_text("Selection: 0 of 10 done").wait_for()
    site.world.label(site.world.ids(Split.TRAIN)[:2], by="Ben", queue=Queue.SELECTION)
    team.page.get_by_text("Ben answered 2").wait_for()
    team.page.get_by_text("Selection: 2 of 10 done").wait_for()


def test_disputes__are_decided_by_keys_and_undone(team, site):
    cat = site.world.class_ids[0]
    team.page.get_by_role("radio", name=re.compile("Disputes · 3")).click()
    team.wait_painted()
    opinions = team.root.get_by_role("list", name="What people said")
    assert [one.inner_text().split("\n")[:2] for one in opinions.get_by_role("listitem").all()] == [
        ["cat", "Ada"],
        ["dog", "Ben"],
    ]
    first, second = team.press("1"), team.press("2")
    team.press("u")
    assert team.wait_painted() == second
    team.press("1")
    team.wait_painted()
    team.wait_saved()

    assert [site.world.image(one).label_class_id for one in (first, second)] == [cat, cat]
    assert not site.world.image(first).needs_decision
    decision, _ = site.world.said(first)[-1]
    assert decision.queue is Queue.ADJUDICATION
    team.page.get_by_role("radio", name=re.compile("Disputes · 1")).wait_for()


def test_disputes__as_a_list_open_the_image_with_its_history_where_a_lead_decides(team, site):
    team.page.get_by_role("radio", name=re.compile("Disputes")).click()
    team.page.get_by_role("radio", name="As a list").click()
    card = team.page.locator("section.gallery .card").first
    card.get_by_text("cat (1) · dog (1)").wait_for()
    image_id = int(card.get_attribute("data-image"))
    card.locator(".frame").click()
    dialog = team.page.get_by_role("dialog")
    dialog.get_by_text(re.compile("Ben called it")).wait_for()
    dialog.get_by_role("combobox").click()
    team.page.get_by_role("option", name="dog").click()
    dialog.get_by_role("button", name="Decide").click()
    dialog.wait_for(state="hidden")

    image = site.world.image(image_id)
    assert (image.label_class_id, image.needs_decision) == (site.world.class_ids[1], False)


def test_flags__are_resolved_with_a_click(team):
    team.page.get_by_role("radio", name=re.compile("Flags · 1")).click()
    team.page.get_by_text("Two animals?").wait_for()
    team.page.get_by_role("button", name="Resolve").click()
    team.page.get_by_text("No flag is open.").wait_for()
    team.page.get_by_role("radio", name=re.compile("Flags · 0")).wait_for()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_team__has_no_grave_barrier_in_any_section(chromium, contested, scheme):
    with chromium.new_context(viewport={"width": 1280, "height": 900}, color_scheme=scheme) as context:
        page = context.new_page()
        page.goto(contested.url.replace("/?", "/team?"))
        for section in SECTIONS:
            page.get_by_role("radio", name=re.compile(section)).click()
            # A page that is still fading in is measured half transparent.
            page.wait_for_timeout(1500)
            assert barriers(page) == [], section
        page.get_by_test_id("stMain").get_by_role("button", name="Open", exact=True).click()
        page.get_by_role("dialog").get_by_text(re.compile("Ben called it")).wait_for()
        page.wait_for_timeout(1000)
        assert barriers(page) == []
