"""What several people said of the same images, for measuring how far they agree."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import and_, case, func, or_, select, text
from sqlalchemy.orm import Session, aliased

from app.db.models import Annotation, Annotator, Image
from app.domain.labels import BLIND, Action, AnnotatorKind, Queue

_ROWS = 5000


def answers_of_shared_images(session: Session, project_id: int) -> Iterator[tuple[int, int, AnnotatorKind, int]]:
    """(image, annotator, kind, class) of every label that was given blind, where two or more labels stand; by image.

    People count with what they said before they saw anybody else's answer. Whoever changed their mind later, as the
    one who decides a dispute does, is still counted with that first answer: otherwise every settled dispute would
    vanish from the count, and people would seem to agree the better the more they had argued. An undo brings an
    earlier answer back, so the queue of that one says whether it was blind. Labels that came with an import are given
    too; those of simulated annotators are not.
    """
    standing, before = aliased(Annotation), aliased(Annotation)
    is_own = and_(standing.restores_id.is_(None), or_(standing.queue.in_(BLIND), standing.queue == Queue.IMPORT))
    is_before = and_(before.action == Action.LABEL, before.queue.in_(BLIND))
    rows = session.execute(
        select(
            standing.image_id,
            standing.annotator_id,
            Annotator.kind,
            case((is_own, standing.class_id), else_=before.class_id),
        )
        .select_from(Image)
        .join(standing, and_(standing.image_id == Image.id, standing.superseded_at.is_(None)))
        .join(Annotator, Annotator.id == standing.annotator_id)
        .outerjoin(before, before.id == func.coalesce(standing.restores_id, standing.supersedes_id))
        # Written out, not bound: only so does SQLite see that the partial index answers it.
        .where(
            Image.project_id == project_id,
            text("image.opinions > 1"),
            Annotator.kind != AnnotatorKind.SIMULATED,
            standing.action == Action.LABEL,
            or_(is_own, is_before),
        )
        .order_by(Image.id)
        .execution_options(yield_per=_ROWS)
    )
    yield from rows
