"""Annotators and what they said."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import Row, func, select
from sqlalchemy.orm import Session

from app.db.models import Annotation, Annotator, Image
from app.db.queries.images import SHARED
from app.domain.labels import Action, AnnotatorKind
from app.errors import NotFound


def annotator(session: Session, name: str) -> Annotator | None:
    """The annotator of this name, if there is one."""
    return session.scalar(select(Annotator).where(Annotator.name == name))


def annotator_by_id(session: Session, annotator_id: int) -> Annotator:
    """The annotator with this id.

    Raises:
        NotFound: there is none.
    """
    found = session.get(Annotator, annotator_id)
    if found is None:
        raise NotFound(f"There is no annotator {annotator_id}.")
    return found


def by_uid(session: Session, uid: str) -> Annotation | None:
    """The annotation that was sent under this uid, if it arrived."""
    return session.scalar(select(Annotation).where(Annotation.uid == uid))


def current(session: Session, image_id: int, annotator_id: int) -> Annotation | None:
    """What this annotator now says of this image."""
    return session.scalar(
        select(Annotation).where(
            Annotation.image_id == image_id,
            Annotation.annotator_id == annotator_id,
            Annotation.superseded_at.is_(None),
        )
    )


def standing(session: Session, image_id: int) -> Sequence[Row[Annotation, AnnotatorKind]]:
    """Everybody's standing act on one image, withdrawals apart, with who they are, oldest first."""
    return session.execute(
        select(Annotation, Annotator.kind)
        .join(Annotator, Annotator.id == Annotation.annotator_id)
        .where(
            Annotation.image_id == image_id,
            Annotation.superseded_at.is_(None),
            Annotation.action != Action.WITHDRAW,
        )
        .order_by(Annotation.id)
    ).all()


def disagreed(session: Session, project_id: int) -> Sequence[int]:
    """Images of which people's standing labels name several classes, by id."""
    return session.scalars(
        select(Image.id)
        .join(Annotation, Annotation.image_id == Image.id)
        .join(Annotator, Annotator.id == Annotation.annotator_id)
        .where(
            Image.project_id == project_id,
            SHARED,
            Annotation.superseded_at.is_(None),
            Annotation.action == Action.LABEL,
            Annotator.kind != AnnotatorKind.IMPORT,
        )
        .group_by(Image.id)
        .having(func.count(Annotation.class_id.distinct()) > 1)
        .order_by(Image.id)
    ).all()


def undone_together(session: Session, annotator_id: int, batch: str) -> Sequence[Annotation]:
    """The acts that one undo wrote, in their order."""
    return session.scalars(
        select(Annotation)
        .where(Annotation.annotator_id == annotator_id, Annotation.batch == batch)
        .order_by(Annotation.id)
    ).all()


def of_batch(session: Session, annotator_id: int, batch: str) -> Sequence[Annotation]:
    """The standing acts that an annotator gave together, newest first."""
    return session.scalars(
        select(Annotation)
        .where(
            Annotation.annotator_id == annotator_id,
            Annotation.batch == batch,
            Annotation.superseded_at.is_(None),
            Annotation.action != Action.WITHDRAW,
        )
        .order_by(Annotation.id.desc())
    ).all()


def last_by(session: Session, project_id: int, annotator_id: int) -> Annotation | None:
    """The annotator's newest act in the project that still stands: what an undo takes back."""
    standing = select(Annotation).where(
        Annotation.project_id == project_id,
        Annotation.annotator_id == annotator_id,
        Annotation.superseded_at.is_(None),
        Annotation.action != Action.WITHDRAW,
    )
    # What an undo brought back counts as old as it was; both statements read the history's index from its end.
    plain = session.scalar(standing.where(Annotation.restores_id.is_(None)).order_by(Annotation.id.desc()).limit(1))
    since = plain.id if plain else 0
    brought_back = session.scalar(
        standing.where(Annotation.id > since, Annotation.restores_id > since)
        .order_by(Annotation.restores_id.desc())
        .limit(1)
    )
    return brought_back or plain


def by_id(session: Session, annotation_id: int | None) -> Annotation | None:
    """The annotation with this id, if one is named."""
    return None if annotation_id is None else session.get(Annotation, annotation_id)


def names(session: Session, annotator_ids: Collection[int]) -> dict[int, str]:
    """The names of these annotators."""
    rows = session.scalars(select(Annotator).where(Annotator.id.in_(annotator_ids)))
    return {row.id: row.name for row in rows}
