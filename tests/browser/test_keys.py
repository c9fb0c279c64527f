"""Every person's own keys, finding a class among many, and all the other answers."""

from __future__ import annotations

import pytest

from app.db.models import ImageFlag
from app.domain.labels import Action
from app.services import projects
from tests.browser.conftest import Labeller


@pytest.fixture
def mine(chromium, site):
    """A tab of somebody whose keys no other test shares."""
    with chromium.new_context(viewport={"width": 1280, "height": 900}) as context:
        made = Labeller(context.new_page(), [])
        made.open(f"{site.url}&as=keys-{site.world.project_id}")
        yield made


def acts(site, image_id):
    """(action, class, note) of every act on an image, oldest first."""
    return [(act.action, act.class_id, act.note) for act, _ in site.world.said(image_id)]


def open_keys(labeller):
    """The dialog with all keys."""
    labeller.page.keyboard.press("?")
    return labeller.root.get_by_role("dialog", name="Keys")


def saved(labeller):
    """Wait until the server has been told what the person likes."""
    return labeller.page.expect_response(lambda one: "preferences" in one.url and one.request.method == "PUT")


def test_keys__are_changed_by_pressing_them_and_follow_the_person_to_another_browser(chromium, site, mine):
    cat, dog = site.world.class_ids
    dialog = open_keys(mine)
    dialog.get_by_role("button", name="cat: 1").click()
    mine.page.keyboard.press("u")
    dialog.get_by_text("u is taken: take the last answer back").wait_for()
    with saved(mine):
        mine.page.keyboard.press("2")
    dialog.get_by_text("2 chooses cat; it was dog's, and dog has 1 now.").wait_for()
    mine.page.keyboard.press("Escape")
    first = mine.press("2")
    mine.wait_saved()
    assert acts(site, first) == [(Action.LABEL, cat, None)]
    with chromium.new_context() as context:
        other = Labeller(context.new_page(), [])
        with other.page.expect_response("**/api/preferences*"):
            other.open(f"{site.url}&as=keys-{site.world.project_id}")
        other.root.locator(".classes kbd").first.filter(has_text="2").wait_for()
        second = other.press("1")
        other.wait_saved()
        assert acts(site, second) == [(Action.LABEL, dog, None)]


def test_layout__for_the_left_hand_and_the_number_pad(site, mine):
    dialog = open_keys(mine)
    dialog.get_by_role("radio", name="Left hand").check()
    mine.page.keyboard.press("Escape")
    first = mine.press("1")
    mine.wait_painted()
    mine.page.keyboard.press("z")
    assert mine.wait_painted() == first
    open_keys(mine).get_by_role("radio", name="Number pad").check()
    mine.page.keyboard.press("Escape")
    mine.press("2")
    mine.wait_painted()
    mine.page.keyboard.press("-")
    assert mine.wait_painted() == first
    mine.press(".")
    mine.wait_painted()
    mine.wait_saved()
    assert acts(site, first)[-1] == (Action.SKIP, None, None)


def test_reasons__skip_with_one_more_key_and_escape_keeps_the_image(site, mine):
    first = mine.press("s")
    mine.root.get_by_role("button", name="no class fits").wait_for()
    mine.page.keyboard.press("Escape")
    assert mine.wait_painted() == first
    mine.page.keyboard.press("s")
    mine.page.keyboard.press("2")
    second = mine.wait_painted()
    assert second != first
    mine.page.keyboard.press("w")
    mine.wait_painted()
    mine.wait_saved()
    assert acts(site, first) == [(Action.SKIP, None, "no class fits")]
    assert acts(site, second) == [(Action.UNSURE, None, None)]


def test_flag__is_a_word_to_the_leads_and_the_image_stays(site, mine):
    first = mine.press("f")
    mine.page.keyboard.press("Enter")
    mine.root.get_by_text("Say it in a few words.").wait_for()
    mine.page.keyboard.type("1 cat, 2 dogs")
    mine.page.keyboard.press("Enter")
    assert mine.wait_painted() == first
    mine.wait_saved()
    with site.world.reading() as uow:
        flags = [(one.image_id, one.note) for one in uow.session.query(ImageFlag) if one.image_id == first]
    assert flags == [(first, "1 cat, 2 dogs")]
    assert acts(site, first) == []


def test_double_click__answers_once(site, mine):
    first = mine.wait_painted()
    mine.root.get_by_role("button", name="dog").dblclick()
    second = mine.wait_painted()
    mine.wait_saved()
    assert first != second
    assert len(acts(site, first)) == 1
    assert acts(site, second) == []


def test_quick_clicks__on_one_class_each_answer_the_image_they_find(site, mine):
    dog = mine.root.get_by_role("button", name="dog").bounding_box()
    x, y = dog["x"] + dog["width"] / 2, dog["y"] + dog["height"] / 2
    mine.page.mouse.move(x, y)
    answered = []
    for click in range(1, 5):
        answered.append(mine.wait_painted())
        mine.page.wait_for_timeout(300)
        # A browser counts on while clicks follow each other within its double click time.
        mine.page.mouse.down(click_count=click)
        mine.page.mouse.up(click_count=click)
    mine.wait_saved()
    assert [len(acts(site, one)) for one in dict.fromkeys(answered)] == [1, 1, 1, 1]


def test_search__finds_by_a_few_letters_and_offers_what_was_chosen_lately(site, mine):
    with site.world.writing() as uow:
        for name in ["sea horse", "sea lion", "Käfer", *(f"class {n}" for n in range(40))]:
            projects.add_class(uow, site.world.project_id, name)
    mine.page.reload()
    mine.wait_painted()
    for letters, name in (("slio", "sea lion"), ("kaf", "Käfer"), ("HORSE", "sea horse")):
        mine.page.keyboard.press("/")
        mine.page.keyboard.type(letters)
        found = mine.root.get_by_role("option", selected=True)
        assert found.locator("span").inner_text() == name
        mine.page.keyboard.press("Enter")
        mine.wait_painted()
        assert mine.root.locator(".last").inner_text() == f"Last answer: {name}"
    lately = mine.root.get_by_role("group", name="Classes that you chose lately")
    assert lately.get_by_role("button").evaluate_all("all => all.map((one) => one.title)") == [
        "sea horse",
        "sea lion",
        "Käfer",
    ]
    mine.page.keyboard.press("/")
    first = mine.root.get_by_role("option", selected=True).locator("span")
    assert first.inner_text() == "sea horse"
    mine.page.keyboard.type("qqq")
    mine.root.get_by_text("No class has these letters").wait_for()
    shown = mine.shown()
    mine.page.keyboard.press("Enter")
    mine.page.keyboard.press("Escape")
    assert mine.shown() == shown


def test_measure__from_the_key_to_the_next_image_is_there_for_a_benchmark_and_leaves_nothing_behind(mine):
    mine.wait_painted()
    mine.page.evaluate("""() => {
        window.measured = [];
        const keep = (list) => window.measured.push(...list.getEntriesByName("ssmae:answer").map((e) => e.duration));
        new PerformanceObserver(keep).observe({ type: "measure" });
    }""")
    for _ in range(3):
        mine.press("1")
    mine.wait_painted()
    mine.page.wait_for_function("window.measured.length === 3")
    assert all(0 < milliseconds < 10_000 for milliseconds in mine.page.evaluate("window.measured"))
    assert mine.page.evaluate("performance.getEntriesByName('ssmae:answer').length") == 0
