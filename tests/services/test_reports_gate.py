"""What is told of the gate: whether it let anything in, and what it says of single classes."""

from __future__ import annotations

import itertools
from dataclasses import fields

import pytest

from app.db.models import GateRecord
from app.services import reports
from app.services.reports.gate import let_in
from ssmae.gate import GateDecision, in_force
from tests.world import gate_columns


@pytest.fixture
def pets(world):
    """Ten training images and two test images of cats and dogs."""
    world.make_project(train=10, test=2, validation_size=0)
    return world


def about(class_id: int, *, errors: int = 0, n: int = 40, certified: bool = False, blocked: bool = False):
    return {
        "class_id": class_id, "coverage": 0.2, "errors": errors, "n": n, "low": 0.0, "high": 0.1,
        "is_certified": certified, "is_blocked": blocked,
    }  # fmt: skip


def history(world):
    with world.reading() as uow:
        return reports.gate_history(uow, world.project_id)


def test_gate_history__is_in_the_order_of_rounds_with_its_sentences(pets):
    pets.play_round(is_open=False)
    pets.play_round(is_open=True)

    assert [(row.round_number, row.is_open, row.reason) for row in history(pets)] == [
        (1, False, "Closed: too many were wrong."),
        (2, True, "Open: none was wrong."),
    ]


def test_gate_history__says_which_classes_are_certified_and_which_are_blocked(pets):
    cat, dog = pets.class_ids
    classes = [about(cat, certified=True), about(dog, errors=20, n=41, blocked=True)]
    pets.play_round(gate=[gate_columns(is_open=True) | {"classes": classes}])

    (row,) = history(pets)

    assert [(one.name, one.verdict) for one in row.classes] == [("cat", "certified"), ("dog", "blocked")]
    assert row.certified.startswith("Certified class by class: cat (0 of 40 wrong). ")
    assert "at most 10 %" in row.certified


def test_gate_history__without_a_word_on_classes_there_is_none(pets):
    pets.play_round()

    (row,) = history(pets)

    assert (row.classes, row.certified) == ([], "")


def test_gate_history__a_class_that_is_gone_is_still_told_of(pets):
    pets.play_round(gate=[gate_columns(is_open=True) | {"classes": [about(10**6)]}])

    (row,) = history(pets)

    assert [(one.name, one.verdict) for one in row.classes] == [("a removed class", "within the whole")]


def test_round_history__a_later_check_that_proves_nothing_leaves_what_was_let_in(pets):
    later = gate_columns(is_open=False, check=2)
    first = pets.play_round(gate=[gate_columns(is_open=True), later])
    second = pets.play_round(gate=[gate_columns(is_open=True), later | {"discards": True}])

    with pets.reading() as uow:
        told = {row.id: row.gate_open for row in reports.round_history(uow, pets.project_id)}

    assert told == {second: False, first: True}


def test_let_in__agrees_with_the_learner():
    assert let_in([]) is None
    one = GateDecision(True, 0.9, 0.5, 0.08, 0, 55, 0.1, 0.025, 1, "Because.")
    given = {field.name: getattr(one, field.name) for field in fields(one)}
    moves = [(True, False), (False, False), (False, True)]
    for sequence in itertools.product(moves, repeat=3):
        decisions = [GateDecision(**(given | {"is_open": opens, "discards": gone})) for opens, gone in sequence]
        records = [GateRecord(is_open=opens, discards=gone) for opens, gone in sequence]

        assert let_in(records) is (in_force(decisions) is not None)
