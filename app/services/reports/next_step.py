"""What to do next, as one sentence and the page where it is done: a pure function of a few counts."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from app.domain.labels import Queue


class Target(StrEnum):
    """The page on which the next step is done, by its name."""

    IMPORT = "import"
    SETTINGS = "settings"
    LABEL = "label"
    REVIEW = "review"
    ROUNDS = "rounds"
    ACCURACY = "accuracy"


@dataclass(frozen=True, kw_only=True)
class NextStep:
    """One sentence, the words of its button, and where that leads; `queue` if it is about answering one."""

    sentence: str
    button: str
    target: Target
    queue: Queue | None = None


@dataclass(frozen=True, kw_only=True)
class Situation:
    """What the next step depends on.

    Attributes:
        left: images of each queue that this annotator can still answer.
        labels: training and validation labels now.
        trained_labels: those that the newest succeeded round used; None before the first.
        draft_failed: why no selection could be drawn, if so.
    """

    images: int
    classes: int
    labels: int
    trained_labels: int | None
    left: dict[Queue, int]
    active_number: int | None = None
    active_waits: bool = False
    draft_number: int | None = None
    draft_pending: bool = False
    draft_failed: str | None = None


def next_step(now: Situation) -> NextStep:
    """The most useful thing that a person can do now."""
    if not now.images:
        return NextStep(sentence="Import your images to begin.", button="Import images", target=Target.IMPORT)
    if now.classes < 2:
        return NextStep(
            sentence="Name the classes that an image can have: at least two.",
            button="Name the classes",
            target=Target.SETTINGS,
        )
    if now.draft_failed:
        return NextStep(
            sentence=f"No images could be chosen: {now.draft_failed} Draw again.",
            button="Look at the round",
            target=Target.ROUNDS,
        )
    for queue, sentence in _ASKED.items():
        if count := now.left.get(queue, 0):
            return _answer(queue, sentence, count)
    if now.active_number is not None:
        return _meanwhile(
            now, f"Round {now.active_number} {'waits for a worker' if now.active_waits else 'is being trained'}"
        )
    if now.draft_pending:
        return _meanwhile(now, f"The server is choosing the images of round {now.draft_number}")
    if now.labels and (now.trained_labels is None or now.labels > now.trained_labels):
        new = now.labels - (now.trained_labels or 0)
        return NextStep(
            sentence=f"{_count(new, 'new label')} can teach the model now: train a round.",
            button="Train a round",
            target=Target.ROUNDS,
        )
    if count := now.left.get(Queue.TEST, 0):
        return _answer(Queue.TEST, _TEST, count)
    if now.draft_number is None:
        return NextStep(
            sentence="Let the server choose the next images to ask about.",
            button="Draw a selection",
            target=Target.ROUNDS,
        )
    if count := now.left.get(Queue.REVIEW, 0):
        return NextStep(
            sentence=f"{_count(count, 'rejected pseudo-label')} can be confirmed or corrected.",
            button="Review pseudo-labels",
            target=Target.REVIEW,
            queue=Queue.REVIEW,
        )
    return NextStep(
        sentence="Everything that was asked is answered: look at the curve, or draw another selection.",
        button="Look at the accuracy",
        target=Target.ACCURACY,
    )


_ASKED = {
    Queue.SELECTION: "{} in the selection, chosen because the model would learn most from them.",
    Queue.VALIDATION: "{} in the validation sample: your answers decide whether the model's own labels may be used.",
}
_TEST = "{} in the test set: every answer narrows the error bar of the accuracy."


def _answer(queue: Queue, sentence: str, count: int) -> NextStep:
    return NextStep(
        sentence=sentence.format(_count(count, "image") + (" is left" if count == 1 else " are left")),
        button=f"Label: {queue.label.lower()}",
        target=Target.LABEL,
        queue=queue,
    )


def _meanwhile(now: Situation, what: str) -> NextStep:
    if count := now.left.get(Queue.TEST, 0):
        return NextStep(
            sentence=f"{what}. Meanwhile, {_count(count, 'image')} of the test set can be labelled.",
            button="Label: test set",
            target=Target.LABEL,
            queue=Queue.TEST,
        )
    return NextStep(sentence=f"{what}.", button="Watch the round", target=Target.ROUNDS)


def _count(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
