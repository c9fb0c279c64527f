"""Whoever sees, hears or points differently can label as well."""

from __future__ import annotations

import pytest

from tests.browser.accessibility import barriers
from tests.browser.conftest import Labeller

STATES = {"plain": "", "reasons": "s", "exclude": "x", "flag": "f", "light": "b", "search": "/", "keys": "?"}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_label_page__has_no_grave_barrier_in_any_state(chromium, site, scheme):
    with chromium.new_context(viewport={"width": 1280, "height": 900}, color_scheme=scheme) as context:
        labeller = Labeller(context.new_page(), [])
        labeller.open(site.url)
        labeller.press("1")
        labeller.wait_painted()
        labeller.wait_saved()
        for state, key in STATES.items():
            if key:
                labeller.page.keyboard.press(key)
            # A page that is still fading in is measured half transparent.
            labeller.page.wait_for_timeout(300)
            assert barriers(labeller.page) == [], state
            labeller.page.keyboard.press("Escape")


def test_screen_reader__hears_what_was_answered_and_that_it_is_saved(labeller):
    labeller.press("1")
    last = labeller.root.locator(".last")
    assert (last.get_attribute("aria-live"), last.inner_text()) == ("polite", "Last answer: cat")
    labeller.root.get_by_role("status").filter(has_text="cat – saved.").wait_for()
    labeller.page.keyboard.press("u")
    assert last.inner_text() == "Taken back."


def test_keyboard__alone_goes_through_answers_in_their_order_and_presses_them(labeller):
    first = labeller.wait_painted()
    labeller.root.evaluate("root => root.querySelector('.classes button').focus()")
    names = []
    for _ in range(4):
        names.append(labeller.root.evaluate("root => root.getRootNode().activeElement.title"))
        labeller.page.keyboard.press("Tab")
    assert names == ["cat", "dog", "Skip", "Skip because…"]
    outline = "root => getComputedStyle(root.getRootNode().activeElement).outlineStyle"
    assert labeller.root.evaluate(outline) == "solid"
    labeller.page.keyboard.press("Space")
    assert labeller.wait_painted() != first
    assert labeller.root.locator(".last").inner_text() == "Last answer: not sure"


def test_tablet__has_targets_that_a_finger_hits_and_no_sideways_scrolling(chromium, site):
    with chromium.new_context(viewport={"width": 820, "height": 1180}, has_touch=True, is_mobile=True) as context:
        labeller = Labeller(context.new_page(), [])
        labeller.page.goto(site.url.replace("/?", "/label?"))
        labeller.wait_painted()
        sizes = labeller.root.evaluate(
            "root => [...root.querySelectorAll('button')].filter((one) => one.offsetParent)"
            ".map((one) => [one.title || one.textContent, one.getBoundingClientRect().height])"
        )
        assert [one for one in sizes if one[1] < 40] == []
        assert labeller.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        first = labeller.shown()
        labeller.root.get_by_role("button", name="dog").tap()
        assert labeller.wait_painted() != first


def test_hint__is_shown_until_somebody_has_read_it_and_then_in_no_browser(chromium, labeller, site):
    hint = labeller.root.get_by_text("Press the key beside a class")
    hint.wait_for()
    with labeller.page.expect_response("**/api/preferences*"):
        labeller.root.get_by_role("button", name="Got it").click()
    assert hint.count() == 0
    with chromium.new_context() as context:
        other = Labeller(context.new_page(), [])
        with other.page.expect_response("**/api/preferences*"):
            other.open(site.url)
        other.page.wait_for_timeout(100)
        assert other.root.get_by_text("Press the key beside a class").count() == 0
