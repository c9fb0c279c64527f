"""Write what an import took, a batch a transaction: rows, labels, refusals and the cursor stand or fall together.

Every batch first moves the cursor from where this process believes it is; a second process that runs the same import
finds it elsewhere and stops, so nothing is counted twice.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Table, insert, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.db.base import now
from app.db.models import Annotation, Image, ImageClass, Import, ImportRefusal
from app.db.queries import imports, projects
from app.db.unit_of_work import Database, UnitOfWork
from app.domain.classes import clean_name
from app.domain.labels import Action, AnnotatorKind, Queue
from app.domain.pools import Pool, Split
from app.domain.rounds import ImportStatus, LabelUse
from app.domain.splits import draw
from app.errors import Conflict, Refused
from app.formats.images import ImageFacts
from app.formats.layout import Survey
from app.services import annotation, importing_split

ANNOTATOR = "import"
_COLUMNS = {
    LabelUse.LABELS: "label_class_id",
    LabelUse.SEALED: "sealed_class_id",
    LabelUse.HINTS: "hint_class_id",
}
_NAMESPACE = uuid.UUID("9d1f3c52-5f0e-4c6b-8a55-0e6a2c1b7d43")


class TakenOver(Conflict):
    """Another process runs the import now: stop, and leave the row to it."""


@dataclass(frozen=True, kw_only=True)
class Taken:
    """One entry after it was read: facts and hash, or the reason why it is refused."""

    position: str
    name: str
    class_name: str | None
    split: Split | None
    sha256: str | None = None
    size: int = 0
    facts: ImageFacts | None = None
    reason: str = ""


@dataclass
class _Draft:
    """What one batch is going to write."""

    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    attached: dict[int, int] = field(default_factory=dict)
    pseudo_labelled: set[int] = field(default_factory=set)
    refused: list[tuple[str, str]] = field(default_factory=list)
    duplicates: int = 0

    def refuse(self, one: Taken, reason: str) -> None:
        self.refused.append((one.name.replace("\0", "\\0"), reason.replace("\0", "\\0")))


class Batches:
    """Writes the batches of one run of one import."""

    def __init__(self, database: Database, row: Import) -> None:
        self.import_id, self.source, self.cursor = row.id, row.source, row.cursor
        self._database, self._project_id = database, row.project_id
        self._add_classes, self._label_use = row.add_classes, row.label_use
        self._column = _COLUMNS.get(row.label_use)
        self._class_ids: dict[str, int] = {}
        self._places: dict[str, int] = {}

    def begin(self, survey: Survey) -> None:
        """Write down the total, keep places for the announced classes in natural order, and draw the test split."""
        with self._database.writing() as uow:
            uow.session.execute(update(Import).where(Import.id == self.import_id).values(total=survey.total))
            project = imports.locked_project(uow.session, self._project_id)
            # No more than what the project will surely have: a split that then only shrinks disturbs nobody's work.
            there = imports.count_images(uow.session, self._project_id)
            importing_split.redraw(uow, project, max(there, survey.likely_images or survey.total))
            first = 1 + max((one.position for one in self._known_classes(uow)), default=-1)
            names = [name for name in survey.class_names if not self.refusal_of_class(name)]
            self._places = {clean_name(name): first + at for at, name in enumerate(names)}
            uow.commit()

    def end(self) -> None:
        """Draw the test split by the number of images that there really are now."""
        with self._database.writing() as uow:
            project = imports.locked_project(uow.session, self._project_id)
            importing_split.redraw(uow, project, imports.count_images(uow.session, self._project_id))
            uow.analyse(Image, Annotation)
            uow.commit()

    def refusal_of_class(self, class_name: str | None) -> str:
        """Why an image of this class is refused; empty if it is not."""
        if class_name is None or class_name in self._class_ids or not self._uses_classes:
            return ""
        try:
            name = clean_name(class_name)
        except Refused as refusal:
            return str(refusal)
        if self._add_classes or name in self._class_ids:
            return ""
        known = ", ".join(sorted(self._class_ids)[:20]) or "none"
        return f"Unknown class {name!r}; the project's classes are: {known}."

    def commit(self, batch: Sequence[Taken]) -> None:
        """Write a batch and move the cursor behind its last entry.

        Raises:
            TakenOver: another process has taken the import over; nothing of the batch was written.
        """
        with self._database.writing() as uow:
            self._move_cursor(uow.session, batch[-1].position)
            project = imports.locked_project(uow.session, self._project_id)
            draft = self._draft(uow, batch, project.salt, project.test_share or 0.0)
            added, labelled = self._insert(uow, draft)
            self._attach(uow, draft)
            self._count(uow.session, draft, added, labelled + len(draft.attached))
            uow.commit()
        self.cursor = batch[-1].position

    @property
    def _uses_classes(self) -> bool:
        """With classes ignored, unknown names are kept if they may be, and refuse nothing if not."""
        return self._label_use is not LabelUse.IGNORED or self._add_classes

    def _move_cursor(self, session: Session, position: str) -> None:
        moved = session.scalar(
            update(Import)
            .where(
                Import.id == self.import_id,
                Import.status == ImportStatus.RUNNING,
                Import.cursor.is_not_distinct_from(self.cursor),
            )
            .values(cursor=position, updated_at=now())
            .returning(Import.id)
        )
        if moved is None:
            raise TakenOver(f"Import {self.import_id} was taken over by another process.")

    def _known_classes(self, uow: UnitOfWork) -> Sequence[ImageClass]:
        known = projects.classes(uow.session, self._project_id)
        self._class_ids = {one.name: one.id for one in known}
        return known

    def _class_id(self, uow: UnitOfWork, one: Taken) -> int | None:
        """The class of an entry that is accepted, added if the project does not have it; the project is locked."""
        if one.class_name is None or not self._uses_classes:
            return None
        name = clean_name(one.class_name)
        if name not in self._class_ids:
            taken = {known.position for known in self._known_classes(uow)}
            if name not in self._class_ids and self._add_classes:
                place = self._places.get(name)
                if place is None or place in taken:
                    place = 1 + max(taken | set(self._places.values()), default=-1)
                added = ImageClass(project_id=self._project_id, name=name, position=place)
                uow.session.add(added)
                uow.session.flush()
                self._class_ids[name] = added.id
        return self._class_ids[name] if self._column else None

    def _draft(self, uow: UnitOfWork, batch: Sequence[Taken], salt: str, share: float) -> _Draft:
        """Decide on each entry in order: new, already there, or refused."""
        there = imports.by_hash(uow.session, self._project_id, [one.sha256 for one in batch if one.sha256])
        draft = _Draft()
        for one in batch:
            if one.sha256 in there:
                self._meet(uow, draft, one, there[one.sha256])
            elif one.reason or one.sha256 is None or one.facts is None:
                draft.refuse(one, one.reason)
            elif (twin := draft.rows.get(one.sha256)) is not None:
                self._meet_twin(uow, draft, one, twin)
            else:
                class_id = self._class_id(uow, one)
                draft.rows[one.sha256] = self._row(one, one.sha256, one.facts, class_id, salt, share)
        return draft

    def _meet(self, uow: UnitOfWork, draft: _Draft, one: Taken, image: Image) -> None:
        """The image is there already: take its class over if it has none, refuse what contradicts."""
        current = draft.attached.get(image.id, getattr(image, self._column) if self._column else None)
        reason = self._contradiction(one, current, image.split, image.name)
        if one.class_name and self._column and current is None and image.pool is Pool.EXCLUDED:
            reason = reason or "The image is there but excluded: take it back before labelling it."
        if reason:
            draft.refuse(one, reason)
            return
        class_id = self._class_id(uow, one)
        if class_id is not None and current is None:
            draft.attached[image.id] = class_id
            if image.pool is Pool.PSEUDO_LABELLED:
                draft.pseudo_labelled.add(image.id)
        draft.duplicates += 1

    def _meet_twin(self, uow: UnitOfWork, draft: _Draft, one: Taken, twin: dict[str, Any]) -> None:
        """The same bytes came twice in this batch."""
        current = twin[self._column] if self._column else None
        if reason := self._contradiction(one, current, twin["split"], twin["name"]):
            draft.refuse(one, reason)
            return
        class_id = self._class_id(uow, one)
        if class_id is not None and self._column:
            twin[self._column] = class_id
        draft.duplicates += 1

    def _contradiction(self, one: Taken, current: int | None, split: Split, name: str) -> str:
        """Why the entry cannot be about the image that is there; a sealed one is neither named nor classed.

        The file's own path, which may say a class, stands beside the reason: with the image's name it would unseal it.
        """
        names = {number: known for known, number in self._class_ids.items()}
        is_sealed = self._label_use is LabelUse.SEALED
        there = "The same image is there" if is_sealed else f"The same image is there as {name!r}"
        says = clean_name(one.class_name) if one.class_name and self._column else None
        if says is not None and current is not None and self._class_ids.get(says) != current:
            if is_sealed:
                return f"{there} with another class, which is sealed."
            return f"{there} with class {names.get(current, '?')!r}; this says {says!r}."
        is_test = split is Split.TEST
        if one.split is not None and is_test is not (one.split is Split.TEST):
            return f"{there} in the {'test' if is_test else 'train'} split, which is fixed."
        return ""

    def _row(
        self, one: Taken, sha256: str, facts: ImageFacts, class_id: int | None, salt: str, share: float
    ) -> dict[str, Any]:
        number = draw(sha256, salt)
        row = {
            "project_id": self._project_id,
            "import_id": self.import_id,
            "sha256": sha256,
            # The path of a sealed image may say its class, and people see the path.
            "name": f"{sha256[:12]}{facts.suffix}" if self._label_use is LabelUse.SEALED else one.name,
            "suffix": facts.suffix,
            "width": facts.width,
            "height": facts.height,
            "size": one.size,
            "draw": number,
            "split": one.split or (Split.TEST if number < share else Split.TRAIN),
            "split_is_given": one.split is not None,
            "pool": Pool.UNLABELLED,
            **dict.fromkeys(_COLUMNS.values()),
            "created_at": now(),
        }
        if self._column:
            row[self._column] = class_id
        return row

    def _insert(self, uow: UnitOfWork, draft: _Draft) -> tuple[int, int]:
        """Insert the new images and, with LabelUse.LABELS, what the import says of them; (added, labelled)."""
        if not draft.rows:
            return 0, 0
        for row in draft.rows.values():
            row["pool"] = Pool.LABELLED if row["label_class_id"] is not None else Pool.UNLABELLED
        statement = _insert_new(uow.session, Image.__table__).returning(Image.id, Image.sha256)
        ids = {sha256: image_id for image_id, sha256 in uow.session.execute(statement, list(draft.rows.values()))}
        # Another import may have brought the same image a moment ago.
        draft.duplicates += len(draft.rows) - len(ids)
        classes = {ids[sha256]: draft.rows[sha256][self._column] if self._column else None for sha256 in ids}
        labelled = {image_id: class_id for image_id, class_id in classes.items() if class_id is not None}
        if self._label_use is LabelUse.LABELS:
            self._annotate(uow, labelled)
        return len(ids), len(labelled)

    def _attach(self, uow: UnitOfWork, draft: _Draft) -> None:
        """Give classes to images that were there without one."""
        if not draft.attached or self._column is None:
            return
        if self._label_use is not LabelUse.LABELS:
            self._set(uow.session, draft.attached, {})
            return
        annotator_id = annotation.annotator(uow, ANNOTATOR, AnnotatorKind.IMPORT).id
        # No label means that nobody's answer stands, so this one decides; anything else takes the long way.
        special = imports.answered_by(uow.session, annotator_id, draft.attached) | draft.pseudo_labelled
        plain = {image_id: class_id for image_id, class_id in draft.attached.items() if image_id not in special}
        self._annotate(uow, plain)
        self._set(uow.session, plain, {"pool": Pool.LABELLED, "needs_decision": False})
        for image_id in special:
            annotation.answer(
                uow,
                uid=self._uid(image_id),
                image_id=image_id,
                annotator_id=annotator_id,
                action=Action.LABEL,
                class_id=draft.attached[image_id],
                queue=Queue.IMPORT,
            )

    def _set(self, session: Session, class_ids: dict[int, int], also: dict[str, Any]) -> None:
        if class_ids:
            rows = [{"id": image_id, self._column: class_id, **also} for image_id, class_id in class_ids.items()]
            session.execute(update(Image), rows)

    def _annotate(self, uow: UnitOfWork, class_ids: dict[int, int]) -> None:
        if not class_ids:
            return
        annotator = annotation.annotator(uow, ANNOTATOR, AnnotatorKind.IMPORT)
        rows = [
            {
                "uid": self._uid(image_id),
                "project_id": self._project_id,
                "image_id": image_id,
                "annotator_id": annotator.id,
                "action": Action.LABEL,
                "class_id": class_id,
                "queue": Queue.IMPORT,
                "created_at": now(),
            }
            for image_id, class_id in class_ids.items()
        ]
        uow.session.execute(_insert_new(uow.session, Annotation.__table__), rows)

    def _uid(self, image_id: int) -> str:
        return str(uuid.uuid5(_NAMESPACE, f"{self.import_id}:{image_id}"))

    def _count(self, session: Session, draft: _Draft, added: int, labelled: int) -> None:
        session.execute(
            update(Import)
            .where(Import.id == self.import_id)
            .values(
                added=Import.added + added,
                duplicates=Import.duplicates + draft.duplicates,
                refused=Import.refused + len(draft.refused),
                labelled=Import.labelled + labelled,
            )
        )
        if draft.refused:
            session.execute(
                insert(ImportRefusal),
                [{"import_id": self.import_id, "name": name, "reason": reason} for name, reason in draft.refused],
            )


def _insert_new(session: Session, table: Any) -> Any:
    """An INSERT that passes over rows that are there already."""
    assert isinstance(table, Table)
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    return dialect.insert(table).on_conflict_do_nothing()
