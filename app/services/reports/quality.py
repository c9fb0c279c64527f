"""Where the model is right and where it is wrong, down to the images: classes, confusions, mistakes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Row

from app.db.models import Image, Prediction
from app.db.queries import images, projects, reports, rounds
from app.db.unit_of_work import UnitOfWork
from app.services.reports.accuracy import Accuracy


@dataclass(frozen=True, kw_only=True)
class ClassRow:
    """One class in one round.

    Attributes:
        recall: of the test images that people call so, how many the model calls so too.
        precision: of the test images that the model calls so, how many people call so too.
        training_labels: how many training images carry the class now.
    """

    class_id: int
    name: str
    recall: Accuracy
    precision: Accuracy
    training_labels: int


@dataclass(frozen=True, kw_only=True)
class Confusion:
    """Counts of (class by people, class by the model), and the classes in the project's order."""

    classes: list[tuple[int, str]]
    counts: dict[tuple[int, int], int]

    @property
    def total(self) -> int:
        """How many labelled test images there are."""
        return sum(self.counts.values())

    @property
    def worst(self) -> tuple[int, int] | None:
        """The most frequent confusion, or None if there is none."""
        wrong = {cell: count for cell, count in self.counts.items() if cell[0] != cell[1]}
        return max(wrong, key=lambda cell: (wrong[cell], cell), default=None)


@dataclass(frozen=True, kw_only=True)
class ImageRow:
    """One test image: what people call it, what the model calls it and how sure it is."""

    image_id: int
    sha256: str
    name: str
    true_class: str
    predicted_class: str
    confidence: float

    @property
    def is_right(self) -> bool:
        """Whether the model says what people say."""
        return self.true_class == self.predicted_class


def confusion(uow: UnitOfWork, round_id: int) -> Confusion:
    """How a round's model confuses the classes of the test images.

    Raises:
        NotFound: there is no such round.
    """
    project_id = rounds.one(uow.session, round_id).project_id
    return Confusion(
        classes=[(one.id, one.name) for one in projects.classes(uow.session, project_id)],
        counts={
            (true, predicted): count
            for true, predicted, count in reports.confusion(uow.session, round_id)
            if true is not None
        },
    )


def per_class(uow: UnitOfWork, round_id: int) -> list[ClassRow]:
    """Accuracy of each class, in the project's order.

    Raises:
        NotFound: there is no such round.
    """
    table = confusion(uow, round_id)
    labels = uow.recent(images.label_counts, rounds.one(uow.session, round_id).project_id)
    rows = []
    for class_id, name in table.classes:
        right = table.counts.get((class_id, class_id), 0)
        shown = sum(count for (true, _), count in table.counts.items() if true == class_id)
        said = sum(count for (_, predicted), count in table.counts.items() if predicted == class_id)
        rows.append(
            ClassRow(
                class_id=class_id,
                name=name,
                recall=Accuracy(correct=right, n=shown),
                precision=Accuracy(correct=right, n=said),
                training_labels=labels.get(class_id, 0),
            )
        )
    return rows


def confusion_images(
    uow: UnitOfWork, round_id: int, true_class_id: int, predicted_class_id: int, limit: int = 60
) -> list[ImageRow]:
    """The test images behind one cell of the confusion matrix, most confident first."""
    found = reports.predicted_images(
        uow.session, round_id, true_class_id=true_class_id, predicted_class_id=predicted_class_id, limit=limit
    )
    return _rows(uow, round_id, found)


def mistakes(uow: UnitOfWork, round_id: int, limit: int = 24) -> list[ImageRow]:
    """The test images that the model got wrong, most confident first: wrong labels show up here too."""
    return _rows(uow, round_id, reports.mistakes(uow.session, round_id, limit))


def _rows(uow: UnitOfWork, round_id: int, found: Iterable[Row[Image, Prediction]]) -> list[ImageRow]:
    project_id = rounds.one(uow.session, round_id).project_id
    names = {one.id: one.name for one in projects.classes(uow.session, project_id)}
    return [
        ImageRow(
            image_id=image.id,
            sha256=image.sha256,
            name=image.name,
            true_class=names[image.label_class_id] if image.label_class_id is not None else "",
            predicted_class=names[prediction.class_id],
            confidence=prediction.confidence,
        )
        for image, prediction in found
    ]
