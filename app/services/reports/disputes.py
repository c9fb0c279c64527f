"""What waits for a lead: images that people disagree about or did not know, and what they flagged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from app.db.models import Image
from app.db.queries import disputes as queries
from app.db.queries import projects
from app.db.unit_of_work import UnitOfWork
from app.domain.labels import Action, Queue


@dataclass(frozen=True, kw_only=True)
class Opinion:
    """What one annotator says of an image now; `class_name` is None for a skip, and for who was not sure."""

    who: str
    class_name: str | None
    action: Action
    queue: Queue
    at: datetime
    note: str | None

    @property
    def what(self) -> str:
        """The class, or why there is none."""
        return self.class_name or ("not sure" if self.action is Action.UNSURE else "skipped")


@dataclass(frozen=True, kw_only=True)
class Dispute:
    """An image that waits for a decision, with everybody's answers, oldest first."""

    image: Image
    opinions: list[Opinion]

    @property
    def votes(self) -> Counter[str]:
        """How many people said what."""
        return Counter(said.what for said in self.opinions)


@dataclass(frozen=True, kw_only=True)
class FlagRow:
    """One flag with its image."""

    id: int
    image: Image
    who: str
    note: str
    at: datetime
    resolved_by: str | None
    resolved_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """How much waits for a lead."""

    disputes: int
    flags: int

    @property
    def sentence(self) -> str:
        """For instance "2 images wait for a decision, and 1 flag is open."; empty if nothing waits."""
        parts = []
        if self.disputes:
            parts.append(f"{self.disputes:,} image{'s wait' if self.disputes > 1 else ' waits'} for a decision")
        if self.flags:
            parts.append(f"{self.flags:,} flag{'s are' if self.flags > 1 else ' is'} open")
        return f"{', and '.join(parts)}." if parts else ""


def waiting(uow: UnitOfWork, project_id: int) -> Waiting:
    """How much waits for a lead."""
    return Waiting(disputes=queries.count(uow.session, project_id), flags=queries.flag_count(uow.session, project_id))


def disputes(uow: UnitOfWork, project_id: int, *, after_id: int = 0, limit: int = 24) -> list[Dispute]:
    """Images that wait for a decision, by id; ask for the next page with the last id seen."""
    found = queries.listed(uow.session, project_id, after_id=after_id, limit=limit)
    said = opinions(uow, project_id, [image.id for image in found])
    return [Dispute(image=image, opinions=said.get(image.id, [])) for image in found]


def opinions(uow: UnitOfWork, project_id: int, image_ids: Collection[int]) -> dict[int, list[Opinion]]:
    """What everybody says of these images now, oldest first."""
    names = {one.id: one.name for one in projects.classes(uow.session, project_id)}
    found: dict[int, list[Opinion]] = {}
    for said, who in queries.opinions(uow.session, image_ids):
        found.setdefault(said.image_id, []).append(
            Opinion(
                who=who,
                class_name=names.get(said.class_id, "?") if said.class_id is not None else None,
                action=said.action,
                queue=said.queue,
                at=said.created_at,
                note=said.note,
            )
        )
    return found


def flags(
    uow: UnitOfWork, project_id: int, *, is_open: bool = True, before_id: int = 0, limit: int = 24
) -> list[FlagRow]:
    """Flags, newest first; ask for the next page with the last id seen."""
    return [
        FlagRow(
            id=flag.id,
            image=image,
            who=who,
            note=flag.note,
            at=flag.created_at,
            resolved_by=resolver,
            resolved_at=flag.resolved_at,
        )
        for flag, image, who, resolver in queries.flags(
            uow.session, project_id, is_open=is_open, before_id=before_id, limit=limit
        )
    ]
