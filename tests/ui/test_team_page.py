"""Team: everybody for leads, one's own work for others; agreement, disputes and flags."""

from __future__ import annotations

import pytest

from app.domain.callers import Caller
from app.domain.labels import Queue
from app.domain.people import Adjudication, Role
from app.domain.pools import Split
from app.services import flags, projects
from app.ui import state
from tests.ui.screen import button, words


@pytest.fixture
def pets(world):
    """Ada and Ben answered six images each, four in common, and differ on one; Ben flagged one."""
    world.make_project(train=12, test=4)
    cat, dog = world.class_ids
    train = world.ids(Split.TRAIN)
    for at, image_id in enumerate(train[:6]):
        world.answer(image_id, cat if at % 2 else dog, by="Ada", queue=Queue.SELECTION)
    for at, image_id in enumerate(train[2:8]):
        world.answer(image_id, cat if at % 2 or at == 0 else dog, by="Ben", queue=Queue.SELECTION)
    ben = world.annotator("Ben")
    with world.writing() as uow:
        flags.raise_flag(uow, uid="f", image_id=train[0], annotator_id=ben, note="Two animals?")
    return world


def as_annotator(monkeypatch, world, name):
    caller = Caller(role=Role.ANNOTATOR, annotator_id=world.annotator(name), name=name)
    monkeypatch.setattr(state, "caller", lambda: caller)
    monkeypatch.setattr(state, "annotator_name", lambda: name)


def open_section(show, world, name):
    page = show("team")
    page.session_state["team-section"] = name
    page.run()
    assert not page.exception
    return page


def test_team__before_the_first_answer_says_what_will_be_here(world, show):
    world.make_project(train=2)

    assert "Nobody has answered anything yet." in words(show("team"))


def test_team__shows_leads_everybodys_work(pets, show):
    page = show("team")
    pace = page.dataframe[1].value

    assert page.title[0].value == "Team"
    assert sorted(pace["person"]) == ["Ada", "Ben"]
    assert pace["last 7 days"].tolist() == [6, 6]


def test_team__shows_an_annotator_their_own_work_and_nobody_elses(pets, show, monkeypatch):
    as_annotator(monkeypatch, pets, "Ada")
    page = show("team")
    everything = words(page) + str([one.value for one in page.dataframe]) + str([one.value for one in page.text])

    assert page.title[0].value == "My work"
    assert next(one for one in page.metric if one.label == "Last 7 days").value == "6"
    assert "Ben" not in everything
    assert not [one for one in page.segmented_control if "Agreement" in str(one.options)]


def test_team__lets_an_annotator_decide_only_where_the_majority_rules(pets, show, monkeypatch):
    as_annotator(monkeypatch, pets, "Ada")
    assert "Disputes · 1" in str(show("team").segmented_control[0].options)
    with pets.writing() as uow:
        projects.update(uow, pets.project_id, adjudication=Adjudication.LEAD)

    assert len(show("team").segmented_control) == 0


def test_team__agreement_says_what_it_rests_on_and_gives_the_figures(pets, show):
    page = open_section(show, pets, "agreement")
    told = {one.label: one for one in page.metric}

    assert "2 people answered 4 images in common" in page.text[0].value
    assert told["Images in common"].value == "4"
    assert told["All say the same"].value == "75.0 %"
    assert told["All say the same"].delta == "19.4 % to 99.4 %"
    assert told["Fleiss' kappa"].value == "0.47"
    assert page.dataframe[0].value["people"].tolist() == ["Ada and Ben"]
    assert page.dataframe[1].value["confused with"].tolist() == ["dog (1)", "cat (1)"]


def test_team__agreement_without_shared_images_says_where_to_ask_for_them(world, show):
    world.make_project(train=2)
    page = open_section(show, world, "agreement")

    assert "Nobody has answered the same image as somebody else." in words(page)
    assert button(page, "Go to Settings")


def test_team__disputes_are_decided_one_by_one(pets, show):
    page = open_section(show, pets, "disputes")

    assert len(page.get("bidi_component")) == 1
    assert "tied" in words(page)


def test_team__flags_are_resolved_and_reopened(pets, show):
    page = open_section(show, pets, "flags")
    assert any("Two animals?" in one.value for one in page.text)

    button(page, "Resolve").click().run()
    assert "No flag is open." in words(page)

    page.segmented_control(key="flags-which").set_value("Resolved").run()
    assert any("resolved by you" in one.value for one in page.text)
    button(page, "Reopen").click().run()
    page.segmented_control(key="flags-which").set_value("Open").run()
    assert any("Two animals?" in one.value for one in page.text)


def test_overview__tells_leads_what_waits_for_them_and_nobody_else(pets, show, monkeypatch):
    assert "1 image waits for a decision, and 1 flag is open." in words(show("overview"))
    as_annotator(monkeypatch, pets, "Ada")
    assert "waits for a decision" not in words(show("overview"))
