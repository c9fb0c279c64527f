"""The audit of what a round accepted: asked blind and in order, counted so that nothing leaks."""

from __future__ import annotations

import numpy as np
import pytest

from app.db.queries import projects
from app.domain.labels import Queue
from app.domain.pools import Split
from app.domain.pseudo_labels import PseudoLabelStatus
from app.services import annotation, audits, review
from app.services.audits import STEP, Standing
from ssmae.gate import Audit, audit_sample

TARGET = 0.2
CLEAN = Audit(alpha=TARGET).clean_answers_needed  # 17


@pytest.fixture
def pets(world):
    """Sixty training images whose pseudo-labels were all accepted, and rightly so."""
    world.make_project(train=60, test=2, validation_size=0)
    with world.writing() as uow:
        projects.one(uow.session, world.project_id).error_target = TARGET
    world.play_round(is_open=True, seed=7)
    return world


def state(world):
    with world.reading() as uow:
        return audits.state(uow, world.project_id)


def other_class(world, image_id):
    return next(one for one in world.class_ids if one != world.image(image_id).sealed_class_id)


def test_state__asks_the_draw_of_the_round_in_its_order_and_each_image_once(pets):
    now = state(pets)
    draw = audit_sample(np.array(pets.ids(Split.TRAIN)), CLEAN, 7).tolist()
    assert now.standing is Standing.RUNNING
    assert (now.accepted, now.drawn, now.planned) == (60, 0, CLEAN)
    assert list(now.waiting) == list(dict.fromkeys(draw))
    assert len(now.waiting) < CLEAN  # some came up twice
    assert now.hidden == frozenset()  # nobody was asked yet


def test_state__clean_answers_certify_and_repeats_cost_no_click(pets):
    waiting = state(pets).waiting

    pets.label(waiting, queue=Queue.AUDIT)

    done = state(pets)
    assert done.standing is Standing.CERTIFIED
    assert (done.certificate.right, done.certificate.wrong) == (CLEAN, 0)
    assert done.sentence.startswith(f"Certified: of {CLEAN} pseudo-labels drawn at random none was wrong")
    assert (done.waiting, done.hidden) == ((), frozenset())


def test_state__does_not_tell_which_answer_disagreed(pets):
    waiting = state(pets).waiting
    sentences = []
    for at, image_id in enumerate(waiting[: STEP + 1]):
        pets.answer(image_id, other_class(pets, image_id) if at == 3 else pets.image(image_id).sealed_class_id,
                    queue=Queue.AUDIT)  # fmt: skip
        sentences.append(state(pets).sentence)
    assert len(set(sentences)) == 2
    assert sentences.index(sentences[-1]) > 3 + 1
    assert "one was wrong" in sentences[-1]


def test_state__goes_on_until_the_certificate_when_some_are_wrong(pets):
    first = state(pets).waiting
    pets.answer(first[0], other_class(pets, first[0]), queue=Queue.AUDIT)
    pets.label(first[1:], queue=Queue.AUDIT)

    longer = state(pets)
    assert longer.standing is Standing.RUNNING
    assert longer.certificate.wrong >= 1
    assert longer.planned > CLEAN
    while waiting := state(pets).waiting:
        pets.label(waiting, queue=Queue.AUDIT)
    assert state(pets).standing is Standing.CERTIFIED


def test_state__fails_with_more_wrong_ones_than_a_certificate_could_bear_and_says_what_to_do(pets):
    for image_id in state(pets).waiting[:4]:
        pets.answer(image_id, other_class(pets, image_id), queue=Queue.AUDIT)

    failed = state(pets)
    assert failed.standing is Standing.FAILED
    assert "smaller allowed error" in failed.sentence
    assert "were wrong" in failed.sentence


def test_state__stops_at_an_image_that_nobody_answered_so_that_hard_ones_cannot_be_put_off(pets):
    waiting = state(pets).waiting
    pets.label(waiting[1:14], queue=Queue.AUDIT)
    assert state(pets).drawn == 0
    assert state(pets).waiting[0] == waiting[0]
    pets.answer(waiting[0], None, queue=Queue.AUDIT)
    after = state(pets)
    assert after.drawn >= 14
    assert after.certificate.wrong >= 1


def test_state__once_begun_hides_the_draw_and_what_was_answered_in_sight_of_the_proposal_counts_as_wrong(pets):
    first, *others = state(pets).waiting
    pets.label(others[-1:], queue=Queue.AUDIT)
    assert {first, *others} <= state(pets).hidden
    pets.label([first], queue=Queue.REVIEW)
    pets.label(state(pets).waiting[: STEP + 1], queue=Queue.AUDIT)
    assert state(pets).certificate.wrong >= 1


def test_state__what_was_judged_in_sight_of_the_proposal_before_it_began_leaves_what_it_speaks_of(pets):
    first, second, *_ = state(pets).waiting
    pets.label([first], queue=Queue.GRID)
    assert state(pets).waiting[0] == second
    pets.label(state(pets).waiting, queue=Queue.AUDIT)
    assert (state(pets).standing, state(pets).certificate.wrong) == (Standing.CERTIFIED, 0)


def test_state__when_people_have_judged_everything_nothing_is_left_to_audit(pets):
    pets.label(pets.ids(Split.TRAIN), queue=Queue.GRID)
    assert state(pets).standing is Standing.NOTHING
    assert "People have judged everything" in state(pets).sentence


def test_state__what_was_said_blind_stands_though_a_second_look_changed_it_and_an_undo_takes_it_back(pets):
    waiting = state(pets).waiting
    pets.label(waiting[: STEP + 1], queue=Queue.AUDIT)
    before = state(pets)
    pets.answer(waiting[2], other_class(pets, waiting[2]), queue=Queue.SECOND_LOOK)
    assert state(pets) == before
    ada = pets.annotator()
    with pets.writing() as uow:
        annotation.undo(uow, pets.project_id, ada)  # the second look
        annotation.undo(uow, pets.project_id, ada)  # the last blind answer
    assert state(pets).drawn < before.drawn


def test_state__the_frozen_set_keeps_what_was_revoked_since(pets):
    person = pets.annotator()
    label, _ = pets.proposals(PseudoLabelStatus.ACCEPTED)[0]
    with pets.writing() as uow:
        review.revoke(uow, label.id, person)
    assert state(pets).accepted == 60


def test_state__an_excluded_image_leaves_the_draw(pets):
    (first, *_) = state(pets).waiting
    pets.exclude(first)
    assert first not in state(pets).waiting
    assert state(pets).planned == CLEAN


def test_state__without_accepted_pseudo_labels_there_is_nothing_to_audit(world):
    world.make_project(train=8, test=2, validation_size=0)
    assert state(world).standing is Standing.NOTHING
    world.play_round(is_open=False)
    assert state(world).standing is Standing.NOTHING
    assert "nothing to audit" in state(world).sentence


def test_state__an_error_target_that_no_audit_can_show_has_failed_before_anybody_is_asked(pets):
    with pets.writing() as uow:
        projects.one(uow.session, pets.project_id).error_target = 0.0005
    assert Audit(alpha=0.0005).clean_answers_needed > audits.LONGEST
    impossible = state(pets)
    assert impossible.standing is Standing.FAILED
    assert "more than an audit asks for" in impossible.sentence


def test_state__an_undo_that_brings_back_an_answer_given_in_sight_of_the_proposal_does_not_make_it_blind(pets):
    (first, *_) = state(pets).waiting
    ada = pets.annotator()
    pets.label(state(pets).waiting[-1:], by="Ben", queue=Queue.AUDIT)
    pets.label([first], queue=Queue.GRID)
    pets.label([first], queue=Queue.AUDIT)
    with pets.writing() as uow:
        annotation.undo(uow, pets.project_id, ada)
    pets.label(state(pets).waiting[: STEP + 1], queue=Queue.AUDIT)
    assert state(pets).certificate.wrong >= 1


def test_state__remembers_the_draws_of_so_many_rounds_only(pets, monkeypatch):
    monkeypatch.setattr(audits, "_MOST_REMEMBERED", 2)
    monkeypatch.setattr(audits, "_draws", {("elsewhere", number, 8): ((), 0) for number in range(2)})
    before = state(pets)
    assert len(audits._draws) == 2
    assert state(pets) == before
