"""Looking at an image: larger, moved, brighter, sharper."""

from __future__ import annotations

import pytest

from app.domain.pools import Split
from app.domain.rounds import LabelUse
from app.services import importing
from tests.browser.conftest import Labeller
from tests.pictures import picture, put
from tests.world import World


@pytest.fixture
def mine(chromium, site):
    """A tab of somebody whose likings no other test shares."""
    with chromium.new_context(viewport={"width": 1280, "height": 900}) as context:
        made = Labeller(context.new_page(), [])
        made.open(f"{site.url}&as=viewer-{site.world.project_id}")
        yield made


def shown(labeller):
    """The picture in the frame."""
    return labeller.root.locator(".stage img")


def box(labeller):
    """Left, top, width and height of the picture on the screen."""
    return shown(labeller).evaluate(
        "(one) => { const b = one.getBoundingClientRect(); return [b.x, b.y, b.width, b.height]; }"
    )


def test_zoom__by_keys_wheel_and_double_click_and_the_next_image_is_fitted_again(mine):
    mine.wait_painted()
    fitted = box(mine)
    mine.page.keyboard.press("+")
    assert box(mine)[2] == pytest.approx(1.25 * fitted[2], abs=1)
    mine.page.keyboard.press("-")
    assert box(mine) == pytest.approx(fitted, abs=1)
    x, y = fitted[0] + 0.25 * fitted[2], fitted[1] + 0.25 * fitted[3]
    mine.page.mouse.move(x, y)
    mine.page.mouse.wheel(0, -400)
    mine.page.wait_for_timeout(100)
    left, top, width, height = box(mine)
    assert width > 2 * fitted[2]
    assert ((x - left) / width, (y - top) / height) == pytest.approx((0.25, 0.25), abs=0.02), "the point stays put"
    mine.page.mouse.dblclick(x, y)
    assert box(mine) == pytest.approx(fitted, abs=1)
    mine.page.keyboard.press("+")
    mine.press("1")
    mine.wait_painted()
    assert box(mine) == pytest.approx(fitted, abs=1)


def test_pan__moves_what_is_larger_than_its_frame_and_never_out_of_it(mine):
    mine.wait_painted()
    stage = mine.root.locator(".stage").bounding_box()
    for _ in range(6):
        mine.page.keyboard.press("+")
    before = box(mine)
    mine.page.keyboard.press("Shift+ArrowRight")
    assert box(mine)[0] < before[0]
    mine.page.mouse.move(stage["x"] + 100, stage["y"] + 100)
    mine.page.mouse.down()
    mine.page.mouse.move(stage["x"] + 160, stage["y"] + 100, steps=3)
    moved = box(mine)
    mine.page.mouse.up()
    assert moved[0] > before[0] - 100
    for _ in range(40):
        mine.page.keyboard.press("Shift+ArrowRight")
    left, _, width, _ = box(mine)
    assert left + width == pytest.approx(stage["x"] + stage["width"], abs=3)


def test_light__is_for_this_image_unless_one_keeps_it(mine):
    mine.wait_painted()
    mine.page.keyboard.press("b")
    assert mine.root.get_by_label("Brightness", exact=True).evaluate("one => one === one.getRootNode().activeElement")
    mine.page.keyboard.press("ArrowRight")
    mine.page.keyboard.press("ArrowRight")
    assert shown(mine).evaluate("one => one.style.filter") == "brightness(1.1) contrast(1)"
    mine.press("1")  # a slider takes no class key
    mine.wait_painted()
    assert shown(mine).evaluate("one => one.style.filter") == ""
    mine.root.get_by_label("Keep light and zoom for the next image").check()
    mine.root.get_by_label("Contrast", exact=True).fill("2")
    mine.page.keyboard.press("+")
    large = box(mine)[2]
    mine.press("2")
    mine.wait_painted()
    assert shown(mine).evaluate("one => one.style.filter") == "brightness(1) contrast(2)"
    assert box(mine)[2] == pytest.approx(large, abs=1)


def test_smooth__stays_with_the_person(chromium, mine, site):
    mine.wait_painted()
    with mine.page.expect_response(lambda one: "preferences" in one.url and one.request.method == "PUT"):
        mine.page.keyboard.press("z")
    assert shown(mine).evaluate("one => one.style.imageRendering") == "auto"
    with chromium.new_context() as context:
        elsewhere = Labeller(context.new_page(), [])
        elsewhere.open(f"{site.url}&as=viewer-{site.world.project_id}")
        elsewhere.page.wait_for_function(
            "root => root.querySelector('.stage img').style.imageRendering === 'auto'",
            arg=elsewhere.root.element_handle(),
        )


def test_large_image__comes_as_a_copy_and_in_full_when_one_looks_closer(mine, server, tmp_path):
    world = World(server.database_url, server.folder)
    world.make_project(name=f"{tmp_path.name}-large", test_size=0)
    folder = put(tmp_path / "large", {"wide.jpg": picture(5000, "JPEG", size=(2400, 1200))})
    with world.writing() as uow:
        started = importing.start(uow, project_id=world.project_id, source=folder, label_use=LabelUse.IGNORED)
    importing.run(world.database, world.storage, started.id)
    world.open_draft(world.ids(Split.TRAIN), validation_size=0)
    world.close()
    mine.open(f"{server.url}/?project={world.project_id}")
    assert shown(mine).evaluate("one => one.naturalWidth") == 1024
    width = box(mine)[2]
    for _ in range(8):
        mine.page.keyboard.press("+")
    mine.page.wait_for_function(
        "root => root.querySelector('.stage img').naturalWidth === 2400", arg=mine.root.element_handle()
    )
    assert box(mine)[2] == pytest.approx(width * 1.25**8, rel=0.01)
    mine.page.keyboard.press("Home")
    assert box(mine)[2] == pytest.approx(width, abs=1)
