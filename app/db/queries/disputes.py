"""Images that wait for a decision, what people said of them, and what they want the leads to look at."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import Row, func, select
from sqlalchemy.orm import Session, aliased

from app.db.models import Annotation, Annotator, Image, ImageFlag
from app.db.queries.images import NEEDS_DECISION
from app.domain.labels import GIVEN
from app.errors import NotFound


def listed(session: Session, project_id: int, *, after_id: int, limit: int) -> Sequence[Image]:
    """Images that wait for a decision, by id; ask for the next page with the last id seen."""
    return session.scalars(
        select(Image)
        .where(Image.project_id == project_id, NEEDS_DECISION, Image.id > after_id)
        .order_by(Image.id)
        .limit(limit)
    ).all()


def count(session: Session, project_id: int) -> int:
    """How many images wait for a decision."""
    return session.scalar(select(func.count()).where(Image.project_id == project_id, NEEDS_DECISION)) or 0


def opinions(session: Session, image_ids: Collection[int]) -> Sequence[Row[Annotation, str]]:
    """Every standing answer to these images with the annotator's name, oldest first."""
    return session.execute(
        select(Annotation, Annotator.name)
        .join(Annotator, Annotator.id == Annotation.annotator_id)
        .where(Annotation.image_id.in_(image_ids), Annotation.superseded_at.is_(None), Annotation.action.in_(GIVEN))
        .order_by(Annotation.id)
    ).all()


def flags(
    session: Session, project_id: int, *, is_open: bool, before_id: int, limit: int
) -> Sequence[Row[ImageFlag, Image, str, str | None]]:
    """(flag, image, who raised it, who resolved it), newest first; ask for the next page with the last id seen."""
    resolver = aliased(Annotator)
    statement = (
        select(ImageFlag, Image, Annotator.name, resolver.name)
        .join(Image, Image.id == ImageFlag.image_id)
        .join(Annotator, Annotator.id == ImageFlag.annotator_id)
        .outerjoin(resolver, resolver.id == ImageFlag.resolved_by)
        .where(
            ImageFlag.project_id == project_id,
            ImageFlag.resolved_at.is_(None) if is_open else ImageFlag.resolved_at.is_not(None),
        )
        .order_by(ImageFlag.id.desc())
        .limit(limit)
    )
    return session.execute(statement.where(ImageFlag.id < before_id) if before_id else statement).all()


def flag_count(session: Session, project_id: int) -> int:
    """How many flags are open."""
    return (
        session.scalar(select(func.count()).where(ImageFlag.project_id == project_id, ImageFlag.resolved_at.is_(None)))
        or 0
    )


def flag(session: Session, flag_id: int) -> ImageFlag:
    """The flag with this id.

    Raises:
        NotFound: there is none.
    """
    found = session.get(ImageFlag, flag_id)
    if found is None:
        raise NotFound(f"There is no flag {flag_id}.")
    return found
