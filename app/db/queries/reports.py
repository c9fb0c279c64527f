"""What the reports read: predictions of test images beside their labels, label counts of rounds, workers.

A test image's label is always the one it has now, so that labelling more of the test split sharpens every round's
accuracy, the old ones included. Every function here is a handful of rows or one grouped statement; nothing loads a
table of images.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Row, Select, and_, case, func, select
from sqlalchemy.orm import Session, aliased

from app.db.models import (
    GateRecord,
    Image,
    Import,
    Prediction,
    PseudoLabel,
    Round,
    Selection,
    Snapshot,
)
from app.db.queries.reviews import newest_result
from app.domain.labels import Queue
from app.domain.pools import Pool, Split
from app.domain.pseudo_labels import PseudoLabelStatus
from app.domain.rounds import RoundStatus
from ssmae.config import Acquisition


def _reportable() -> ColumnElement[bool]:
    """Test images that people have labelled and nobody has excluded."""
    return and_(Image.split == Split.TEST, Image.pool == Pool.LABELLED)


def _is_right() -> ColumnElement[int]:
    return case((Prediction.class_id == Image.label_class_id, 1), else_=0)


def correct_by_round(session: Session, project_id: int) -> dict[int, tuple[int, int]]:
    """(correct, all) labelled test images of each round that predicted them."""
    rows = session.execute(
        select(Prediction.round_id, func.sum(_is_right()), func.count())
        .join(Image, Image.id == Prediction.image_id)
        .where(Image.project_id == project_id, _reportable())
        .group_by(Prediction.round_id)
    )
    return {round_id: (int(correct), count) for round_id, correct, count in rows}


def rounds_with_labels(session: Session, project_id: int) -> Sequence[Row[Round, Snapshot | None]]:
    """Every round but the draft, oldest first, with the snapshot it trained on."""
    return session.execute(
        select(Round, Snapshot)
        .outerjoin(Snapshot, Snapshot.id == Round.snapshot_id)
        .where(Round.project_id == project_id, Round.status != RoundStatus.DRAFT)
        .order_by(Round.number)
    ).all()


def gate_records(session: Session, project_id: int) -> Sequence[Row[int, GateRecord]]:
    """(round number, decision) of every decision of the gate, in order."""
    return session.execute(
        select(Round.number, GateRecord)
        .join(Round, Round.id == GateRecord.round_id)
        .where(Round.project_id == project_id)
        .order_by(Round.number, GateRecord.check_number)
    ).all()


def confusion(session: Session, round_id: int) -> Sequence[Row[int | None, int, int]]:
    """(class by people, class by the model, count) over the labelled test images."""
    return session.execute(
        select(Image.label_class_id, Prediction.class_id, func.count())
        .join(Image, Image.id == Prediction.image_id)
        .where(Prediction.round_id == round_id, _reportable())
        .group_by(Image.label_class_id, Prediction.class_id)
    ).all()


def predicted_images(
    session: Session, round_id: int, *, true_class_id: int, predicted_class_id: int, limit: int
) -> Sequence[Row[Image, Prediction]]:
    """The test images behind one cell of the confusion matrix, most confident first."""
    statement = _predictions(round_id).where(
        Image.label_class_id == true_class_id, Prediction.class_id == predicted_class_id
    )
    return session.execute(statement.limit(limit)).all()


def mistakes(session: Session, round_id: int, limit: int) -> Sequence[Row[Image, Prediction]]:
    """The test images that the model got wrong, most confident first."""
    statement = _predictions(round_id).where(Prediction.class_id != Image.label_class_id)
    return session.execute(statement.limit(limit)).all()


def _predictions(round_id: int) -> Select[Image, Prediction]:
    return (
        select(Image, Prediction)
        .join(Prediction, Prediction.image_id == Image.id)
        .where(Prediction.round_id == round_id, _reportable())
        .order_by(Prediction.confidence.desc(), Image.id)
    )


def paired(session: Session, first_id: int, second_id: int) -> tuple[int, int, int, int]:
    """(both right, only the first right, only the second right, both wrong) over the test images both predicted."""
    first, second = aliased(Prediction), aliased(Prediction)
    is_first, is_second = first.class_id == Image.label_class_id, second.class_id == Image.label_class_id
    counts = session.execute(
        select(
            func.sum(case((and_(is_first, is_second), 1), else_=0)),
            func.sum(case((and_(is_first, ~is_second), 1), else_=0)),
            func.sum(case((and_(~is_first, is_second), 1), else_=0)),
            func.sum(case((and_(~is_first, ~is_second), 1), else_=0)),
        )
        .select_from(Image)
        .join(first, and_(first.image_id == Image.id, first.round_id == first_id))
        .join(second, and_(second.image_id == Image.id, second.round_id == second_id))
        .where(_reportable())
    ).one()
    both, only_first, only_second, neither = (int(count or 0) for count in counts)
    return both, only_first, only_second, neither


def selection_counts(session: Session, round_id: int) -> dict[Queue, tuple[int, int]]:
    """(settled, all) images of each queue that a draft asks about; settled ones carry a label or are excluded."""
    is_settled = case((Image.pool.in_([Pool.LABELLED, Pool.EXCLUDED]), 1), else_=0)
    rows = session.execute(
        select(Selection.queue, func.sum(is_settled), func.count())
        .join(Image, Image.id == Selection.image_id)
        .where(Selection.round_id == round_id)
        .group_by(Selection.queue)
    )
    return {queue: (int(settled), count) for queue, settled, count in rows}


def selection_strategies(session: Session, round_id: int) -> Sequence[Row[Acquisition, int]]:
    """(strategy, count) of the images that a draft's selection names, most frequent first."""
    return session.execute(
        select(Selection.strategy, func.count())
        .where(Selection.round_id == round_id, Selection.queue == Queue.SELECTION)
        .group_by(Selection.strategy)
        .order_by(func.count().desc())
    ).all()


def accepted(session: Session, project_id: int) -> int:
    """How many images carry an accepted pseudo-label now."""
    return (
        session.scalar(
            select(func.count()).where(
                PseudoLabel.round_id == newest_result(project_id), PseudoLabel.status == PseudoLabelStatus.ACCEPTED
            )
        )
        or 0
    )


def last_imports(session: Session, project_id: int, limit: int) -> Sequence[Import]:
    """The newest imports, newest first."""
    return session.scalars(
        select(Import).where(Import.project_id == project_id).order_by(Import.id.desc()).limit(limit)
    ).all()
