"""Single classes: which are certified, which are left out, and what leaving out costs."""

from __future__ import annotations

import numpy as np
import pytest

from ssmae.config import BLOCKING_SHARE
from ssmae.gate import PredictedClasses, ValidationEvidence, delta_left
from ssmae.gate.classes import judge_classes
from tests.ssmae.gate_cases import GATE

FRAME = 1000


def evidence(answers: dict[str, tuple[int, int]], frame: dict[str, int] | None = None) -> ValidationEvidence:
    """One score for all; of each class (errors, n) answers, and a share of the frame in proportion unless given."""
    names = tuple(answers)
    total = sum(n for _, n in answers.values())
    frame = frame or {name: n * FRAME // total for name, (_, n) in answers.items()}
    of_sample_V = np.repeat(np.arange(len(names)), [n for _, n in answers.values()])
    is_correct_V = np.concatenate([np.arange(n) >= errors for errors, n in answers.values()])
    of_frame_F = np.repeat(np.arange(len(names)), [frame[name] for name in names])
    classes = PredictedClasses(names, of_sample_V, of_frame_F)
    return ValidationEvidence(np.full(total, 0.97), is_correct_V, np.full(len(of_frame_F), 0.97), classes)


def test_decide__leaves_out_a_class_that_is_surely_bad_and_says_so() -> None:
    decision = GATE.decide(evidence({"cat": (0, 95), "dog": (1, 95), "newt": (9, 10)}))
    assert decision.is_open
    assert decision.blocked == (2,)
    assert decision.reason.endswith("Left out, because they are wrong more often than that: newt (9 of 10 wrong).")
    assert decision.coverage == pytest.approx(0.95)
    newt = decision.classes[2]
    assert (newt.errors, newt.n, newt.is_blocked, newt.is_certified) == (9, 10, True, False)
    assert newt.low > GATE.alpha


def test_decide__names_every_class_that_is_left_out() -> None:
    decision = GATE.decide(evidence({"cat": (0, 600), "eft": (8, 8), "newt": (9, 9), "frog": (7, 7)}))
    assert decision.blocked == (1, 2, 3)
    assert decision.reason.endswith(": eft (8 of 8 wrong), newt (9 of 9 wrong) and frog (7 of 7 wrong).")


def test_decide__a_class_that_may_just_have_been_unlucky_stays() -> None:
    decision = GATE.decide(evidence({"cat": (0, 95), "dog": (0, 95), "newt": (3, 10)}))
    assert decision.is_open
    assert decision.blocked == ()
    assert not decision.classes[2].is_certified


def test_decide__certifies_the_classes_that_have_enough_clean_answers() -> None:
    decision = GATE.decide(evidence({"cat": (0, 90), "dog": (4, 90), "newt": (0, 5)}))
    assert [one.is_certified for one in decision.classes] == [True, False, False]


def test_decide__classes_with_too_few_answers_make_the_others_no_harder() -> None:
    alone = GATE.decide(evidence({"cat": (0, 60)} | {"dog": (0, 80)}))
    crowded = GATE.decide(evidence({"cat": (0, 60), "dog": (0, 80)} | {f"rare {n}": (0, 1) for n in range(30)}))
    assert [one.is_certified for one in alone.classes] == [True, True]
    assert [one.is_certified for one in crowded.classes[:2]] == [True, True]


def test_decide__shows_the_exact_interval_of_each_class_of_the_frame() -> None:
    decision = GATE.decide(
        evidence({"cat": (0, 90), "dog": (1, 20), "newt": (0, 0)}, {"cat": 80, "dog": 15, "newt": 5})
    )
    cat, dog, newt = decision.classes
    assert (dog.low, dog.high) == pytest.approx((0.0012651, 0.2487328), abs=1e-6)
    assert (newt.low, newt.high, newt.n, newt.coverage) == (0.0, 1.0, 0, 0.05)
    assert cat.coverage == 0.8


def test_decide__says_nothing_of_classes_when_closed_or_not_asked() -> None:
    closed = GATE.decide(evidence({"cat": (30, 95), "newt": (9, 10)}))
    assert (closed.is_open, closed.classes, closed.blocked) == (False, (), ())
    case = evidence({"cat": (0, 95)})
    assert GATE.decide(ValidationEvidence(case.scores_V, case.is_correct_V, case.frame_scores_F)).classes == ()


def test_decide__a_block_costs_a_later_check_more_than_none_does() -> None:
    def left(case: ValidationEvidence) -> float:
        return delta_left(GATE.delta, checks=2, earlier=[GATE.decide(case, checks=2)])

    plain, blocked = (
        left(evidence({"cat": (0, 190), "newt": (0, 10)})),
        left(evidence({"cat": (0, 190), "newt": (9, 10)})),
    )
    assert plain == pytest.approx(0.025 * 0.98 / 7)
    # One of two classes: half of the weight of what is rare, shared by two sets.
    assert blocked == pytest.approx(0.025 * 0.01 / 2 / 2 / 7)


def test_decide__blocks_take_their_part_from_the_chains() -> None:
    decision = GATE.decide(evidence({"cat": (1, 84)}))
    assert decision.bound is not None
    right = 1 - decision.bound
    assert right**84 + 84 * decision.bound * right**83 == pytest.approx((1 - BLOCKING_SHARE) * GATE.delta)


def test_judge_classes__a_budget_of_zero_blocks_nothing() -> None:
    case = evidence({"cat": (0, 50), "newt": (50, 50)})
    judged = judge_classes(0.97, case, alpha=0.1, certify=0.05, block=0.0, confidence=0.95)
    assert [one.is_blocked for one in judged] == [False, False]
