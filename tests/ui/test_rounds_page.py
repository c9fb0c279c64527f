"""Rounds: draw, train, cancel, try again, look at what came out."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from enum import StrEnum

import pytest

from app.db.queries import rounds as round_queries
from app.domain.pools import Split
from app.domain.rounds import RoundStatus, SelectionStatus
from app.services import leases, publishing, reports, rounds
from app.ui.components.knobs import CHOICES
from ssmae.config import Acquisition, GateConfig, GateRule, Preset, RoundConfig, StartFrom, preset_config
from tests.ui.screen import button, close, labelled_pets, make_world, open_page, trained_pets, words
from tests.world import gate_columns


@pytest.fixture
def world(monkeypatch, sqlite_url, tmp_path):
    made = make_world(monkeypatch, sqlite_url, tmp_path)
    yield made
    close(made)


def draft_of(world):
    with world.reading() as uow:
        return round_queries.draft(uow.session, world.project_id)


def test_rounds__an_empty_project_is_sent_to_the_import(world):
    world.make_project()

    assert "There are no images yet." in words(open_page(world, "rounds"))


def test_rounds__draws_a_selection_with_the_chosen_strategy_and_sizes(world):
    labelled_pets(world)
    page = open_page(world, "rounds")

    strategy = next(one for one in page.selectbox if one.label == "Strategy")
    assert strategy.options == [one.label for one in Acquisition]
    strategy.select(Acquisition.ENTROPY)
    next(one for one in page.number_input if one.label == "Images to choose").set_value(5)
    button(page, "Draw a selection").click().run()

    draft = draft_of(world)
    assert not page.exception
    assert (draft.strategy, draft.selection_size, draft.selection_status) == (
        Acquisition.ENTROPY, 5, SelectionStatus.PENDING,
    )  # fmt: skip
    assert "choosing the images" in words(page)


def test_rounds__shows_how_much_of_selection_and_validation_is_answered(world):
    labelled_pets(world)
    world.open_draft(world.ids(Split.TRAIN)[10:13])
    world.label(world.ids(Split.VALIDATION)[:1])

    page = open_page(world, "rounds")
    texts = [one.proto.text for one in page.get("progress")]

    assert texts == ["0 of 3 answered", "1 of 4 answered"]
    assert {"Label 3"} <= {one.label for one in page.button}


def test_rounds__a_selection_that_failed_says_why_and_can_be_drawn_again(world):
    labelled_pets(world)
    with world.writing() as uow:
        draft_id = rounds.open_draft(uow, world.project_id).id
        publishing.refuse_selection(uow, draft_id, "The pool is empty.", version=0)

    page = open_page(world, "rounds")
    assert "The pool is empty." in page.error[0].value
    button(page, "Draw again").click().run()

    assert world.round(draft_id).selection_status is SelectionStatus.PENDING


def test_rounds__says_what_would_be_learnt_and_that_the_gate_will_stay_closed(world):
    labelled_pets(world)

    said = words(open_page(world, "rounds"))

    assert "**6 training labels**" in said
    needed = reports.needed_validation(GateConfig())
    assert f"The gate will stay closed: 0 of at least {needed} validation images are answered." in said


def test_rounds__trains_with_preset_start_seed_and_a_changed_knob(world):
    labelled_pets(world)
    page = open_page(world, "rounds")

    page.radio(key=f"preset-{world.project_id}").set_value(Preset.STANDARD).run()
    page.radio(key=f"start-{world.project_id}").set_value(StartFrom.SCRATCH).run()
    page.toggle(key=f"fix-seed-{world.project_id}").set_value(True).run()
    page.number_input(key=f"seed-{world.project_id}").set_value(11)
    page.number_input(key=f"knobs-{world.project_id}-standard-gate-alpha").set_value(0.2)
    button(page, "Train a round").click().run()

    assert not page.exception
    with world.reading() as uow:
        queued = round_queries.active(uow.session, world.project_id)
    assert queued is not None
    assert (queued.preset, queued.start_from, queued.seed) == (Preset.STANDARD, StartFrom.SCRATCH, 11)
    assert queued.config["gate"]["alpha"] == 0.2
    assert queued.config["schedule"]["joint_steps"] == preset_config(Preset.STANDARD, 32).schedule.joint_steps
    assert "Train a round" not in [one.label for one in page.button]


def test_knobs__every_choice_of_every_setting_is_said_in_words():
    sections = [RoundConfig(), *(getattr(RoundConfig(), one.name) for one in fields(RoundConfig))]
    kinds = {type(value) for section in sections if is_dataclass(section) for value in vars(section).values()}

    assert set(CHOICES) == {kind for kind in kinds if issubclass(kind, StrEnum)}
    assert all(set(says) == set(kind) for kind, says in CHOICES.items())
    assert not any(text == member.value for says in CHOICES.values() for member, text in says.items())


def test_rounds__the_rule_of_the_gate_is_chosen_by_what_it_does(world):
    labelled_pets(world)
    page = open_page(world, "rounds")

    rule = page.selectbox(key=f"knobs-{world.project_id}-quick-gate-rule")
    assert rule.options[rule.index or 0] == "Learn then test: a proven bound"
    rule.select(GateRule.POINT_ESTIMATE)
    button(page, "Train a round").click().run()

    with world.reading() as uow:
        queued = round_queries.active(uow.session, world.project_id)
    assert queued is not None
    assert queued.config["gate"]["rule"] == "point_estimate"


def test_rounds__a_checkpoint_that_is_not_there_is_refused_in_a_sentence(world):
    labelled_pets(world)
    page = open_page(world, "rounds")

    page.radio(key=f"start-{world.project_id}").set_value(StartFrom.CHECKPOINT).run()
    page.text_input(key=f"file-{world.project_id}").set_value("/gone.safetensors").run()
    button(page, "Train a round").click().run()

    assert "There is no checkpoint file '/gone.safetensors'" in page.error[0].value


def test_rounds__settings_that_do_not_fit_are_refused_in_a_sentence(world):
    labelled_pets(world)
    page = open_page(world, "rounds")

    page.number_input(key=f"knobs-{world.project_id}-quick-model-patch_size").set_value(5)
    button(page, "Train a round").click().run()

    assert "divisor of image_size" in page.error[0].value


def test_rounds__a_running_round_can_be_cancelled(world):
    labelled_pets(world)
    held = world.claim(world.request())

    page = open_page(world, "rounds")
    page.button(key=f"cancel-{held.round_id}").click().run()

    assert world.round(held.round_id).cancel_requested
    assert "Stopping" in words(page)


def test_rounds__a_failed_round_shows_reason_and_traceback_and_is_tried_again(world):
    labelled_pets(world)
    held = world.claim(world.request())
    with world.writing() as uow:
        leases.end(uow, held, RoundStatus.FAILED, "Out of memory.", traceback="Traceback: line 1")

    page = open_page(world, "rounds")
    assert "Out of memory." in page.error[0].value
    assert "Traceback: line 1" in [one.value for one in page.code]
    page.button(key=f"retry-{held.round_id}").click().run()

    assert world.round(held.round_id).status is RoundStatus.QUEUED


def test_rounds__says_class_by_class_what_the_gate_proved(world):
    labelled_pets(world)
    about = {"coverage": 0.3, "n": 41, "low": 0.0, "high": 0.09}
    classes = [
        about | {"class_id": world.class_ids[0], "errors": 0, "is_certified": True, "is_blocked": False},
        about | {"class_id": world.class_ids[1], "errors": 20, "is_certified": False, "is_blocked": True},
    ]
    world.play_round(gate=[gate_columns(is_open=True) | {"classes": classes}])

    page = open_page(world, "rounds")
    said = words(page)

    assert "Certified class by class: cat (0 of 41 wrong)." in said
    [shown] = [one.value for one in page.dataframe if "verdict" in one.value]
    assert shown["verdict"].tolist() == ["certified", "blocked"]


def test_rounds__history_details_and_comparison_of_two_rounds(world):
    trained_pets(world)

    page = open_page(world, "rounds")
    said, metrics = words(page), {one.label: one.value for one in page.metric}
    history = page.dataframe[0].value

    assert history["round"].tolist() == [2, 1]
    assert history["accuracy"].tolist() == [0.9, 0.6]
    assert history["gate"].tolist() == ["open", "closed"]
    assert "Open: none was wrong." in said
    assert (metrics["Newly right"], metrics["Newly wrong"]) == ("3", "0")
    assert "may be chance" in said
    assert len(page.get("download_button")) >= 3
