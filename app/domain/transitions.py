"""One way to change a status: consult the table of what may follow what, refuse the rest."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from app.errors import Conflict

S = TypeVar("S", bound=StrEnum)


class InvalidTransition(Conflict):
    """A status change that the table does not allow."""

    def __init__(self, thing: str, current: StrEnum, target: StrEnum, allowed: frozenset[StrEnum]) -> None:
        self.thing, self.current, self.target = thing, current, target
        may = ", ".join(sorted(allowed)) or "nothing"
        super().__init__(f"A {thing} that is {current} cannot become {target}; it can become: {may}.")


def check(thing: str, table: Mapping[S, frozenset[S]], current: S, target: S) -> S:
    """Give back `target` if `table` lets `current` become it.

    Raises:
        InvalidTransition: names the thing, both statuses and what is allowed.
    """
    if target not in table[current]:
        raise InvalidTransition(thing, current, target, frozenset[StrEnum](table[current]))
    return target


def sources(table: Mapping[S, frozenset[S]], target: S) -> frozenset[S]:
    """The statuses that may become `target`: what the WHERE clause of an UPDATE names."""
    return frozenset(status for status, targets in table.items() if target in targets)
