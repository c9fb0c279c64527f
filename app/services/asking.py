"""Why an image is asked, in a sentence without the model's guess, unless the project shows it."""

from __future__ import annotations

from app.db.models import Project, PseudoLabel, Selection
from app.domain.labels import Queue
from app.domain.pseudo_labels import PseudoLabelStatus
from ssmae.config import Acquisition, RejectionReason

_REJECTIONS = {
    RejectionReason.INCONSISTENT: "The model changes its mind when the image is changed a little",
    RejectionReason.LOW_CONFIDENCE: "The model is not sure enough",
    RejectionReason.GATE_CLOSED: "The model has not yet proved itself on the validation sample",
    RejectionReason.CLASS_BLOCKED: "The model is wrong too often when it names this class",
    RejectionReason.OUTSIDE_FRAME: "The validation sample was not drawn from this image, so it cannot vouch for it",
}
_BLIND = {
    Acquisition.MARGIN: "The model hesitates between two classes.",
    Acquisition.ENTROPY: "The model is undecided between several classes.",
    Acquisition.DIVERSE: "The model hesitates between two classes, and the image is unlike others that it asks for.",
}
"""For strategies whose own reason names classes; whoever has read them is no longer unbiased."""


def why(project: Project, queue: Queue, selection: Selection | None, pseudo_label: PseudoLabel | None) -> str:
    """The sentence that stands beside an image of a queue."""
    match queue:
        case Queue.TEST:
            return "Drawn at random at import: it measures the accuracy and teaches nothing."
        case Queue.ADJUDICATION:
            return "People disagree about this image, or were not sure: your answer decides."
        case Queue.AUDIT:
            return "Drawn at random from the labels that the model gave itself; its own answer is not shown."
        case Queue.REVIEW if pseudo_label is not None:
            return _why_not_accepted(pseudo_label)
        case _:
            return _why_selected(project, selection)


def _why_not_accepted(pseudo_label: PseudoLabel) -> str:
    if pseudo_label.status is PseudoLabelStatus.REVOKED or pseudo_label.reason is None:
        return "Somebody said that the model is wrong here: what is it?"
    sure = f" ({pseudo_label.score:.0%})" if pseudo_label.score else ""
    return f"{_REJECTIONS[pseudo_label.reason]}{sure}."


def _why_selected(project: Project, selection: Selection | None) -> str:
    if selection is None:
        return ""
    return selection.reason if project.shows_guess else _BLIND.get(selection.strategy, selection.reason)
