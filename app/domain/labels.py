"""Annotations and what they add up to: one person's acts, and the label that follows from everybody's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from app.domain.people import Adjudication


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
    """One annotator's standing answer to one image; `class_id` is None for who skipped it or was not sure.

    Attributes:
        annotator_id: who.
        class_id: the class.
        is_unsure: they looked, and did not know.
        is_imported: it came with the images; it counts until a person names a class.
        decides: given to settle a dispute, with everybody's answers in view.
    """

    annotator_id: int
    class_id: int | None
    is_unsure: bool = False
    is_imported: bool = False
    decides: bool = False


@dataclass(frozen=True, kw_only=True)
class Consensus:
    """What everybody's standing answers to one image add up to.

    Attributes:
        class_id: the label, or None.
        opinions: how many people named a class.
        needs_decision: people disagree and no rule settles it, or somebody was unsure and nobody knew.
    """

    class_id: int | None
    opinions: int
    needs_decision: bool


def consensus(answers_in_order: Sequence[Answer], rule: Adjudication = Adjudication.MAJORITY) -> Consensus:
    """The label that follows from all answers to one image, and whether somebody has to decide.

    Where the majority rules, the class that most people named is the label; of a tie the latest answer, until somebody
    decides. Where a lead rules, a disputed image has no label until then. A decision stands whatever others say later.

    Args:
        answers_in_order: the standing answers, oldest first.
        rule: of the project.
    """
    named = [answer for answer in answers_in_order if answer.class_id is not None]
    by_people = [answer for answer in named if not answer.is_imported]
    voting = by_people or named
    if not voting:
        return Consensus(class_id=None, opinions=0, needs_decision=any(answer.is_unsure for answer in answers_in_order))
    decisions = [answer.class_id for answer in voting if answer.decides]
    counts = Counter(answer.class_id for answer in voting)
    most = max(counts.values())
    leading = [answer.class_id for answer in voting if counts[answer.class_id] == most]
    if decisions:
        class_id, is_open = decisions[-1], False
    elif rule is Adjudication.LEAD:
        class_id, is_open = (None, True) if len(counts) > 1 else (leading[-1], False)
    else:
        class_id, is_open = leading[-1], len(set(leading)) > 1
    return Consensus(class_id=class_id, opinions=len(by_people), needs_decision=is_open)
