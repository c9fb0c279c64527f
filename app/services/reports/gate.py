"""What the gate decided, round by round, in numbers and in plain words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from app.db.models import GateRecord
from app.db.queries import projects, reports
from app.db.unit_of_work import UnitOfWork
from app.domain.words import percent


@dataclass(frozen=True, kw_only=True)
class GateClass:
    """What one decision of the gate says of one class.

    Attributes:
        name: of the class that the model proposes.
        coverage: share of the sampling frame that reaches the gate's confidence with this class.
        errors: validation images among them that the model got wrong.
        n: validation images among them.
        low: lower end of the exact interval of the class's error rate.
        high: upper end of it.
        is_certified: proven on its own to be wrong at most at the rate allowed.
        is_blocked: proven to be wrong more often than that; none of its pseudo-labels is accepted.
    """

    name: str
    coverage: float
    errors: int
    n: int
    low: float
    high: float
    is_certified: bool
    is_blocked: bool

    @property
    def verdict(self) -> str:
        """One or two words for a table."""
        return "certified" if self.is_certified else "blocked" if self.is_blocked else "within the whole"


@dataclass(frozen=True, kw_only=True)
class GateRow:
    """One decision of the gate, with the sentence it explains itself in; that names the classes it left out."""

    round_id: int
    round_number: int
    check: int
    is_open: bool
    threshold: float | None
    coverage: float
    bound: float | None
    n: int
    errors: int
    alpha: float
    reason: str
    classes: list[GateClass]

    @property
    def certified(self) -> str:
        """What is proven of single classes, in words; empty if nothing is."""
        named = _named(one for one in self.classes if one.is_certified)
        most = f"at most {percent(self.alpha)} of its pseudo-labels are wrong"
        return named and f"Certified class by class: {named}. The validation answers prove for each that {most}."


def gate_history(uow: UnitOfWork, project_id: int) -> list[GateRow]:
    """Every decision of the gate, oldest first."""
    names = {one.id: one.name for one in projects.classes(uow.session, project_id)}
    return [
        GateRow(
            round_id=record.round_id,
            round_number=number,
            check=record.check_number,
            is_open=record.is_open,
            threshold=record.threshold,
            coverage=record.coverage,
            bound=record.bound,
            n=record.n,
            errors=record.errors,
            alpha=record.alpha,
            reason=record.reason,
            classes=_classes(record, names),
        )
        for number, record in reports.gate_records(uow.session, project_id)
    ]


def let_in(records: Iterable[GateRecord]) -> bool | None:
    """Whether pseudo-labels were let in once a round's checks were over; None if the gate was never asked.

    A check that proves nothing leaves alone what an earlier one let in, unless it discards it. The learner has the
    same rule; a test holds this against it, because the server must not import it.

    Args:
        records: the decisions of one round, in their order.
    """
    is_open = None
    for record in records:
        is_open = record.is_open or (bool(is_open) and not record.discards)
    return is_open


def _classes(record: GateRecord, names: dict[int, str]) -> list[GateClass]:
    return [
        GateClass(
            name=names.get(one["class_id"], "a removed class"),
            **{name: value for name, value in one.items() if name != "class_id"},
        )
        for one in record.classes
    ]


def _named(classes: Iterable[GateClass]) -> str:
    return ", ".join(f"{one.name} ({one.errors} of {one.n} wrong)" for one in classes)
