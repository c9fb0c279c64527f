"""An audit of accepted pseudo-labels: what people's answers to one drawn image say about the model's.

- **Only blind answers count.** Whoever has seen the class that the model proposes finds it convincing more often than
  it is right. An image that was labelled with the proposal in sight after the audit began counts as an error.
- **A skip or "not sure" counts as an error**, until somebody names the class: people pass over what is hard to name,
  and that is what the model gets wrong.
- **Where blind answers differ** from each other, the image counts as an error.

What leaves the draw leaves what the certificate speaks of, too: excluded images, which do not belong to the project,
and those that people had judged with the proposal in sight before the audit began. Nobody knew then what would be
drawn, so what is left of the draw is a random sample of what is left.

All of this errs on the safe side: what is certified is true whatever the right answers were.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from app.domain.labels import Queue

BLIND = frozenset({Queue.AUDIT, Queue.VALIDATION})
"""Queues that never show what the model proposes, nor a hint of anybody else."""


class Verdict(StrEnum):
    """What is known of one drawn pseudo-label."""

    RIGHT = "right"
    WRONG = "wrong"
    OPEN = "open"
    LEFT_OUT = "left_out"


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """One image of the draw as it stands.

    Attributes:
        image_id: the image.
        class_id: what the model proposes.
        blind: each annotator's newest blind answer: a class, or None for who skipped it or was not sure.
        is_spoilt: it was labelled with the proposal in sight while the audit went on.
        is_left_out: it was excluded, or judged with the proposal in sight before the audit began.
    """

    image_id: int
    class_id: int
    blind: Sequence[int | None] = ()
    is_spoilt: bool = False
    is_left_out: bool = False


def verdict(one: Drawn) -> Verdict:
    """Whether the pseudo-label counts as right or wrong, or waits for an answer."""
    if one.is_left_out:
        return Verdict.LEFT_OUT
    named = {class_id for class_id in one.blind if class_id is not None}
    if named:
        return Verdict.RIGHT if named == {one.class_id} else Verdict.WRONG
    return Verdict.WRONG if one.blind or one.is_spoilt else Verdict.OPEN
