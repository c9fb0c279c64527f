"""Projects and classes."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from app.db.models import Annotation, Image, ImageClass, Project, PseudoLabel
from app.errors import NotFound


def every(session: Session) -> Sequence[Project]:
    """All projects, oldest first."""
    return session.scalars(select(Project).order_by(Project.id)).all()


def one(session: Session, project_id: int, *, lock: bool = False) -> Project:
    """The project with this id; with `lock`, nobody else opens or queues its rounds until the transaction ends.

    Raises:
        NotFound: there is none.
    """
    # Not FOR UPDATE: that would also hold up whoever adds a row that refers to the project.
    project = session.get(Project, project_id, with_for_update={"key_share": True} if lock else None)
    if project is None:
        raise NotFound(f"There is no project {project_id}.")
    return project


def by_name(session: Session, name: str) -> Project | None:
    """The project with this name, if there is one."""
    return session.scalar(select(Project).where(Project.name == name))


def classes(session: Session, project_id: int) -> Sequence[ImageClass]:
    """The project's classes in their order; the place in this list is the class index of a new round."""
    return session.scalars(
        select(ImageClass).where(ImageClass.project_id == project_id).order_by(ImageClass.position)
    ).all()


def class_of(session: Session, project_id: int, class_id: int) -> ImageClass:
    """One class of this project.

    Raises:
        NotFound: the project has no such class.
    """
    found = session.get(ImageClass, class_id)
    if found is None or found.project_id != project_id:
        raise NotFound(f"Project {project_id} has no class {class_id}.")
    return found


def class_is_used(session: Session, class_id: int) -> bool:
    """Whether any annotation, image or pseudo-label speaks of the class."""
    uses = (
        exists().where(Annotation.class_id == class_id),
        exists().where(Image.label_class_id == class_id),
        exists().where(Image.sealed_class_id == class_id),
        exists().where(Image.hint_class_id == class_id),
        exists().where(PseudoLabel.class_id == class_id),
    )
    return any(session.scalar(select(use)) for use in uses)
