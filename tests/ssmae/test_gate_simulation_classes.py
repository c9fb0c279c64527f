"""Thousands of made-up projects, class by class: false certificates and blocks, and what blocking does to the whole."""

from __future__ import annotations

import numpy as np
import pytest

from ssmae.gate.classes import judge_classes
from tests.ssmae.gate_cases import GATE, Project, on_the_edge, project

CLEAN_OR_EDGE = np.array([1.0] * 5 + [0.0] * 5)
"""Factor of the error rate of ten classes: half of them as given, half of them without any error."""


def wrong_share(case: Project, threshold: float | None, class_index: int) -> float:
    assert threshold is not None
    return float((~case.is_correct_F[(case.scores_F >= threshold) & (case.classes_F == class_index)]).mean())


def test_certificates__any_false_one_in_at_most_delta_of_the_projects() -> None:
    """Half of the classes are just above alpha, the others clean, so that the whole is let in."""
    generator, false, certified = np.random.default_rng(0), 0, 0
    for _ in range(1000):
        case = project(generator, error=0.105, sharpness=0.0, frame=3000, class_error_C=CLEAN_OR_EDGE)
        picked = generator.choice(3000, 1200, replace=False)
        decision = GATE.decide(case.evidence(picked, with_classes=True))
        given = [one.class_index for one in decision.classes if one.is_certified]
        false += any(wrong_share(case, decision.threshold, index) > GATE.alpha for index in given)
        certified += len(given)
    assert false / 1000 <= GATE.delta
    assert certified / 1000 > 4.5  # 4.95 of the five clean classes


def test_certificates_and_blocks__at_one_level_each_family_keeps_its_delta() -> None:
    """Every class is about as good as asked for; a certificate is false for half of them, a block for the others."""
    generator, certified, blocked = np.random.default_rng(1), 0, 0
    for _ in range(1000):
        case = on_the_edge(generator, frame=6000)
        picked = generator.choice(6000, 600, replace=False)
        seen = case.evidence(picked, with_classes=True)
        judged = judge_classes(0.0, seen, alpha=0.10, certify=0.2, block=0.2, confidence=0.95)
        certified += any(one.is_certified and wrong_share(case, 0.0, one.class_index) > 0.10 for one in judged)
        blocked += any(one.is_blocked and wrong_share(case, 0.0, one.class_index) <= 0.10 for one in judged)
    assert 0.01 < certified / 1000 <= 0.2  # 0.023
    assert 0.01 < blocked / 1000 <= 0.2  # 0.028


@pytest.mark.parametrize("error", [0.085, 0.105])
def test_gate__with_blocking_keeps_its_promise(error: float) -> None:
    """Some classes are much worse than others, and the whole is good enough with them, or too bad."""
    factors_C = np.array([3.0, 2.0, 1.5, 1.0, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25])
    generator, broken = np.random.default_rng(3), 0
    for _ in range(1000):
        case = project(generator, error, sharpness=0.0, class_error_C=factors_C)
        picked = generator.choice(2000, 300, replace=False)
        broken += case.is_broken(GATE.decide(case.evidence(picked, with_classes=True)), GATE.alpha)
    assert broken / 1000 <= GATE.delta


def test_gate__with_blocking_keeps_its_promise_in_the_hardest_projects() -> None:
    generator, broken = np.random.default_rng(4), 0
    for _ in range(1000):
        case = on_the_edge(generator)
        picked = generator.choice(2000, 150, replace=False)
        broken += case.is_broken(GATE.decide(case.evidence(picked, with_classes=True)), GATE.alpha)
    assert GATE.delta / 10 < broken / 1000 <= GATE.delta  # 0.027


def test_gate__a_rare_class_that_is_nearly_always_wrong_is_left_out() -> None:
    """Four per cent of the images are proposed as a class that is wrong nine times of ten."""
    share_C = np.array([0.04] + [0.96 / 9] * 9)
    factors_C = np.array([90.0] + [1.0] * 9)
    generator = np.random.default_rng(5)
    opened, left_out, others, wrong = 0, 0, 0, []
    for _ in range(1000):
        case = project(generator, error=0.01, sharpness=0.0, class_error_C=factors_C, class_share_C=share_C)
        picked = generator.choice(2000, 400, replace=False)
        decision = GATE.decide(case.evidence(picked, with_classes=True))
        if decision.is_open:
            opened += 1
            left_out += 0 in decision.blocked
            others += any(index != 0 for index in decision.blocked)
            if decision.blocked:
                wrong.append((~case.is_correct_F[case.accepted(decision)]).mean())
    assert opened > 800
    assert left_out / opened > 0.9  # 0.965
    assert others == 0
    assert np.mean(wrong) < 0.015  # 0.010; with it, 0.046
