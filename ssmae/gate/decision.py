"""What a gate answers, and which of a round's answers holds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol, TypeVar


@dataclass(frozen=True)
class ClassEvidence:
    """What is known of the pseudo-labels of one class at the decision's level.

    Attributes:
        class_index: the class that the model proposes.
        coverage: share of the sampling frame that reaches the level with this class.
        errors: validation images among them that the model got wrong.
        n: validation images among them.
        low: lower end of the exact (Clopper-Pearson) interval of the class's error rate, at 1 - delta.
        high: upper end of it. One class at a time: of many such intervals some miss.
        is_certified: proven to be wrong at most at the rate alpha, all certified classes of a round together.
        is_blocked: proven to be wrong more often than alpha, and therefore not accepted.
    """

    class_index: int
    coverage: float
    errors: int
    n: int
    low: float
    high: float
    is_certified: bool
    is_blocked: bool


@dataclass(frozen=True)
class GateDecision:
    """Open or closed, and why.

    Only `is_open`, `threshold`, `blocked` and `discards` may steer training: a later check of the same round relies on
    having been told no more. The other numbers are for people.

    A check that stays closed leaves alone what an earlier check let in: each check's certificate is of its own frozen
    snapshot, and all of a round hold together with probability 1 - delta. Only `discards` takes it back; see
    `in_force`.

    Attributes:
        is_open: whether this check lets pseudo-labels in.
        threshold: accept exactly the images whose score is at least this (always above 0) and whose class is not
            blocked; None when closed.
        coverage: share of the sampling frame that is accepted so; 0 when closed.
        bound: Clopper-Pearson upper bound of the error at the threshold, blocked classes included, at the confidence
            its test used. When closed, that of the tested level that came closest; None when nothing was tested. What
            is guaranteed is `alpha`, not this figure: the level was chosen after looking.
        errors: validation images at that level that the model got wrong.
        n: validation images at that level.
        alpha: largest error rate allowed.
        delta: what this check spends of the probability of being wrong; 1 where the rule promises nothing.
        check: which check of the round this was, from 1.
        reason: a sentence or two.
        blocked: indices of the classes that are not accepted whatever their score.
        classes: what is known of each class at that level; empty where nothing was asked about classes.
        discards: whether what an earlier check of the round let in must go too.
        weight: the share of delta that this outcome leaves to later checks. Those of all outcomes that the check could
            have had sum to at most 1.
    """

    is_open: bool
    threshold: float | None
    coverage: float
    bound: float | None
    errors: int
    n: int
    alpha: float
    delta: float
    check: int
    reason: str
    blocked: tuple[int, ...] = ()
    classes: tuple[ClassEvidence, ...] = ()
    discards: bool = False
    weight: float = 1.0


class Verdict(Protocol):
    """The two facts of a decision that say what holds after it; a record of a decision has them too."""

    @property
    def is_open(self) -> bool:
        """Whether it lets pseudo-labels in."""

    @property
    def discards(self) -> bool:
        """Whether what was let in before must go."""


V = TypeVar("V", bound=Verdict)


def in_force(decisions: Iterable[V]) -> V | None:
    """The decision whose snapshot teaches after a round's decisions so far, in their order; None if there is none.

    Source: own; each check's certificate is of its own frozen snapshot, so a check that stays closed takes nothing
    back.
    """
    holds = None
    for decision in decisions:
        if decision.is_open:
            holds = decision
        elif decision.discards:
            holds = None
    return holds
