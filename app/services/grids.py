"""What the grids of a class have proven, and what the one in hand would prove."""

from __future__ import annotations

from dataclasses import dataclass

from app.db.queries import projects, reviews, rounds
from app.db.unit_of_work import UnitOfWork
from app.domain import acceptance
from app.domain.acceptance import CERTAINTY, Order, Seen
from ssmae.gate import Audit, error_upper_bound, smallest_sample

_DELTA = round(1 - CERTAINTY, 9)


@dataclass(frozen=True, kw_only=True)
class Proofs:
    """Sentences on one class.

    Attributes:
        so_far: what all grids in random order prove together.
        of_this_grid: what a grid of the size asked for proves, by how many of its images are wrong.
    """

    so_far: str
    of_this_grid: list[str]


def open_counts(uow: UnitOfWork, project_id: int) -> dict[int, int]:
    """How many proposals of the newest round nobody has judged yet, by class."""
    return uow.recent(reviews.open_counts, project_id)


def proofs(uow: UnitOfWork, project_id: int, class_id: int, *, n: int, order: Order) -> Proofs:
    """What is proven of a class, and what a grid of n of its images would add.

    One grid is a sample whose size is settled before anybody looks: the exact binomial bound holds. All grids together
    are stopped when somebody likes what they see, so their bound is one that holds at every moment.

    Raises:
        NotFound: the project has no such class.
    """
    name = projects.class_of(uow.session, project_id, class_id).name
    target = projects.one(uow.session, project_id).error_target
    return Proofs(
        so_far=acceptance.of_all_grids(_so_far(uow, project_id, class_id, target), name=name, target=target),
        of_this_grid=[
            acceptance.of_one_grid(_one_grid(n, wrong, target), name=name, target=target, order=order)
            for wrong in range(n + 1)
        ],
    )


def _one_grid(n: int, wrong: int, target: float) -> Seen:
    bound = float(error_upper_bound(wrong, n, _DELTA))
    return Seen(n=n, wrong=wrong, bound=bound, needed=smallest_sample(wrong, target, _DELTA))


def _so_far(uow: UnitOfWork, project_id: int, class_id: int, target: float) -> Seen:
    newest = rounds.last_succeeded(uow.session, project_id)
    audit = Audit(alpha=target, delta=_DELTA)
    if newest is not None and newest.finished_at is not None:
        judged = reviews.judged_in_grids(
            uow.session, newest.id, class_id, note=Order.RANDOM.note, since=newest.finished_at
        )
        for is_right in judged:
            audit = audit.answer(is_right=is_right)
    n = audit.right + audit.wrong
    return Seen(n=n, wrong=audit.wrong, bound=audit.error_bound, needed=n + audit.clean_answers_needed)
