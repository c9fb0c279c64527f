"""Labels for an export, a page at a time, in the order of the images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from app.db.models import Annotation, Annotator, Image, ImageClass, PseudoLabel, Round
from app.domain.labels import Action, AnnotatorKind
from app.domain.pools import Split
from app.domain.pseudo_labels import PseudoLabelStatus
from app.domain.rounds import RoundStatus


@dataclass(frozen=True)
class Proposal:
    """What the model said of one image, and is used as its label."""

    class_name: str
    confidence: float
    round: int
    created_at: datetime


@dataclass(frozen=True)
class Vote:
    """One annotator's standing answer."""

    class_id: int
    class_name: str
    annotator: str
    kind: AnnotatorKind
    round: int | None
    created_at: datetime


@dataclass(frozen=True)
class ImageRow:
    """One image of an export."""

    id: int
    sha256: str
    name: str
    suffix: str
    split: Split
    label_class_id: int | None


def newest_succeeded(session: Session, project_id: int) -> Round | None:
    """The project's last round that gave a model."""
    return session.scalar(
        select(Round)
        .where(Round.project_id == project_id, Round.status == RoundStatus.SUCCEEDED)
        .order_by(Round.number.desc())
        .limit(1)
    )


def page(
    session: Session, project_id: int, *, labelled: bool, round_id: int | None, after_id: int, limit: int
) -> list[ImageRow]:
    """The next images that have a label, or an accepted pseudo-label of a round.

    Args:
        session: database session.
        project_id: the project.
        labelled: take images with a label.
        round_id: take images without a label that this round's accepted pseudo-labels speak of; None for none.
        after_id: the last id seen.
        limit: how many at most.
    """
    accepted = select(PseudoLabel.image_id).where(
        PseudoLabel.image_id == Image.id,
        PseudoLabel.round_id == round_id,
        PseudoLabel.status == PseudoLabelStatus.ACCEPTED,
    )
    wanted: list[ColumnElement[bool]] = []
    if labelled:
        wanted.append(Image.label_class_id.is_not(None))
    if round_id is not None:
        wanted.append(and_(Image.label_class_id.is_(None), accepted.exists()))
    rows = session.execute(
        select(Image.id, Image.sha256, Image.name, Image.suffix, Image.split, Image.label_class_id)
        # The sum hides the column from its indexes: SQLite would take the one by label and sort everything again for
        # each page, while the primary key is in order already.
        .where(Image.project_id + 0 == project_id, Image.id > after_id, or_(*wanted))
        .order_by(Image.id)
        .limit(limit)
    )
    return [ImageRow(*row) for row in rows]


def votes(session: Session, image_ids: Sequence[int]) -> dict[int, list[Vote]]:
    """Every standing label of these images, oldest first."""
    rows = session.execute(
        select(
            Annotation.image_id,
            ImageClass.id,
            ImageClass.name,
            Annotator.name,
            Annotator.kind,
            Round.number,
            Annotation.created_at,
        )
        .join(ImageClass, ImageClass.id == Annotation.class_id)
        .join(Annotator, Annotator.id == Annotation.annotator_id)
        .outerjoin(Round, Round.id == Annotation.round_id)
        .where(
            Annotation.image_id.in_(image_ids),
            Annotation.superseded_at.is_(None),
            Annotation.action == Action.LABEL,
        )
        .order_by(Annotation.id)
    )
    found: dict[int, list[Vote]] = {}
    for image_id, class_id, class_name, annotator, kind, number, created_at in rows:
        found.setdefault(image_id, []).append(Vote(class_id, class_name, annotator, kind, number, created_at))
    return found


def proposals(session: Session, round_id: int, image_ids: Sequence[int]) -> dict[int, Proposal]:
    """A round's accepted pseudo-labels of these images."""
    rows = session.execute(
        select(PseudoLabel.image_id, ImageClass.name, PseudoLabel.confidence, Round.number, PseudoLabel.created_at)
        .join(ImageClass, ImageClass.id == PseudoLabel.class_id)
        .join(Round, Round.id == PseudoLabel.round_id)
        .where(
            PseudoLabel.round_id == round_id,
            PseudoLabel.image_id.in_(image_ids),
            PseudoLabel.status == PseudoLabelStatus.ACCEPTED,
        )
    )
    return {
        image_id: Proposal(class_name, confidence, number, created_at)
        for image_id, class_name, confidence, number, created_at in rows
    }


def count(session: Session, project_id: int, *, labelled: bool, round_id: int | None) -> int:
    """How many rows an export would have."""
    total = 0
    if labelled:
        total += (
            session.scalar(
                select(func.count()).where(Image.project_id == project_id, Image.label_class_id.is_not(None))
            )
            or 0
        )
    if round_id is not None:
        total += (
            session.scalar(
                select(func.count())
                .select_from(PseudoLabel)
                .join(Image, Image.id == PseudoLabel.image_id)
                .where(
                    PseudoLabel.round_id == round_id,
                    PseudoLabel.status == PseudoLabelStatus.ACCEPTED,
                    Image.label_class_id.is_(None),
                )
            )
            or 0
        )
    return total
