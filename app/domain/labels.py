"""Annotations and what they add up to: one person's acts, and the label that follows from everybody's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Action(StrEnum):
    """What an annotator did with an image."""

    LABEL = "label"
    SKIP = "skip"
    UNSURE = "unsure"
    EXCLUDE = "exclude"
    INCLUDE = "include"
    WITHDRAW = "withdraw"


GIVEN = frozenset({Action.LABEL, Action.SKIP, Action.UNSURE})
"""Acts after which the image is not asked of the same annotator again; without a class, somebody else may know."""


class Queue(StrEnum):
    """Where an annotator met the image."""

    TEST = "test"
    VALIDATION = "validation"
    SELECTION = "selection"
    REVIEW = "review"
    GRID = "grid"
    AUDIT = "audit"
    SECOND_LOOK = "second_look"
    ADJUDICATION = "adjudication"
    BROWSE = "browse"
    IMPORT = "import"

    @property
    def label(self) -> str:
        """Plain words for a person."""
        return _QUEUE_LABELS[self]


_QUEUE_LABELS = {
    Queue.TEST: "Test set",
    Queue.VALIDATION: "Validation sample",
    Queue.SELECTION: "Selection",
    Queue.REVIEW: "Review",
    Queue.GRID: "Grid",
    Queue.AUDIT: "Audit",
    Queue.SECOND_LOOK: "Second look",
    Queue.ADJUDICATION: "Adjudication",
    Queue.BROWSE: "Browsing",
    Queue.IMPORT: "Import",
}


BLIND = frozenset({Queue.TEST, Queue.VALIDATION, Queue.SELECTION, Queue.AUDIT})
"""Queues that show neither the model's proposal nor anybody's answer: only what is said there measures agreement."""


class AnnotatorKind(StrEnum):
    """Who answers: a person, the labels that came with an import, or the seal of a simulated project."""

    PERSON = "person"
    IMPORT = "import"
    SIMULATED = "simulated"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One annotator's current annotation of one image; `class_id` is None for a skip."""

    annotator_id: int
    class_id: int | None


def consensus(answers_in_order: Sequence[Answer]) -> int | None:
    """The class that most annotators chose; a tie goes to the latest answer, no label without an answer.

    Args:
        answers_in_order: the current annotations of one image, oldest first; skips do not vote.
    """
    votes = [answer.class_id for answer in answers_in_order if answer.class_id is not None]
    if not votes:
        return None
    counts = Counter(votes)
    most = max(counts.values())
    return next(class_id for class_id in reversed(votes) if counts[class_id] == most)
