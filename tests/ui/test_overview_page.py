"""Overview: what to do next, and where the project stands."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from app.db.models import Round
from app.domain.labels import Queue
from app.domain.pools import Split
from app.domain.rounds import RoundStatus
from app.services import leases
from tests.ui.screen import close, labelled_pets, make_world, open_page, trained_pets, words


@pytest.fixture
def world(monkeypatch, sqlite_url, tmp_path):
    made = make_world(monkeypatch, sqlite_url, tmp_path)
    yield made
    close(made)


def test_overview__without_a_project_says_how_to_make_one(world):
    page = open_page(world, "overview")

    assert "There is no project yet." in words(page)
    assert [one.label for one in page.button] == ["Create a project"]


def test_overview__an_empty_project_begins_with_an_import(world):
    world.make_project()

    page = open_page(world, "overview")

    assert "Import your images to begin." in words(page)
    assert page.button(key="next-step").label == "Import images"


def test_overview__before_the_first_round_it_asks_to_train(world):
    labelled_pets(world)

    page = open_page(world, "overview")

    assert "6 new labels can teach the model now: train a round." in words(page)
    assert "not measured yet" in page.metric[0].delta


def test_overview__after_rounds_it_shows_accuracy_with_its_interval_and_the_counts(world):
    trained_pets(world)

    page = open_page(world, "overview")
    metrics = {one.label: one for one in page.metric}

    assert metrics["Test accuracy"].value == "90.0 %"
    assert metrics["Test accuracy"].delta == "55.5 % to 99.7 %"
    assert metrics["Labels given"].value == "12"
    assert metrics["Pseudo-labels"].value == "18"
    assert metrics["Images"].value == "40"
    assert len(page.get("vega_lite_chart")) == 1


def test_overview__a_selection_comes_before_everything_else_and_its_button_opens_that_queue(world):
    labelled_pets(world)
    world.open_draft(world.ids(Split.TRAIN)[10:13])

    page = open_page(world, "overview")

    assert "3 images are left in the selection" in words(page)
    assert page.button(key="next-step").label == f"Label: {Queue.SELECTION.label.lower()}"


def test_overview__a_queued_round_without_a_worker_says_how_to_start_one(world):
    labelled_pets(world)
    world.request()

    page = open_page(world, "overview")

    assert "No worker is running" in page.warning[0].value
    assert page.code[0].value == "ssmae worker"
    assert "waits, and no worker is running" in words(page)


def test_overview__with_a_worker_there_is_no_warning_and_the_running_round_shows_its_progress(world):
    labelled_pets(world)
    held = world.claim(world.request())
    with world.writing() as uow:
        leases.seen(uow, "worker-1", "train")
        leases.report(
            uow, held, {"phase": "joint", "step": 5, "total_steps": 20, "losses": {}, "images_per_second": 1234.0,
                        "seconds_left": 65.0},
        )  # fmt: skip

    page = open_page(world, "overview")
    metrics = {one.label: one.value for one in page.metric}

    assert len(page.warning) == 0
    assert (metrics["Step"], metrics["Images a second"], metrics["Time left"]) == ("5 of 20", "1,234", "1 min 5 s")


def test_overview__a_round_that_ended_is_not_shown_as_running(world):
    labelled_pets(world)
    world.request()
    with world.writing() as uow:
        uow.session.execute(update(Round).values(status=RoundStatus.CANCELLED))

    assert "Step" not in {one.label for one in open_page(world, "overview").metric}
