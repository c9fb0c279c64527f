"""Create and change projects and their classes."""

from __future__ import annotations

import math
import secrets
from collections.abc import Sequence
from typing import Any, TypeVar

from sqlalchemy.exc import IntegrityError

from app.db.models import ImageClass, Project
from app.db.queries import images, projects
from app.db.unit_of_work import UnitOfWork
from app.domain.classes import clean_name
from app.domain.splits import DEFAULT_TEST_SIZE
from app.errors import Conflict, Refused
from app.services import annotation, importing_split
from ssmae.config import Acquisition, Preset, RoundConfig, changed, preset_config
from ssmae.errors import InvalidConfig

DEFAULT_VALIDATION_SIZE = 100
DEFAULT_SELECTION_SIZE = 20


def create(
    uow: UnitOfWork,
    *,
    name: str,
    classes: Sequence[str] = (),
    is_sealed: bool = False,
    test_size: int = DEFAULT_TEST_SIZE,
    validation_size: int = DEFAULT_VALIDATION_SIZE,
    selection_size: int = DEFAULT_SELECTION_SIZE,
    strategy: Acquisition = Acquisition.DIVERSE,
    preset: Preset = Preset.QUICK,
    settings: dict[str, Any] | None = None,
) -> Project:
    """Make a project, empty of images.

    Raises:
        Refused: a name, a size or a setting that cannot be used.
        Conflict: the name is taken.
    """
    name = clean_name(name)
    _check_free(uow, name)
    project = Project(
        name=name,
        salt=secrets.token_hex(8),
        is_sealed=is_sealed,
        test_size=_within("test_size", test_size),
        validation_size=_within("validation_size", validation_size),
        selection_size=_within("selection_size", selection_size),
        strategy=strategy,
        preset=preset,
        settings=_checked(settings or {}),
    )
    uow.session.add(project)
    uow.session.flush()
    for class_name in classes:
        add_class(uow, project.id, class_name)
    return project


def update(uow: UnitOfWork, project_id: int, **changes: Any) -> Project:
    """Change any of a project's settings, by the names of their columns.

    Another rule for disputes applies to those that are open and to those that it settled before; decisions stay.

    Raises:
        Refused: an unknown or unusable setting; the test size once the test split is fixed.
        Conflict: the name is taken.
    """
    project = projects.one(uow.session, project_id)
    had_rule = project.adjudication
    for field, value in changes.items():
        if field not in _CHANGEABLE:
            raise Refused(f"A project's {field} cannot be changed.")
        if field in _RANGES:
            _within(field, value)
        if field == "test_size" and value != project.test_size:
            importing_split.change_size(uow, project, value)
        if field == "settings":
            _checked(value)
        if field == "name":
            value = clean_name(value)  # noqa: PLW2901 - the name as it is stored
            if value != project.name:
                _check_free(uow, value)
        setattr(project, field, value)
    uow.session.flush()
    if project.adjudication is not had_rule:
        annotation.settle_disputes(uow, project_id)
    return project


def round_config(
    uow: UnitOfWork, project_id: int, preset: Preset, overrides: dict[str, Any] | None = None
) -> RoundConfig:
    """The settings of a round: the preset for the project's image size, the project's own, then `overrides`.

    Raises:
        Refused: no images yet, or a setting that cannot be used.
    """
    project = projects.one(uow.session, project_id)
    side = images.sides(uow.session, project_id)
    if side is None:
        raise Refused("The project has no images yet: import some first.")
    try:
        return changed(preset_config(preset, side), project.settings, overrides or {})
    except InvalidConfig as error:
        raise Refused(str(error)) from error


def add_class(uow: UnitOfWork, project_id: int, name: str) -> ImageClass:
    """Add a class after the others.

    Raises:
        Refused: the name cannot be used.
        Conflict: the project has that class already.
    """
    name = clean_name(name)
    existing = projects.classes(uow.session, project_id)
    if any(one.name == name for one in existing):
        raise Conflict(f"The project already has a class named {name!r}.")
    added = ImageClass(
        project_id=project_id, name=name, position=max((one.position for one in existing), default=-1) + 1
    )
    uow.session.add(added)
    uow.session.flush()
    return added


def rename_class(uow: UnitOfWork, project_id: int, class_id: int, name: str) -> ImageClass:
    """Give a class another name; every label keeps pointing to it."""
    changed = projects.class_of(uow.session, project_id, class_id)
    changed.name = clean_name(name)
    try:
        uow.session.flush()
    except IntegrityError as error:
        raise Conflict(f"The project already has a class named {name!r}.") from error
    return changed


def remove_class(uow: UnitOfWork, project_id: int, class_id: int) -> None:
    """Remove a class that nothing refers to.

    Raises:
        Refused: images or annotations use it.
    """
    removed = projects.class_of(uow.session, project_id, class_id)
    if projects.class_is_used(uow.session, class_id):
        raise Refused(f"The class {removed.name!r} is in use: relabel its images first.")
    uow.session.delete(removed)
    uow.session.flush()


_RANGES: dict[str, tuple[float, float]] = {
    "test_size": (0, math.inf),
    "validation_size": (0, math.inf),
    "selection_size": (1, math.inf),
    "overlap_share": (0, 1),
    "overlap_size": (2, 5),
    "error_target": (0.001, 0.5),
}
_CHANGEABLE = {"name", "strategy", "preset", "settings", "adjudication", "shows_guess", *_RANGES}

Number = TypeVar("Number", int, float)


def _within(field: str, value: Number) -> Number:
    low, high = _RANGES[field]
    if not low <= value <= high:
        wanted = f"at least {low}" if math.isinf(high) else f"from {low} to {high}"
        raise Refused(f"{field} must be {wanted}. Got {value}.")
    return value


def _checked(settings: dict[str, Any]) -> dict[str, Any]:
    try:
        RoundConfig.from_dict(settings)
    except InvalidConfig as error:
        raise Refused(str(error)) from error
    return settings


def _check_free(uow: UnitOfWork, name: str) -> None:
    if projects.by_name(uow.session, name) is not None:
        raise Conflict(f"There is already a project named {name!r}.")
