"""Imports, what they refused, and the images that are there already."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import Exists, and_, exists, func, or_, select, update
from sqlalchemy.orm import Session

from app.db.models import Annotation, Annotator, Image, Import, ImportRefusal, Project, Round
from app.domain.labels import AnnotatorKind
from app.domain.pools import Split
from app.domain.rounds import ImportStatus
from app.errors import NotFound


def one(session: Session, import_id: int) -> Import:
    """The import with this id, as the database has it now.

    Raises:
        NotFound: there is none.
    """
    found = session.get(Import, import_id, populate_existing=True)
    if found is None:
        raise NotFound(f"There is no import {import_id}.")
    return found


def listed(session: Session, project_id: int, limit: int) -> Sequence[Import]:
    """The project's imports, newest first."""
    return session.scalars(
        select(Import).where(Import.project_id == project_id).order_by(Import.id.desc()).limit(limit)
    ).all()


def newest_of(session: Session, project_id: int, source: str) -> Import | None:
    """The last import of one source into the project."""
    return session.scalar(
        select(Import)
        .where(Import.project_id == project_id, Import.source == source)
        .order_by(Import.id.desc())
        .limit(1)
    )


def lost(session: Session, waiting_since: datetime, running_since: datetime) -> Sequence[Import]:
    """Imports that wait for a worker, or whose worker fell silent, since before these times."""
    return session.scalars(
        select(Import)
        .where(
            or_(
                and_(Import.status == ImportStatus.QUEUED, Import.updated_at < waiting_since),
                and_(Import.status == ImportStatus.RUNNING, Import.updated_at < running_since),
            )
        )
        .with_for_update(skip_locked=True)
    ).all()


def refusals(session: Session, import_id: int, *, after_id: int = 0, limit: int = 100) -> Sequence[ImportRefusal]:
    """What the import refused, in its order; ask for the next page with the last id seen."""
    return session.scalars(
        select(ImportRefusal)
        .where(ImportRefusal.import_id == import_id, ImportRefusal.id > after_id)
        .order_by(ImportRefusal.id)
        .limit(limit)
    ).all()


def by_hash(session: Session, project_id: int, hashes: Iterable[str]) -> dict[str, Image]:
    """The project's images with these contents; nobody else labels them until the transaction ends."""
    found = session.scalars(
        select(Image).where(Image.project_id == project_id, Image.sha256.in_(set(hashes))).with_for_update()
    )
    return {image.sha256: image for image in found}


def answered_by(session: Session, annotator_id: int, image_ids: Iterable[int]) -> set[int]:
    """Those of the images of which this annotator has said something that stands."""
    return set(
        session.scalars(
            select(Annotation.image_id).where(
                Annotation.annotator_id == annotator_id,
                Annotation.superseded_at.is_(None),
                Annotation.image_id.in_(set(image_ids)),
            )
        )
    )


def locked_project(session: Session, project_id: int) -> Project:
    """The project; nobody else adds classes or fixes its test share until the transaction ends."""
    return session.scalars(
        select(Project).where(Project.id == project_id).with_for_update().execution_options(populate_existing=True)
    ).one()


def count_images(session: Session, project_id: int) -> int:
    """How many images the project has, excluded ones too."""
    return session.scalar(select(func.count()).select_from(Image).where(Image.project_id == project_id)) or 0


def split_is_untouched(session: Session, project_id: int) -> bool:
    """Whether the test split may still be drawn anew: nobody answered in it and no round was ever queued.

    Labels that came with an import are not answers: nobody was asked.
    """
    queued = exists().where(Round.project_id == project_id, Round.queued_at.is_not(None))
    answered = _asked(project_id).where(Image.id == Annotation.image_id, Image.split == Split.TEST)
    return not session.scalar(select(or_(queued, answered)))


def nothing_was_asked(session: Session, project_id: int) -> bool:
    """Whether the project has neither a round, drafts included, nor an answer."""
    return not session.scalar(select(or_(exists().where(Round.project_id == project_id), _asked(project_id))))


def resplit(session: Session, project_id: int, share: float) -> None:
    """Draw the test split by another share; splits that a source named stay."""
    drawn = update(Image).where(Image.project_id == project_id, Image.split_is_given.is_(False))
    leaves = drawn.where(Image.split == Split.TEST, Image.draw >= share).values(split=Split.TRAIN)
    joins = drawn.where(Image.split == Split.TRAIN, Image.draw < share).values(split=Split.TEST)
    for statement in (leaves, joins):
        session.execute(statement, execution_options={"synchronize_session": False})


def _asked(project_id: int) -> Exists:
    # By annotator, because there is an index: imported labels may be a million.
    asked = select(Annotator.id).where(Annotator.kind != AnnotatorKind.IMPORT)
    return exists().where(Annotation.project_id == project_id, Annotation.annotator_id.in_(asked))
