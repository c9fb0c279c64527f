"""Labelling with the keyboard in a real browser, checked in the database."""

from __future__ import annotations

import pytest

from app.domain.labels import Action, Queue
from app.domain.pools import Pool
from app.services import queues
from tests.browser.test_outbox import wait_kept


def said(site, image_id):
    """(action, class, stands) of every act on an image, oldest first."""
    return [(act.action, act.class_id, act.superseded_at is None) for act, _ in site.world.said(image_id)]


def test_keys__label_skip_undo_and_exclude_reach_the_database(site, labeller):
    cat, dog = site.world.class_ids
    first, second, third = labeller.press("1"), labeller.press("2"), labeller.press("Space")
    assert labeller.press("u") not in {first, second, third}
    assert labeller.wait_painted() == third
    labeller.press("Backspace")
    assert labeller.wait_painted() == second
    labeller.press("1")
    assert labeller.press("x") == third
    labeller.page.keyboard.press("Escape")
    assert labeller.press("2") == third
    fourth = labeller.press("x")
    labeller.page.keyboard.press("x")
    labeller.wait_painted()
    labeller.wait_saved()
    assert said(site, first) == [(Action.LABEL, cat, True)]
    assert said(site, second)[-1] == (Action.LABEL, cat, True)
    assert said(site, third)[-1] == (Action.LABEL, dog, True)
    assert site.world.image(fourth).pool is Pool.EXCLUDED
    assert labeller.troubles == []


def test_keys__of_ten_a_second_none_is_lost_and_each_hits_another_image(site, labeller):
    with site.world.reading() as uow:
        asked = [
            one.image_id
            for one in queues.next_images(uow, site.world.project_id, Queue.SELECTION, site.world.annotator("you"))
        ]
    answered = [labeller.press("12"[n % 2]) for n in range(10)]
    labeller.root.get_by_text("This queue is finished").wait_for()
    labeller.wait_saved()
    assert answered == asked
    cat, dog = site.world.class_ids
    assert [site.world.image(one).label_class_id for one in answered] == [cat, dog] * 5
    seconds = [site.world.said(one)[-1][0].seconds for one in answered]
    assert all(one is not None and 0 < one < 60 for one in seconds)


def test_reload__goes_on_where_one_was_and_still_takes_back(site, labeller):
    first = labeller.press("1")
    labeller.wait_painted()
    labeller.wait_saved()
    labeller.page.reload()
    assert labeller.wait_painted() != first
    labeller.page.keyboard.press("u")
    labeller.root.get_by_text("Taken back.").wait_for()
    assert labeller.wait_painted() == first
    assert site.world.image(first).pool is Pool.UNLABELLED


def test_undo__whose_reply_was_lost_takes_back_one_answer_only(site, labeller):
    def lose_the_reply(route):
        route.fetch()
        route.abort()

    first, second = labeller.press("1"), labeller.press("1")
    labeller.wait_painted()
    labeller.wait_saved()
    labeller.page.reload()
    labeller.wait_painted()
    labeller.page.route("**/api/undo", lose_the_reply, times=1)
    labeller.page.keyboard.press("u")
    labeller.root.get_by_text("Whether something was taken back is not known yet").wait_for()
    labeller.page.keyboard.press("u")
    labeller.root.get_by_text("Taken back.").wait_for()
    assert labeller.wait_painted() == second
    assert site.world.image(first).pool is Pool.LABELLED
    assert site.world.image(second).pool is Pool.UNLABELLED


@pytest.mark.parametrize("is_sent", [True, False], ids=["sent", "unsent"])
def test_undo__of_an_answer_from_another_queue_says_so_and_does_not_show_its_image_here(site, labeller, is_sent):
    labeller.switch(Queue.VALIDATION)
    if not is_sent:
        labeller.page.context.route("**/api/annotations", lambda route: route.abort())
    elsewhere = labeller.press("1")
    labeller.wait_painted()
    if is_sent:
        labeller.wait_saved()
    wait_kept(labeller.page, 0 if is_sent else 1)
    labeller.open(site.url)
    labeller.root.locator(".status.saved" if is_sent else ".status.trouble").wait_for()
    here = labeller.wait_painted()
    assert here != elsewhere
    labeller.page.keyboard.press("u")
    labeller.root.get_by_text("was given in another place (validation); it is taken back").wait_for()
    assert labeller.wait_painted() == here
    labeller.page.context.unroute("**/api/annotations")
    labeller.wait_saved()
    assert site.world.image(elsewhere).label_class_id is None


def test_server__that_is_away_for_a_while_costs_no_answer(site, labeller):
    labeller.page.route("**/api/annotations", lambda route: route.abort())
    answered = [labeller.press("1") for _ in range(4)]
    labeller.root.locator(".status.trouble").wait_for()
    assert "4 unsent" in labeller.root.locator(".status").inner_text()
    assert site.world.image(answered[0]).pool is Pool.UNLABELLED
    labeller.page.unroute("**/api/annotations")
    labeller.wait_saved()
    assert [site.world.image(one).pool for one in answered] == [Pool.LABELLED] * 4


def test_answer__that_was_stored_but_not_acknowledged_is_stored_once(site, labeller):
    def lose_the_reply(route):
        route.fetch()
        route.abort()

    labeller.page.route("**/api/annotations", lose_the_reply, times=1)
    # An event, not the words on the page, which a second try may already have replaced.
    with labeller.page.expect_event("requestfailed"):
        answered = labeller.press("1")
    labeller.wait_saved()
    assert len(said(site, answered)) == 1


def test_key__is_refused_while_the_image_is_not_painted(site, labeller):
    labeller.page.route("**/img/**", lambda route: None)
    labeller.page.reload()
    labeller.root.wait_for()
    labeller.page.wait_for_function("root => root.dataset.image", arg=labeller.root.element_handle())
    shown = labeller.shown()
    labeller.page.keyboard.press("1")
    assert labeller.shown() == shown
    assert labeller.root.locator(".status").inner_text() == "All saved"


def test_key__held_down_answers_once(site, labeller):
    first = labeller.wait_painted()
    labeller.page.keyboard.down("1")
    for _ in range(5):
        labeller.page.keyboard.down("1")
    labeller.page.keyboard.up("1")
    second = labeller.wait_painted()
    assert second != first
    labeller.wait_saved()
    assert site.world.image(second).pool is Pool.UNLABELLED


def test_key__in_a_text_field_is_text(site, labeller):
    shown = labeller.wait_painted()
    field = labeller.page.get_by_label("You label as", exact=True)
    field.click()
    labeller.page.keyboard.type("12sux")
    assert labeller.shown() == shown
    assert said(site, shown) == []


def test_mouse__buttons_do_what_the_keys_do_and_leave_the_keyboard_usable(site, labeller):
    first = labeller.wait_painted()
    labeller.root.get_by_role("button", name="dog").click()
    second = labeller.wait_painted()
    labeller.page.keyboard.press("Space")
    labeller.wait_painted()
    labeller.wait_saved()
    assert said(site, first) == [(Action.LABEL, site.world.class_ids[1], True)]
    assert said(site, second) == [(Action.SKIP, None, True)]


def test_zoom__small_images_are_crisp_until_one_asks_for_smooth(labeller):
    labeller.wait_painted()
    picture = labeller.root.locator(".stage img")
    assert picture.evaluate("one => one.style.imageRendering") == "pixelated"
    assert picture.evaluate("one => one.width % one.naturalWidth") == 0
    labeller.page.keyboard.press("z")
    assert picture.evaluate("one => one.style.imageRendering") == "auto"
    labeller.page.keyboard.press("z")


def test_queue__counts_follow_the_answers(labeller):
    labeller.press("1")
    labeller.press("1")
    labeller.page.get_by_text("Selection · 8").wait_for()
    assert "8 left" in labeller.root.locator(".count").inner_text()
