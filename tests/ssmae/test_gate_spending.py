"""What each check may spend, what its outcome costs later ones, and what that asks of the validation sample."""

from __future__ import annotations

from math import comb

import pytest

from ssmae.config import BLOCKING_SHARE
from ssmae.errors import InvalidConfig
from ssmae.gate import (
    CHAIN_STARTS,
    COVERAGE_LEVELS,
    affordable_checks,
    binomial_tail,
    delta_left,
    delta_of_check,
    required_validation_size,
)
from ssmae.gate.spending import TRIPPED, outcome_weight
from tests.ssmae.gate_cases import GATE, NOTHING, decide, evidence


@pytest.mark.parametrize("classes", [1, 2, 10, 100])
def test_outcome_weight__all_outcomes_of_a_check_share_at_most_one(classes: int) -> None:
    by_blocks = [comb(classes, blocked) * outcome_weight(blocked, classes) for blocked in range(classes + 1)]
    total = TRIPPED + (len(COVERAGE_LEVELS) + 1) * sum(by_blocks)
    assert 0.98 < total <= 1 + 1e-12
    assert outcome_weight(0, classes) > outcome_weight(1, classes)


def test_outcome_weight__more_blocks_than_can_be_counted_leave_nothing_rather_than_overflow() -> None:
    assert outcome_weight(5_000, 10_000) == 0.0


def test_delta_of_check__two_checks_by_hand() -> None:
    assert delta_of_check(0.05, check=1, checks=1) == 0.05
    assert delta_of_check(0.05, check=1, checks=2) == pytest.approx(0.025)
    # Six levels or none, and 2 % kept for what is rare.
    assert delta_of_check(0.05, check=2, checks=2) == pytest.approx(0.025 * 0.98 / 7)


@pytest.mark.parametrize(("check", "checks"), [(0, 2), (3, 2), (1, 0)])
def test_delta_of_check__a_check_that_does_not_exist_is_refused(check: int, checks: int) -> None:
    with pytest.raises(InvalidConfig, match=f"within 1 to checks={checks}"):
        delta_of_check(0.05, check=check, checks=checks)


def test_delta_left__is_what_was_planned_while_nothing_rare_happens() -> None:
    open_first, closed_first = decide(evidence(200, 0), 1, 2), decide(NOTHING, 1, 2)
    for first in (open_first, closed_first):
        assert delta_left(0.05, checks=2, earlier=[first]) == pytest.approx(delta_of_check(0.05, check=2, checks=2))
    with pytest.raises(InvalidConfig, match="within 1 to checks=2"):
        delta_left(0.05, checks=2, earlier=[open_first, closed_first])


def test_required_validation_size__is_the_first_size_that_a_perfect_model_opens_with() -> None:
    for check, checks in ((1, 1), (1, 2), (2, 2)):
        needed = required_validation_size(GATE.alpha, GATE.delta, checks, check=check)
        assert not decide(evidence(needed - 1, 0), check, checks).is_open
        assert decide(evidence(needed, 0), check, checks).is_open


def test_required_validation_size__by_hand() -> None:
    # One error among 46 still proves 10 % at 97 % of 5 %; the widest start covers 55 % of the sample: 46 / 0.55 = 83.6.
    assert required_validation_size(0.10, 0.05, checks=1) == 84
    assert required_validation_size(0.10, 0.05, checks=2, check=2) == 139


def test_affordable_checks__asks_twice_only_where_the_second_check_could_open() -> None:
    needed = required_validation_size(0.1, 0.05, 2, check=2)

    assert affordable_checks(0.1, 0.05, 2, answered=needed) == 2
    assert affordable_checks(0.1, 0.05, 2, answered=needed - 1) == 1
    assert affordable_checks(0.1, 0.05, 2, answered=0) == 1
    assert GATE.affordable_checks(2, answered=needed) == 2


def test_blocking__leaves_the_smallest_sample_its_one_error() -> None:
    """The chains of a check that may also block classes, at the widest level that the smallest sample can feed."""
    for check, checks in ((1, 1), (1, 2), (2, 2)):
        accepted = -(-CHAIN_STARTS[-1] * required_validation_size(0.10, 0.05, checks, check=check) // 100)
        share = (1 - BLOCKING_SHARE) * delta_of_check(0.05, check=check, checks=checks)
        assert binomial_tail(1, accepted, 0.10) <= share
