"""What several people said of the same images, for measuring how far they agree."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import Row, and_, case, func, or_, select
from sqlalchemy.orm import Session, aliased

from app.db.models import Annotation, Annotator, Image
from app.db.queries.images import SHARED
from app.domain.labels import BLIND, Action, AnnotatorKind

_ROWS = 5000


def answers_of_shared_images(session: Session, project_id: int) -> Iterable[Row[int, int, int]]:
    """(image, annotator, class) of every label that a person gave blind, where several people's labels stand; by image.

    People count with what they said before they saw anybody else's answer. Whoever changed their mind later, as the
    one who decides a dispute does, is still counted with that first answer: otherwise every settled dispute would
    vanish from the count, and people would seem to agree the better the more they had argued. An undo brings an
    earlier answer back, so the queue of that one says whether it was blind.
    """
    standing, before = aliased(Annotation), aliased(Annotation)
    is_own = and_(standing.restores_id.is_(None), standing.queue.in_(BLIND))
    is_before = and_(before.action == Action.LABEL, before.queue.in_(BLIND))
    return session.execute(
        select(standing.image_id, standing.annotator_id, case((is_own, standing.class_id), else_=before.class_id))
        .select_from(Image)
        .join(standing, and_(standing.image_id == Image.id, standing.superseded_at.is_(None)))
        .join(Annotator, Annotator.id == standing.annotator_id)
        .outerjoin(before, before.id == func.coalesce(standing.restores_id, standing.supersedes_id))
        .where(
            Image.project_id == project_id,
            SHARED,
            Annotator.kind == AnnotatorKind.PERSON,
            standing.action == Action.LABEL,
            or_(is_own, is_before),
        )
        .order_by(Image.id)
        .execution_options(yield_per=_ROWS)
    )


def against_imported(
    session: Session, project_id: int, annotator_ids: Sequence[int]
) -> Sequence[Row[int, int | None, int | None, int]]:
    """(annotator, their class, class by the import, images) of images that people answered blind."""
    imports = session.scalars(
        select(Annotator.id).where(
            Annotator.kind == AnnotatorKind.IMPORT,
            select(Annotation.id)
            .where(Annotation.project_id == project_id, Annotation.annotator_id == Annotator.id)
            .exists(),
        )
    ).all()
    if not imports:
        return []
    said, given = aliased(Annotation), aliased(Annotation)
    return session.execute(
        select(said.annotator_id, said.class_id, given.class_id, func.count())
        .join(given, and_(given.image_id == said.image_id, given.annotator_id.in_(imports)))
        .where(
            said.project_id == project_id,
            said.annotator_id.in_(annotator_ids),
            said.superseded_at.is_(None),
            said.action == Action.LABEL,
            said.queue.in_(BLIND),
            given.superseded_at.is_(None),
            given.action == Action.LABEL,
        )
        .group_by(said.annotator_id, said.class_id, given.class_id)
    ).all()
