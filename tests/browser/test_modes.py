"""Grid, review one by one, audit and second look in a real browser, checked in the database."""

from __future__ import annotations

import itertools
import re

import pytest

from app.db.queries import projects
from app.domain.labels import Action, Queue
from app.domain.pools import Pool, Split
from app.domain.rounds import LabelUse
from app.services import audits, importing
from tests.browser.accessibility import barriers
from tests.browser.conftest import Site
from tests.pictures import picture, put
from tests.predictions import publish_predictions
from tests.world import World

LABELLED = 4


def pets(server, tmp_path, *, is_open: bool):
    """96 training images, "you" labelled four, and the round proposes a class for the others.

    About half are cats: more than a grid holds, however the test set is drawn.
    """
    world = World(server.database_url, server.folder)
    world.make_project(name=tmp_path.name, classes=("cat", "dog"), test_size=4, validation_size=0)
    world._uids = itertools.count(1000 * world.project_id)
    files = {f"{('cat', 'dog')[n % 2]}/{n:02d}.png": picture(n, size=(12, 12)) for n in range(100)}
    folder = put(tmp_path / "pets", files)
    with world.writing() as uow:
        started = importing.start(uow, project_id=world.project_id, source=folder, label_use=LabelUse.SEALED)
        projects.one(uow.session, world.project_id).error_target = 0.2
    importing.run(world.database, world.storage, started.id)
    train = world.ids(Split.TRAIN)
    world.label(train[:LABELLED], by="you")
    round_id = world.play_round(is_open=is_open)
    said = {one: (0.9, 0.1) if is_cat(world, one) else (0.1, 0.9) for one in train}
    said[train[0]] = said[train[0]][::-1]  # the model doubts one answer
    publish_predictions(world, round_id, said)
    return Site(world=world, url=f"{server.url}/?project={world.project_id}")


def is_cat(world, image_id):
    return world.image(image_id).sealed_class_id == world.class_ids[0]


@pytest.fixture
def rejected(server, tmp_path):
    made = pets(server, tmp_path, is_open=False)
    yield made
    made.world.close()


@pytest.fixture
def accepted(server, tmp_path):
    made = pets(server, tmp_path, is_open=True)
    yield made
    made.world.close()


def open_page(page, site, name):
    page.goto(site.url)
    page.get_by_role("link", name=name, exact=True).click()
    page.get_by_role("heading", name=name, exact=True).wait_for()


def open_grid(page, site):
    """The grid of cats; gives back the ids of its images."""
    open_page(page, site, "Grid")
    return painted(page)


def painted(page, but=None):
    """Ids of the page of the grid once it can be accepted; of another one than `but`."""
    found = page.wait_for_function(
        """before => {
          const hosts = [...document.querySelectorAll("*")].filter((one) => one.shadowRoot);
          const grid = hosts.map((one) => one.shadowRoot.querySelector("section.grid-mode")).find(Boolean);
          const shown = [...grid?.querySelectorAll(".tile") ?? []].map((tile) => tile.dataset.image);
          return shown.length && shown[0] === grid.dataset.seen && shown[0] !== before && shown;
        }""",
        arg=str(but) if but else None,
    )
    return [int(one) for one in found.json_value()]


def saved(page):
    page.locator(".status.saved").wait_for()


def acts(site, image_id):
    """(action, class, queue) of every act on an image, oldest first."""
    return [(one.action, one.class_id, one.queue) for one, _ in site.world.said(image_id)]


def test_grid__enter_accepts_all_but_the_odd_ones_and_the_next_page_is_there(page, rejected):
    cat, dog = rejected.world.class_ids
    shown = open_grid(page, rejected)
    assert len(shown) >= 12
    page.keyboard.press("ArrowRight")
    page.keyboard.press("2")  # it is a dog
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")  # it is no cat
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("x")
    marked = page.locator(".tile[aria-selected=true]")
    assert marked.all_inner_texts() == ["dog", "not cat", "excluded"]
    excluded = int(marked.nth(2).get_attribute("data-image"))
    page.get_by_role("button", name=f"Accept {len(shown) - 3} as “cat” (3 marked)").wait_for()
    page.get_by_text(f"2 wrong of these {len(shown) - 1}").wait_for()

    page.keyboard.press("Enter")

    following = painted(page, but=shown[0])
    assert not set(following) & set(shown)
    saved(page)
    assert acts(rejected, shown[1]) == [(Action.LABEL, dog, Queue.GRID)]
    assert acts(rejected, shown[2]) == [(Action.SKIP, None, Queue.GRID)]
    assert rejected.world.image(excluded).pool is Pool.EXCLUDED
    rest = set(shown) - {shown[1], shown[2], excluded}
    assert {rejected.world.image(one).label_class_id for one in rest} == {cat}


def test_grid__one_undo_takes_the_whole_page_back_also_after_a_reload(page, accepted):
    shown = open_grid(page, accepted)
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    painted(page, but=shown[0])
    saved(page)
    page.reload()
    painted(page, but=shown[0])

    page.keyboard.press("u")

    assert set(back(page, shown)) == set(shown)
    assert {accepted.world.image(one).pool for one in shown} == {Pool.PSEUDO_LABELLED}


def back(page, shown):
    page.get_by_text(re.compile("taken back|All saved")).first.wait_for()
    page.locator(f'.tile[data-image="{shown[0]}"]').wait_for()
    return painted(page)


def test_grid__undo_on_the_same_page_brings_the_marks_back_too(page, rejected):
    shown = open_grid(page, rejected)
    page.keyboard.press("2")
    page.keyboard.press("Enter")
    painted(page, but=shown[0])
    page.keyboard.press("u")
    assert back(page, shown) == shown
    assert page.locator(".tile[aria-selected=true]").all_inner_texts() == ["dog"]
    saved(page)
    assert rejected.world.image(shown[1]).pool is Pool.UNLABELLED


@pytest.mark.parametrize("by", ["key", "mouse"])
def test_grid__a_second_quick_press_accepts_no_page_that_nobody_has_seen(page, rejected, by):
    shown = open_grid(page, rejected)
    accept = page.get_by_role("button", name=re.compile("Accept"))
    # Both in the page, so that a slow machine does not make the second one a slow press.
    press = "new KeyboardEvent('keydown', { key: 'Enter', bubbles: true, composed: true })"
    act = f"document.body.dispatchEvent({press})" if by == "key" else "button.click()"
    accept.evaluate(f"button => {{ {act}; setTimeout(() => {act}, 100); }}")
    following = painted(page, but=shown[0])
    saved(page)
    assert {rejected.world.image(one).pool for one in shown} == {Pool.LABELLED}
    assert {rejected.world.image(one).pool for one in following} == {Pool.UNLABELLED}


def test_grid__an_image_that_cannot_be_loaded_is_left_for_later_and_said(chromium, rejected):
    with chromium.new_context(viewport={"width": 1280, "height": 900}) as context:
        page = context.new_page()
        first, _, broken, *_ = shown = open_grid(page, rejected)
        page.route(f"**/img/{broken}?*", lambda route: route.abort())
        open_grid(page, rejected)
        tile = page.locator(f'.tile[data-image="{broken}"]')
        tile.get_by_text("cannot be loaded").wait_for()
        page.unroute(f"**/img/{broken}?*")
        page.keyboard.press("Enter")
        page.get_by_text("Left for later, because it cannot be loaded").wait_for()
        saved(page)
        assert rejected.world.image(broken).pool is Pool.UNLABELLED
        assert {rejected.world.image(one).pool for one in shown if one != broken} == {Pool.LABELLED}
        following = painted(page, but=first)
        while broken not in following:
            page.keyboard.press("Enter")
            following = painted(page, but=following[0])
        page.keyboard.press("Enter")
        saved(page)
        assert acts(rejected, broken)[-1] == (Action.LABEL, rejected.world.class_ids[0], Queue.GRID)


def test_undo__of_a_whole_grid_from_another_page_says_how_many_it_took_back(page, rejected):
    shown = open_grid(page, rejected)
    page.keyboard.press("Enter")
    painted(page, but=shown[0])
    saved(page)
    page.get_by_role("link", name="Review", exact=True).click()
    page.locator("section.labeller[data-painted]").wait_for()
    page.keyboard.press("u")
    page.get_by_text(f"to {len(shown)} images at once, were given in another place (grid)").wait_for()
    assert {rejected.world.image(one).pool for one in shown} == {Pool.UNLABELLED}


def test_grid__by_touch_a_tap_marks_and_a_class_button_corrects(page, rejected):
    shown = open_grid(page, rejected)
    page.locator(".tile").nth(3).click()
    page.get_by_role("group", name="Correct the image at the cursor").get_by_role("button", name="dog").click()
    page.get_by_role("button", name=re.compile("Accept")).click()
    painted(page, but=shown[0])
    saved(page)
    assert rejected.world.image(shown[3]).label_class_id == rejected.world.class_ids[1]


def test_grid__random_order_says_what_all_grids_prove_together(page, rejected):
    open_grid(page, rejected)
    page.get_by_role("radio", name="In random order").click()
    page.locator("section.grid-mode[data-order=random]").wait_for()
    page.get_by_text("No grid of “cat” in random order was accepted yet").wait_for()
    shown = painted(page)
    page.keyboard.press("Enter")
    page.get_by_text(f"All {len(shown)} judged in random order since the newest round, none wrong").wait_for()


def test_review__shows_why_what_else_and_what_looks_alike_and_enter_confirms(page, rejected):
    open_page(page, rejected, "Review")
    page.locator("section.labeller[data-painted]").wait_for()
    first = int(page.locator("section.labeller").get_attribute("data-image"))
    context = page.locator(f'section.context[data-image="{first}"]')
    context.get_by_text("the gate of round 1 was closed").wait_for()
    assert context.locator(".bars li").count() == 2
    assert context.locator(".alike li").count() == LABELLED
    context.get_by_text("What the model saw, and changed copies of it").click()
    assert context.locator("figure").count() == 3
    assert context.get_by_text("these are drawn anew by the same rules").is_visible()
    page.keyboard.press("Enter")
    page.locator(f'section.context:not([data-image="{first}"]) .bars').wait_for()
    saved(page)
    assert rejected.world.image(first).label_class_id == rejected.world.image(first).sealed_class_id


def test_audit__shows_no_proposal_and_ends_with_a_certificate(page, accepted):
    open_page(page, accepted, "Audit")
    with accepted.world.reading() as uow:
        waiting = audits.state(uow, accepted.world.project_id).waiting
    page.get_by_text("Nothing is certified yet").wait_for()
    for expected in waiting:
        page.locator(f'section.labeller[data-painted="{expected}"]').wait_for()
        assert not page.locator(".guess").is_visible()
        assert page.locator("section.context").count() == 0
        page.keyboard.press("1" if is_cat(accepted.world, expected) else "2")
    page.get_by_text(re.compile("Certified: of 17 pseudo-labels drawn at random none was wrong")).wait_for()
    assert accepted.world.image(waiting[0]).pool is Pool.LABELLED


def test_second_look__a_key_changes_and_undo_lets_the_earlier_answer_stand_again(page, rejected):
    mine = rejected.world.ids(Split.TRAIN)[0]
    before = rejected.world.image(mine).label_class_id
    open_page(page, rejected, "Second look")
    page.locator(f'section.labeller[data-painted="{mine}"]').wait_for()
    page.get_by_text(re.compile("You said “(cat|dog)”. The model of round 1 gives that 10 %")).wait_for()
    other = "2" if is_cat(rejected.world, mine) else "1"
    page.keyboard.press(other)
    page.get_by_text("This queue is finished").wait_for()
    saved(page)
    assert rejected.world.image(mine).label_class_id != before
    page.keyboard.press("u")
    page.locator(f'section.labeller[data-painted="{mine}"]').wait_for()
    saved(page)
    assert rejected.world.image(mine).label_class_id == before
    page.keyboard.press("Enter")
    page.get_by_text("This queue is finished").wait_for()
    saved(page)
    assert acts(rejected, mine)[-1] == (Action.LABEL, before, Queue.SECOND_LOOK)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_modes__have_no_grave_barrier(chromium, rejected, scheme):
    with chromium.new_context(viewport={"width": 1280, "height": 900}, color_scheme=scheme) as context:
        page = context.new_page()
        open_grid(page, rejected)
        page.keyboard.press("Space")
        page.keyboard.press("ArrowRight")
        page.wait_for_timeout(300)
        assert barriers(page) == []
        for name in ("Review", "Second look"):
            open_page(page, rejected, name)
            page.locator("section.context .bars").wait_for()
            page.get_by_text("What the model saw, and changed copies of it").click()
            page.wait_for_timeout(300)
            assert barriers(page) == [], name


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_audit__has_no_grave_barrier(chromium, accepted, scheme):
    with chromium.new_context(viewport={"width": 1280, "height": 900}, color_scheme=scheme) as context:
        page = context.new_page()
        open_page(page, accepted, "Audit")
        page.locator("section.labeller[data-painted]").wait_for()
        page.wait_for_timeout(300)
        assert barriers(page) == []
