"""How a round's delta is spent over its checks, and how many answers and checks that allows.

The checks share one validation sample, and the model at a later check depends on its answers, but only through what
earlier checks told training: which level passed, if any, which classes were blocked, whether the guard tripped. For
each such history the model is a fixed one, and the union bound over all histories holds as long as what they spend adds
up to the check's share. So every outcome has a weight, the weights of a check's outcomes sum to at most 1, and a check
spends `delta / checks` times the weights of the outcomes before it. Levels are weighed alike; blocked classes and a
tripped guard are rare, and are given little, so that a history without them costs next to nothing. (A code that says
more in fewer words for what is likely: the argument is that of description lengths.)

Source: 1506.02629 (description length), 1502.04585.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import exp, lgamma, log

from ssmae.config import required_answers
from ssmae.errors import InvalidConfig
from ssmae.gate.decision import GateDecision
from ssmae.gate.levels import COVERAGE_LEVELS

RARE = 0.01
"""Weight of all outcomes with blocked classes together, and of a tripped guard."""

TRIPPED = RARE
"""Weight of a tripped guard, whose decision tells nothing else."""

_LEVELS = len(COVERAGE_LEVELS) + 1  # or none
_PLAIN = (1 - 2 * RARE) / _LEVELS


def outcome_weight(blocked: int, classes: int) -> float:
    """Weight of one outcome of a check whose guard did not trip: one level or none, and one set of blocked classes.

    Every number of blocked classes has half the weight of the one before it, shared by all sets of that size.

    Args:
        blocked: how many classes are blocked.
        classes: how many there are.

    Source: description lengths, 1506.02629; the weights are own: what is rare must cost what is likely next to nothing.
    """
    if not blocked:
        return _PLAIN
    sets = lgamma(classes + 1) - lgamma(blocked + 1) - lgamma(classes - blocked + 1)
    return RARE / _LEVELS * exp(-sets - blocked * log(2))


def delta_left(delta: float, *, checks: int, earlier: Iterable[GateDecision]) -> float:
    """What the next check may spend, given the round's decisions so far.

    Args:
        delta: of the whole round.
        checks: how many the round may make in all.
        earlier: its decisions so far, in order.

    Raises:
        InvalidConfig: the round has made all its checks.

    Source: union bound over earlier outcomes, 1506.02629 (description length), 1502.04585.
    """
    earlier = tuple(earlier)
    if not len(earlier) < checks:
        raise InvalidConfig("check", f"within 1 to checks={checks}", len(earlier) + 1)
    spent = delta / checks
    for decision in earlier:
        spent *= decision.weight
    return spent


def delta_of_check(delta: float, *, check: int, checks: int) -> float:
    """What a check may spend if nothing rare happened before it: for planning.

    Raises:
        InvalidConfig: check is not within 1 to checks.

    Source: as `delta_left`, 1506.02629, 1502.04585.
    """
    if not 1 <= check <= checks:
        raise InvalidConfig("check", f"within 1 to checks={checks}", check)
    return delta / checks * _PLAIN ** (check - 1)


def required_validation_size(alpha: float, delta: float, checks: int, *, check: int = 1) -> int:
    """Answered validation images without which the gate stays closed at a check, whatever the answers are.

    Raises:
        InvalidConfig: alpha or delta is not strictly between 0 and 1, or check is not within 1 to checks.

    Source: own; as `required_answers`, for any check of a round.
    """
    return required_answers(alpha, delta_of_check(delta, check=check, checks=checks))


def affordable_checks(alpha: float, delta: float, wanted: int, *, answered: int) -> int:
    """The most checks, `wanted` at the most, of which even the last could open with so many answers; at least one.

    A check that could not open whatever the answers are would only take its share of delta from the others. The number
    of answers says nothing about their content, so choosing by it costs nothing.

    Raises:
        InvalidConfig: alpha or delta is not strictly between 0 and 1.

    Source: own; a check that cannot open would only take delta from the others.
    """
    for checks in range(wanted, 1, -1):
        if required_validation_size(alpha, delta, checks, check=checks) <= answered:
            return checks
    return 1
