"""Thousands of made-up projects: how often does the gate let in worse than it promised, and how much does it let in?"""

from __future__ import annotations

import numpy as np
import pytest

from ssmae.gate import GateDecision, LearnThenTestGate, ValidationEvidence

POOL = 2000


def project(generator: np.random.Generator, error: float, sharpness: float) -> tuple[np.ndarray, np.ndarray]:
    """Scores and hidden truth of a pool: errors become rarer with the score; sharpness 0 makes them equally likely."""
    scores_U = generator.beta(5, 1.2, POOL) * (generator.random(POOL) > 0.1)
    weight_U = np.exp(-sharpness * scores_U)
    is_correct_U = generator.random(POOL) >= np.clip(error * weight_U / weight_U.mean(), 0, 1)
    return scores_U, is_correct_U


def ask(
    generator: np.random.Generator, scores_U: np.ndarray, is_correct_U: np.ndarray, picked: np.ndarray, **when: int
) -> tuple[GateDecision, bool]:
    """The decision, and whether it broke the promise: truly more than alpha of what it accepts is wrong."""
    gate = LearnThenTestGate(alpha=0.10, delta=0.05)
    decision = gate.decide(ValidationEvidence(scores_U[picked], is_correct_U[picked], scores_U), **when)
    if not decision.is_open:
        return decision, False
    return decision, bool((~is_correct_U[scores_U >= decision.threshold]).mean() > gate.alpha)


def simulate(seed: int, projects: int, validation: int, error: float, sharpness: float) -> tuple[float, float, float]:
    """Violation rate, share opened, mean coverage."""
    generator = np.random.default_rng(seed)
    broken, opened, covered = 0, 0, 0.0
    for _ in range(projects):
        scores_U, is_correct_U = project(generator, error, sharpness)
        picked = generator.choice(POOL, validation, replace=False)
        decision, is_broken = ask(generator, scores_U, is_correct_U, picked, check=1, checks=1)
        broken += is_broken
        opened += decision.is_open
        covered += decision.coverage
    return broken / projects, opened / projects, covered / projects


@pytest.mark.parametrize(
    ("error", "sharpness"), [(0.105, 0.0), (0.12, 0.0), (0.17, 3.0), (0.17, -3.0), (0.30, 6.0), (0.11, 1.0)]
)
def test_gate__breaks_its_promise_in_at_most_delta_of_the_projects(error: float, sharpness: float) -> None:
    violations, _, _ = simulate(seed=0, projects=1000, validation=150, error=error, sharpness=sharpness)
    assert violations <= 0.05


def test_gate__a_good_model_is_let_in_with_150_validation_images() -> None:
    violations, opened, coverage = simulate(seed=1, projects=1000, validation=150, error=0.05, sharpness=5.0)
    assert violations <= 0.05
    assert opened > 0.95
    assert coverage > 0.75


def test_gate__a_model_that_is_right_only_when_confident_is_let_in_in_part() -> None:
    _, opened, coverage = simulate(seed=2, projects=1000, validation=200, error=0.17, sharpness=5.0)
    assert opened > 0.8
    assert 0.3 < coverage < 0.85


def test_gate__two_checks_on_one_sample_keep_the_promise_together() -> None:
    """The second model is bent towards the answers as far as it may be: it is changed only if the first was refused."""
    generator = np.random.default_rng(3)
    broken = 0
    for _ in range(1000):
        scores_U, is_correct_U = project(generator, error=0.11, sharpness=0.0)
        picked = generator.choice(POOL, 150, replace=False)
        first, is_first_broken = ask(generator, scores_U, is_correct_U, picked, check=1, checks=2)
        if not first.is_open:
            scores_U, is_correct_U = project(generator, error=0.11, sharpness=0.0)
        _, is_second_broken = ask(generator, scores_U, is_correct_U, picked, check=2, checks=2)
        broken += is_first_broken or is_second_broken
    assert broken / 1000 <= 0.05


@pytest.mark.slow
@pytest.mark.parametrize("validation", [100, 150, 300])
def test_gate__holds_over_ten_thousand_projects(validation: int) -> None:
    violations, _, _ = simulate(seed=4, projects=10_000, validation=validation, error=0.105, sharpness=0.0)
    assert violations <= 0.05
