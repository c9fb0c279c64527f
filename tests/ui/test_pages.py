"""Every page says what to do next where there is nothing, and shows a project that is full of everything."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import update
from streamlit.testing.v1 import AppTest

from app.db.models import Image
from app.db.queries import images, projects, rounds
from app.domain.labels import Queue
from app.domain.pools import Pool, Split
from app.domain.pseudo_labels import PseudoLabelStatus
from app.services import rounds as round_service
from app.ui import state
from app.ui.navigation import ROLES
from ssmae.config import RejectionReason


def fine(page):
    """The page, if nothing was raised on it."""
    assert not page.exception, page.exception
    return page


def words(page):
    """Everything that a page says, buttons included."""
    texts = [block.proto.body for block in page.get("html")]
    texts += [one.value for kind in (page.markdown, page.caption, page.title, page.error, page.warning) for one in kind]
    return "\n".join(map(str, [*texts, *(one.label for one in page.button)]))


ENTRY = Path(__file__).parents[2] / "app" / "ui" / "main.py"
NAVIGATION = list(ROLES)
MINE = ("label", "grid", "review", "audit", "second_look", "images", "import", "export", "settings", "projects")


@pytest.fixture
def seeded(world):
    """A round that was trained with the gate closed, answers, and a draft whose selection was drawn."""
    world.make_project(train=30, test=6, selection_size=4, validation_size=4)
    world.label(world.ids(Split.TRAIN)[:6])
    world.label(world.ids(Split.TEST)[:3], queue=Queue.TEST)
    world.play_round(is_open=False)
    with world.reading() as uow:
        draft = rounds.draft(uow.session, world.project_id)
    assert draft is not None
    world.select(draft.id, world.ids(Split.TRAIN, Pool.UNLABELLED)[:4])
    return world


@pytest.mark.parametrize("page", MINE)
def test_page__without_any_project_leads_to_creating_one(show, page):
    shown = show(page)
    assert "There is no project yet." in words(shown)
    assert any("roject" in button.label for button in shown.button)


@pytest.mark.parametrize("page", MINE)
def test_page__of_a_project_without_images_is_shown(world, show, page):
    world.make_project(classes=())
    assert words(show(page))


@pytest.mark.parametrize("page", MINE)
def test_page__of_a_seeded_project_is_shown(seeded, show, page):
    shown = show(page)
    assert "There is no project yet." not in words(shown)


def test_label_page__without_classes_lets_one_add_some(world, show):
    world.make_project(classes=(), test=2)
    shown = show("label")
    assert "There are no classes yet." in words(shown)
    shown.text_input[-1].input("cat, dog")
    button = next(one for one in shown.button if one.label == "Add")
    fine(button.click().run())
    with world.reading() as uow:
        assert [one.name for one in projects.classes(uow.session, world.project_id)] == ["cat", "dog"]


def test_label_page__mounts_the_labeller_with_the_queue_that_has_images(seeded, show):
    shown = show("label")
    [mounted] = shown.get("bidi_component")
    assert '"queue":"selection"' in mounted.proto.json.replace(" ", "")


def test_label_page__without_a_draft_leads_to_rounds(world, show):
    world.make_project(train=4, test=2)
    shown = show("label")
    shown.segmented_control(key="queue").set_value(Queue.SELECTION).run()
    assert "No round is collecting answers." in words(fine(shown))
    assert "Go to Rounds" in words(shown)


def test_label_page__the_simulated_annotator_answers_in_a_sealed_project(seeded, show):
    shown = show("label")
    fine(shown.button(key=f"simulate-all-{Queue.SELECTION}").click().run())
    with seeded.reading() as uow:
        assert round_service.unanswered(uow, seeded.project_id, 0)[Queue.SELECTION] == 0


def test_label_page__refuses_the_name_of_the_simulated_annotator(seeded, show):
    shown = show("label")
    fine(shown.button(key=f"simulate-some-{Queue.SELECTION}").click().run())
    shown.session_state[state.ANNOTATOR_KEY] = "simulated annotator"
    shown.run()
    assert "Choose another name" in words(fine(shown))


def test_projects_page__creates_a_project_and_takes_it_in_hand(world, show):
    shown = show("projects")
    shown.text_input(key="new-project-name").input("Leaves")
    shown.text_area(key="new-project-classes").input("healthy\nrust")
    shown.run()
    button = next(one for one in shown.button if one.label == "Create the project")
    fine(button.click().run())
    assert "0 images, 0 labelled, 2 classes" in words(shown)
    with world.reading() as uow:
        assert projects.by_name(uow.session, "Leaves") is not None


def test_projects_page__says_what_a_test_set_buys(show):
    shown = show("projects")
    assert "±4.2 points" in words(shown)
    shown.number_input(key="new-project-test-size").set_value(0).run()
    assert "no accuracy can be shown" in words(fine(shown))


def test_settings_page__refuses_a_name_that_is_taken_in_a_sentence(world, show):
    world.make_project(name="Cats")
    world.make_project(name="Dogs")
    shown = show("settings")
    shown.text_input[0].input("Cats")
    fine(next(one for one in shown.button if one.label == "Save").click().run())
    assert "already a project named 'Cats'" in words(shown)


def test_review_page__accepted_pseudo_labels_are_shown_once_the_gate_is_open(world, show):
    world.make_project(train=8, test=2)
    world.label(world.ids(Split.TRAIN)[:2])
    world.play_round(is_open=True)
    shown = show("review")
    shown.segmented_control(key="review-status").set_value(PseudoLabelStatus.ACCEPTED)
    assert "Accepted · 6" in "".join(shown.segmented_control(key="review-status").options)


@pytest.mark.parametrize("reason", RejectionReason)
def test_review_page__says_why_and_hands_rejected_ones_out_by_leases_alone(world, show, reason):
    world.make_project(train=8, test=2)
    world.label(world.ids(Split.TRAIN)[:2])
    world.play_round(is_open=False, reason=reason)
    shown = show("review")
    [why] = [one.value for one in shown.markdown if " · 6.** " in one.value]
    assert not why.startswith(f"**{reason.value}")
    assert len(why.split(".** ")[1]) > 20
    # A list without leases would show everybody the same images to confirm.
    assert [one.split(" · ")[0] for one in shown.segmented_control(key="review-status").options] == [
        "One by one",
        "Accepted",
    ]


def test_images_page__filters_by_pool(seeded, show):
    shown = show("images")
    shown.selectbox(key="images-pool").set_value(Pool.EXCLUDED).run()
    assert "No image fits these filters." in words(fine(shown))


def test_images_page__the_order_of_import_says_nothing_about_the_classes(world, show):
    world.make_project(train=70)
    with world.writing() as uow:
        # As a folder per class comes: first all cats, then all dogs.
        uow.session.execute(update(Image).values(draw=(Image.id * 37 % 70) / 70.0))
    expected = sorted(world.ids(Split.TRAIN), key=lambda image_id: image_id * 37 % 70)
    with world.reading() as uow:
        first = images.page(uow.session, world.project_id, limit=40)
        second = images.page(uow.session, world.project_id, after_id=first[-1].id, limit=40)
    assert [one.id for one in (*first, *second)] == expected
    shown = show("images")
    shown = fine(shown.button(key="images-paging-next").click().run())
    assert "Page 2" in words(shown)


def test_import_page__says_what_the_test_split_will_take_and_warns_above_a_quarter(world, show):
    world.make_project(test_size=20)
    before = words(show("import"))
    assert "aiming at 20 and at most half" in before
    assert "With fewer than 80 images it takes more than a quarter" in before
    world.add_images(30, Split.TRAIN)
    assert "would take 50% of the 30 images" in words(show("import"))
    world.add_images(60, Split.TRAIN)
    after = words(show("import"))
    assert "22% of 90, about 20 images" in after
    assert "would take" not in after
    (image_id,) = world.add_images(1, Split.TEST)
    world.answer(image_id, world.class_ids[0], queue=Queue.TEST)
    assert "Test split" not in words(show("import"))


def test_import_page__offers_no_manifest_without_its_files_and_says_where_it_goes(world, show):
    world.make_project()
    (uploader,) = show("import").get("file_uploader")
    assert ".zip" in uploader.proto.type
    assert not {".csv", ".jsonl", ".tsv"} & set(uploader.proto.type)
    assert "A manifest" in uploader.proto.help


def test_import_page__refuses_a_path_that_is_not_there(world, show):
    world.make_project()
    shown = show("import")
    shown.segmented_control(key="import-way").set_value("On the server").run()
    shown.text_input(key="import-path").input("/no/such/folder").run()
    fine(next(one for one in shown.button if one.label == "Import").click().run())
    assert "/no/such/folder" in words(shown)


def test_main__draws_every_page_in_the_navigation_and_the_project_in_hand(world):
    world.make_project(name="Pets")
    shown = AppTest.from_file(str(ENTRY), default_timeout=30).run()
    assert not shown.exception
    assert shown.sidebar.selectbox[0].options == ["Pets"]
    assert shown.sidebar.text_input[0].value == "you"
    assert {path.name for path in (ENTRY.parent / "pages").glob("*_page.py")} == {
        f"{name}_page.py" for name in NAVIGATION
    }
