"""What a grid of looked-at proposals proves about those that nobody looked at, in words.

Acceptance sampling: if the images of a grid are a random sample of the proposals of a class, the number of wrong ones
among them bounds the share of wrong ones among the rest. If they are the ones that the model doubts most, they are no
sample; the bound then speaks of the rest only if the rest is no worse, which nothing proves.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from math import ceil

from app.domain.words import percent


class Order(StrEnum):
    """In which order a grid shows the proposals of a class."""

    DOUBT = "doubt"
    RANDOM = "random"

    @property
    def label(self) -> str:
        """Plain words for a person."""
        return _LABELS[self]

    @property
    def note(self) -> str:
        """What an answer given in such a grid carries, so that it is known later what it proves."""
        return f"grid, {self.label.lower()}"


_LABELS = {Order.DOUBT: "Least sure first", Order.RANDOM: "In random order"}

CERTAINTY = 0.95


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What was judged of one class.

    Attributes:
        n: proposals that somebody judged.
        wrong: how many of them were not of the class.
        bound: the error rate is below this with the certainty above.
        needed: how many that size would have to be, with as many wrong ones, for the bound to reach the target.
    """

    n: int
    wrong: int
    bound: float
    needed: int


def of_one_grid(seen: Seen, *, name: str, target: float, order: Order) -> str:
    """What one grid proves, if exactly so many of it turn out wrong.

    Args:
        seen: the grid.
        name: of the class.
        target: the error rate that the project allows.
        order: of the grid.
    """
    share = f"at most {_at_most(seen.bound)} of the other images proposed as “{name}” are wrong"
    counted = f"{_wrong(seen.wrong)} of these {seen.n}"
    if order is Order.DOUBT:
        return (
            f"{counted}: {share} with {percent(CERTAINTY)} certainty, if the others, of which the model is surer, are "
            "wrong no more often than these. A grid in random order proves it without that “if”."
        )
    return f"{counted} in random order: with {percent(CERTAINTY)} certainty {share}. {_against(seen, target)}"


def of_all_grids(seen: Seen, *, name: str, target: float) -> str:
    """What all grids in random order prove together, whenever somebody stops.

    Only answers are known: a grid that somebody looked at and left is not. If grids were left because of what they
    showed, those that were accepted are no random sample, so the sentence says what it takes for granted.
    """
    if not seen.n:
        return f"No grid of “{name}” in random order was accepted yet since the newest round."
    return (
        f"All {seen.n:,} judged in random order since the newest round, {_wrong(seen.wrong).lower()}: with "
        f"{percent(CERTAINTY)} certainty at most {_at_most(seen.bound)} of the images proposed as “{name}” are wrong, "
        f"whenever you stop, if every grid that was looked at was accepted too. {_against(seen, target)}"
    )


def _against(seen: Seen, target: float) -> str:
    if seen.bound <= target:
        return f"The project's target of {percent(target)} is met."
    more = seen.needed - seen.n
    return f"The project's target is {percent(target)}: {more:,} more without another wrong one would prove it."


def _wrong(count: int) -> str:
    return {0: "None wrong", 1: "One wrong"}.get(count, f"{count} wrong")


def _at_most(share: float) -> str:
    """To one decimal, rounded up: a bound must not look better than it is."""
    return f"{ceil(1000 * share - 1e-9) / 10:.1f}".removesuffix(".0") + " %"
