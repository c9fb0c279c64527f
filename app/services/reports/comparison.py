"""Is one round better than another? The same test images, counted pair by pair."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from app.db.models import Round
from app.db.queries import reports, rounds
from app.db.unit_of_work import UnitOfWork
from app.services.reports.accuracy import Accuracy, labels_of, start_of
from ssmae.metrics import mcnemar


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One setting that two rounds do not share; None where a round does not have it."""

    name: str
    first: Any
    second: Any


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Two rounds on the test images that both predicted.

    Attributes:
        first, second: accuracy on the common images.
        negative_flips: images that the first round got right and the second wrong.
        positive_flips: the other way round.
        p_value: McNemar's exact test: how likely such unequal flips are if both models are equally good.
        first_labels, second_labels: training and validation labels that each used.
        settings: what was set differently.
    """

    first_number: int
    second_number: int
    first: Accuracy
    second: Accuracy
    negative_flips: int
    positive_flips: int
    p_value: float
    first_labels: int
    second_labels: int
    settings: list[Difference]

    @property
    def difference(self) -> float | None:
        """Accuracy of the second minus that of the first, or None without a common image."""
        return (self.second.correct - self.first.correct) / self.first.n if self.first.n else None

    @property
    def sentence(self) -> str:
        """The verdict in plain words."""
        if not self.first.n:
            return "There is no labelled test image that both rounds have predicted, so they cannot be compared."
        if self.p_value >= 0.05:
            return (
                f"The difference may be chance: equally good models flip this unevenly with probability "
                f"{self.p_value:.2g} (exact McNemar test)."
            )
        better = self.second_number if self.positive_flips > self.negative_flips else self.first_number
        return f"Round {better} is better: equally good models flip this unevenly with probability {self.p_value:.2g}."


def compare(uow: UnitOfWork, first_id: int, second_id: int) -> Comparison:
    """Compare two rounds of one project.

    Raises:
        NotFound: there is no such round.
    """
    first, second = rounds.one(uow.session, first_id), rounds.one(uow.session, second_id)
    both, only_first, only_second, neither = reports.paired(uow.session, first_id, second_id)
    n = both + only_first + only_second + neither
    return Comparison(
        first_number=first.number,
        second_number=second.number,
        first=Accuracy(correct=both + only_first, n=n),
        second=Accuracy(correct=both + only_second, n=n),
        negative_flips=only_first,
        positive_flips=only_second,
        p_value=p_value(only_first, only_second),
        first_labels=_labels(uow, first),
        second_labels=_labels(uow, second),
        settings=_differences(_settings(first), _settings(second)),
    )


def p_value(only_first: int, only_second: int) -> float:
    """Exact two-sided p-value that the two kinds of flips are equally likely; images that agree say nothing."""
    is_first_N = np.arange(only_first + only_second) < only_first
    return mcnemar(is_first_N, ~is_first_N)


def _labels(uow: UnitOfWork, one: Round) -> int:
    return labels_of(rounds.snapshot(uow.session, one.snapshot_id)) if one.snapshot_id is not None else 0


def _settings(one: Round) -> dict[str, Any]:
    return {
        "preset": one.preset,
        "start from": start_of(one),
        "strategy": one.strategy,
        "seed": one.seed,
        "validation labels asked": one.validation_size,
        **_flat(one.config),
    }


def _flat(settings: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in settings.items():
        flat |= _flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {f"{prefix}{name}": value}
    return flat


def _differences(first: dict[str, Any], second: dict[str, Any]) -> list[Difference]:
    return [
        Difference(name=name, first=first.get(name), second=second.get(name))
        for name in dict.fromkeys([*first, *second])
        if first.get(name) != second.get(name)
    ]
