"""What several people said of the same images, for measuring how far they agree."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import ColumnElement, Row, and_, func, or_, select
from sqlalchemy.orm import Session, aliased
from sqlalchemy.orm.util import AliasedClass

from app.db.models import Annotation, Annotator, Image
from app.db.queries.images import SHARED
from app.domain.labels import BLIND, Action, AnnotatorKind

_ROWS = 5000


def answers_of_shared_images(session: Session, project_id: int) -> Iterable[Row[int, int, int]]:
    """(image, annotator, class) of every label that a person gave blind, where several people's labels stand; by image.

    People count with what they said before they saw anybody else's answer. Whoever changed their mind later, as the
    one who decides a dispute does, is still counted with that first answer: otherwise every settled dispute would
    vanish from the count, and people would seem to agree the better the more they had argued.
    """
    said = aliased(Annotation)
    return session.execute(
        select(said.image_id, said.annotator_id, said.class_id)
        .select_from(Image)
        .join(said, said.image_id == Image.id)
        .join(Annotator, Annotator.id == said.annotator_id)
        .where(
            Image.project_id == project_id,
            SHARED,
            Annotator.kind == AnnotatorKind.PERSON,
            _is_first_blind(said),
        )
        .order_by(Image.id)
        .execution_options(yield_per=_ROWS)
    )


def against_imported(
    session: Session, project_id: int, annotator_ids: Sequence[int]
) -> Sequence[Row[int, int | None, int | None, int]]:
    """(annotator, their class, class by the import, images) of images that people answered blind.

    They count as in `answers_of_shared_images`, whatever they said later.
    """
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
            _is_first_blind(said),
            given.superseded_at.is_(None),
            given.action == Action.LABEL,
        )
        .group_by(said.annotator_id, said.class_id, given.class_id)
    ).all()


def _is_first_blind(said: type[Annotation] | AliasedClass[Annotation]) -> ColumnElement[bool]:
    """Whether an act is the first blind label of its annotator for its image that they did not take back."""
    first = aliased(Annotation)
    earliest = (
        select(func.min(first.id))
        .where(
            first.image_id == said.image_id,
            first.annotator_id == said.annotator_id,
            _is_blind_label(first),
            ~_is_taken_back(first),
        )
        .correlate(said)
        .scalar_subquery()
    )
    return and_(_is_blind_label(said), said.id == earliest)


def _is_blind_label(act: type[Annotation] | AliasedClass[Annotation]) -> ColumnElement[bool]:
    return and_(act.action == Action.LABEL, act.queue.in_(BLIND), act.restores_id.is_(None))


def _is_taken_back(act: type[Annotation] | AliasedClass[Annotation]) -> ColumnElement[bool]:
    """Whether its annotator took an act back: as it was given, or as an undo of a later one had restored it.

    Acts of one image are found by the image: nothing else is indexed.
    """
    given, undo = aliased(Annotation), aliased(Annotation)
    return (
        select(undo.id)
        .join(given, given.id == undo.supersedes_id)
        .where(
            undo.image_id == act.image_id,
            or_(given.id == act.id, given.restores_id == act.id),
            # Bringing an excluded image back restores what stands: that takes nothing back.
            or_(undo.action == Action.WITHDRAW, undo.restores_id != act.id),
        )
        .correlate(act)
        .exists()
    )
