"""Drafts, previews, the history, one round whole, progress."""

from __future__ import annotations

import pytest

from app.domain.labels import Queue
from app.domain.pools import Split
from app.domain.pseudo_labels import PseudoLabelStatus
from app.domain.rounds import RoundStatus, SelectionStatus
from app.errors import NotFound
from app.services import leases, reports
from app.services.reports import Accuracy, Asked, needed_validation
from ssmae.config import Acquisition, GateConfig, GateRule, StartFrom
from ssmae.gate import affordable_checks, required_validation_size
from tests.world import progress


@pytest.fixture
def pets(world):
    """Thirty training images and ten labelled test images."""
    world.make_project(train=30, test=10, validation_size=4, selection_size=3)
    world.label(world.ids(Split.TEST), queue=Queue.TEST)
    return world


@pytest.mark.parametrize("alpha", [0.02, 0.05, 0.1, 0.3])
@pytest.mark.parametrize("delta", [0.01, 0.05, 0.2])
@pytest.mark.parametrize("checks", [1, 2, 4])
def test_needed_validation__is_what_the_gate_itself_asks_for(alpha, delta, checks):
    told = needed_validation(GateConfig(alpha=alpha, delta=delta, checks=checks))

    assert told == required_validation_size(alpha, delta, affordable_checks(alpha, delta, checks, answered=told))
    fewer = affordable_checks(alpha, delta, checks, answered=told - 1)
    assert told - 1 < required_validation_size(alpha, delta, fewer)


def test_draft__counts_what_is_answered_and_names_who_chose(pets):
    chosen = pets.ids(Split.TRAIN)[:3]
    draft_id = pets.open_draft(chosen)
    pets.label(chosen[:1] + pets.ids(Split.VALIDATION)[:2])
    pets.exclude(chosen[1])

    with pets.reading() as uow:
        draft = reports.draft(uow, pets.project_id)

    assert draft is not None
    assert (draft.id, draft.status) == (draft_id, SelectionStatus.READY)
    assert (draft.selection, draft.validation) == (Asked(settled=2, total=3), Asked(settled=2, total=4))
    assert (draft.selection.left, draft.validation.left) == (1, 2)
    assert draft.chosen_by == {Acquisition.MARGIN: 3}


def test_draft__there_may_be_none(pets):
    with pets.reading() as uow:
        assert reports.draft(uow, pets.project_id) is None


def test_preview__keeps_training_validation_and_test_labels_apart(pets):
    draft_id = pets.open_draft(pets.ids(Split.TRAIN)[:3])
    pets.label(pets.ids(Split.TRAIN)[:3])
    pets.label(pets.sample(draft_id)[:2], queue=Queue.VALIDATION)

    with pets.reading() as uow:
        told = reports.preview(uow, pets.project_id, GateConfig())

    assert (told.training, told.validation, told.test, told.labels, told.unlabelled) == (3, 2, 10, 5, 25)
    assert told.parent_number is None
    assert f"stay closed: 2 of at least {needed_validation(GateConfig())}" in told.gate_sentence


def test_preview__says_when_the_validation_labels_suffice(pets):
    draft_id = pets.open_draft(validation_size=30)
    pets.label(pets.sample(draft_id)[:28], queue=Queue.VALIDATION)

    with pets.reading() as uow:
        told = reports.preview(uow, pets.project_id, GateConfig(alpha=0.4, delta=0.5, checks=1))

    assert told.validation >= told.needed
    assert told.can_open
    assert "enough for the gate to open" in told.gate_sentence


def test_preview__labels_beyond_what_the_sample_was_asked_for_do_not_count_as_evidence(pets):
    draft_id = pets.open_draft()
    first, _, _, last = pets.sample(draft_id)
    pets.label([first], queue=Queue.VALIDATION)
    pets.label([last], queue=Queue.BROWSE)

    with pets.reading() as uow:
        told = reports.preview(uow, pets.project_id, GateConfig())

    assert (told.validation, told.judging) == (2, 1)
    assert "Answered out of turn: 1 more" in told.gate_sentence


def test_preview__a_skip_is_an_answer_that_counts_as_an_error(pets):
    draft_id = pets.open_draft(validation_size=30)
    pets.answer(pets.sample(draft_id)[0], None, queue=Queue.VALIDATION)
    pets.label(pets.sample(draft_id)[1:25], queue=Queue.VALIDATION)

    with pets.reading() as uow:
        told = reports.preview(uow, pets.project_id, GateConfig(alpha=0.4, delta=0.5, checks=1))

    assert (told.validation, told.judging, told.skipped) == (24, 25, 1)
    assert "25 validation images are answered, 1 of them by a skip, which counts as an error;" in told.gate_sentence


@pytest.mark.parametrize(
    ("rule", "sentence"),
    [
        (GateRule.LEARN_THEN_TEST, "The gate will stay closed"),
        (GateRule.POINT_ESTIMATE, "opens if 70% of the confident validation images are right"),
        (GateRule.ALWAYS_OPEN, "There is no gate"),
    ],
)
def test_preview__says_what_the_chosen_rule_of_the_gate_asks_for(pets, rule, sentence):
    with pets.reading() as uow:
        told = reports.preview(uow, pets.project_id, GateConfig(rule=rule))

    assert sentence in told.gate_sentence
    assert told.can_open is (rule is not GateRule.LEARN_THEN_TEST)


def test_round_history__is_newest_first_without_the_draft(pets):
    pets.label(pets.ids(Split.TRAIN)[:4])
    first = pets.play_round(wrong=2, is_open=False)
    second = pets.request()

    with pets.reading() as uow:
        rows = reports.round_history(uow, pets.project_id)

    assert [(row.id, row.status) for row in rows] == [
        (second, RoundStatus.QUEUED),
        (first, RoundStatus.SUCCEEDED),
    ]
    queued, done = rows
    assert (done.labels, done.test, done.device, done.gate_open) == (4, Accuracy(correct=8, n=10), "cpu", False)
    assert (done.start, done.parent_number, queued.start, queued.parent_number) == (
        StartFrom.SCRATCH, None, StartFrom.LAST, 1,
    )  # fmt: skip
    assert done.seconds is not None
    assert 0 <= done.seconds < 60
    assert (queued.seconds, queued.gate_open, queued.test.n) == (None, None, 0)


def test_round_details__keeps_everything(pets):
    round_id = pets.play_round(seed=5)

    with pets.reading() as uow:
        told = reports.round_details(uow, round_id)

    assert (told.seed, told.attempt, told.manifest["device"]) == (5, 1, "cpu")
    assert told.config["gate"]["alpha"] == 0.1
    assert told.snapshot_digest is not None
    assert [event.note for event in told.events][-1] == "Published."
    assert told.pseudo_labels == {PseudoLabelStatus.ACCEPTED: 30}
    assert [row.reason for row in told.gate] == ["Open: none was wrong."]


def test_round_details__a_draft_has_none_yet(pets):
    draft_id = pets.open_draft()

    with pytest.raises(NotFound, match="is a draft"), pets.reading() as uow:
        reports.round_details(uow, draft_id)


def test_training_curve__is_that_of_the_newest_attempt(pets):
    held = pets.claim(pets.request())
    with pets.writing() as uow:
        leases.report(uow, held, progress(1, 4))
        leases.give_back(uow, held, "Stopping.", counts=False)
    again = pets.claim(held.round_id)
    for step in (1, 2):
        with pets.writing() as uow:
            leases.report(uow, again, progress(step, 4))

    with pets.reading() as uow:
        curve = reports.training_curve(uow, held.round_id)

    assert [(point.step, point.value) for point in curve.losses] == [(1, 1.0), (2, 0.5)]
    assert curve.speed == 100.0


def test_progress_of__reads_what_the_worker_reported(pets):
    held = pets.claim(pets.request())
    assert reports.progress_of(pets.round(held.round_id)) is None
    with pets.writing() as uow:
        leases.report(uow, held, progress(1, 4))

    told = reports.progress_of(pets.round(held.round_id))

    assert told is not None
    assert (told.step, told.total_steps, told.share, told.seconds_left) == (1, 4, 0.25, 3.0)


def test_progress_of__also_knows_what_comes_before_and_after_training(pets):
    held = pets.claim(pets.request())
    with pets.writing() as uow:
        leases.report(
            uow, held, {"phase": "loading", "step": 3, "total_steps": 0, "losses": {}, "images_per_second": 0.0,
                        "seconds_left": None},
        )  # fmt: skip

    told = reports.progress_of(pets.round(held.round_id))

    assert told is not None
    assert (told.phase, told.share, told.images_per_second, told.seconds_left) == (
        "loading the images", 0.0, None, None,
    )  # fmt: skip
