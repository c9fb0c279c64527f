"""A project without files, and a worker that is played: for tests of services, reports and pages.

Rows are made by the services wherever there is one; only images are written directly, because an import needs files.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.db.models import Annotation, Annotator, Image, Import, PseudoLabel, Round, Selection
from app.db.queries import images as image_queries
from app.db.queries import projects as project_queries
from app.db.queries import reviews
from app.db.queries import rounds as round_queries
from app.db.unit_of_work import Database, UnitOfWork, committed
from app.domain.labels import Action, Queue
from app.domain.pools import Pool, Split
from app.domain.pseudo_labels import PseudoLabelStatus
from app.domain.rounds import ImportStatus, LabelUse
from app.services import annotation, leases, projects, publishing, rounds
from app.services.publishing import Chosen, Proposal, Reported
from app.storage import Storage
from ssmae.config import Acquisition, Phase, RejectionReason


class World:
    """One database, one storage, one project with classes and images."""

    def __init__(self, database_url: str, folder: Path) -> None:
        self.messages: list[tuple[str, int]] = []
        self.database = Database(database_url, lambda task, row: self.messages.append((task, row)))
        self.storage = Storage(folder / "files")
        self._uids = itertools.count(1)
        self.project_id = 0
        self.class_ids: list[int] = []

    def close(self) -> None:
        """Let go of the database."""
        self.database.engine.dispose()

    def writing(self) -> Any:
        """A unit of work that commits at the end of the block."""
        return committed(self.database)

    @contextmanager
    def reading(self) -> Iterator[UnitOfWork]:
        """A unit of work that only looks."""
        with self.database.reading() as uow:
            yield uow

    def make_project(
        self, *, train: int = 0, test: int = 0, classes: Sequence[str] = ("cat", "dog"), **options: Any
    ) -> int:
        """A project; the sealed class of image i is class i modulo their number."""
        with self.writing() as uow:
            made = projects.create(uow, name=options.pop("name", "Pets"), classes=classes, is_sealed=True, **options)
            self.class_ids = [one.id for one in project_queries.classes(uow.session, made.id)]
            self.project_id = made.id
        self.add_images(test, Split.TEST)
        self.add_images(train, Split.TRAIN)
        return self.project_id

    def add_images(self, count: int, split: Split) -> list[int]:
        """Images without files."""
        with self.writing() as uow:
            source = Import(
                project_id=self.project_id, source="/pictures", label_use=LabelUse.SEALED, total=count, added=count,
                status=ImportStatus.SUCCEEDED,
            )  # fmt: skip
            uow.session.add(source)
            uow.session.flush()
            rows = [self._image(source.id, split, number) for number in range(count)]
            uow.session.add_all(rows)
            uow.session.flush()
            return [row.id for row in rows]

    def _image(self, import_id: int, split: Split, number: int) -> Image:
        sha256 = hashlib.sha256(f"{self.project_id}/{import_id}/{number}".encode()).hexdigest()
        return Image(
            project_id=self.project_id, import_id=import_id, sha256=sha256, name=f"{split}/{number}.png", suffix=".png",
            width=32, height=32, size=1000, draw=number / 1000, split=split, split_is_given=True,
            sealed_class_id=self.class_ids[number % len(self.class_ids)] if self.class_ids else None,
        )  # fmt: skip

    def ids(self, split: Split, *pools: Pool) -> list[int]:
        """Ids of the images of a split, in some pools or in all."""
        with self.reading() as uow:
            found = image_queries.page(uow.session, self.project_id, split=split, limit=10_000)
            return sorted(image.id for image in found if not pools or image.pool in pools)

    def image(self, image_id: int) -> Image:
        """The image as it is now."""
        with self.reading() as uow:
            return image_queries.one(uow.session, image_id)

    def round(self, round_id: int) -> Round:
        """The round as it is now."""
        with self.reading() as uow:
            return round_queries.one(uow.session, round_id)

    def said(self, image_id: int) -> list[tuple[Annotation, str]]:
        """Everything ever said of an image with the annotator's name, oldest first."""
        statement = (
            select(Annotation, Annotator.name)
            .join(Annotator, Annotator.id == Annotation.annotator_id)
            .where(Annotation.image_id == image_id)
            .order_by(Annotation.id)
        )
        with self.reading() as uow:
            return [(act, name) for act, name in uow.session.execute(statement)]

    def proposals(self, status: PseudoLabelStatus) -> list[tuple[PseudoLabel, Image]]:
        """What the newest result proposed, as far as it is in one status, by image."""
        statement = (
            select(PseudoLabel, Image)
            .join(Image, Image.id == PseudoLabel.image_id)
            .where(PseudoLabel.round_id == reviews.newest_result(self.project_id), PseudoLabel.status == status)
            .order_by(Image.id)
        )
        with self.reading() as uow:
            return [(label, image) for label, image in uow.session.execute(statement)]

    def annotator(self, name: str = "Ada") -> int:
        """The id of a person."""
        with self.writing() as uow:
            return annotation.annotator(uow, name).id

    def answer(
        self,
        image_id: int,
        class_id: int | None,
        *,
        by: str = "Ada",
        queue: Queue = Queue.BROWSE,
        uid: str | None = None,
    ) -> annotation.Answered:
        """A person labels an image, or skips it if there is no class."""
        person = self.annotator(by)
        with self.writing() as uow:
            return annotation.answer(
                uow, uid=uid or f"uid-{next(self._uids)}", image_id=image_id, annotator_id=person,
                action=Action.SKIP if class_id is None else Action.LABEL, class_id=class_id, queue=queue,
            )  # fmt: skip

    def act(
        self, image_id: int, action: Action, *, by: str = "Ada", queue: Queue = Queue.BROWSE
    ) -> annotation.Answered:
        """A person does something without a class: skips, is not sure, excludes, brings back."""
        person = self.annotator(by)
        with self.writing() as uow:
            return annotation.answer(
                uow, uid=f"uid-{next(self._uids)}", image_id=image_id, annotator_id=person, action=action,
                class_id=None, queue=queue,
            )  # fmt: skip

    def exclude(self, image_id: int) -> None:
        """A person takes an image out of the project."""
        self.act(image_id, Action.EXCLUDE)

    def include(self, image_id: int) -> None:
        """A person brings an image back."""
        self.act(image_id, Action.INCLUDE)

    def undo(self, *, by: str = "Ada", uid: str | None = None) -> list[annotation.Answered]:
        """A person takes back what they did last."""
        person = self.annotator(by)
        with self.writing() as uow:
            return annotation.undo(uow, self.project_id, person, uid=uid)

    def label(self, image_ids: Sequence[int], *, by: str = "Ada", queue: Queue = Queue.BROWSE) -> None:
        """A person gives these images their sealed class."""
        for image_id in image_ids:
            self.answer(image_id, self.image(image_id).sealed_class_id, by=by, queue=queue)

    def open_draft(self, selected: Sequence[int] = (), **options: Any) -> int:
        """A draft whose selection has been drawn: these images, and the validation sample."""
        with self.writing() as uow:
            draft_id = rounds.open_draft(uow, self.project_id, **options).id
        self.select(draft_id, selected)
        return draft_id

    def select(self, draft_id: int, selected: Sequence[int], *, version: int | None = None) -> None:
        """The worker chooses these images for a draft; for its newest version if none is given."""
        version = self.round(draft_id).selection_version if version is None else version
        why = "Cat and dog look equally likely: 48 % against 47 %."
        chosen = [Chosen(image_id=one, strategy=Acquisition.MARGIN, score=0.5, reason=why) for one in selected]
        with self.writing() as uow:
            publishing.publish_selection(uow, self.storage, draft_id, chosen, seed=draft_id, version=version)

    def sample(self, draft_id: int) -> list[int]:
        """The validation sample of a draft, in the order in which it was drawn and is asked."""
        with self.reading() as uow:
            return selected_ids(uow.session, draft_id, Queue.VALIDATION)

    def request(self, **options: Any) -> int:
        """Queue a round."""
        with self.writing() as uow:
            return rounds.request(uow, self.storage, self.project_id, **options).id

    def claim(self, round_id: int, owner: str = "worker-1") -> leases.Claim:
        """A worker takes the round."""
        with self.writing() as uow:
            held = leases.claim(uow, round_id, owner)
        assert held is not None
        return held

    def play_round(
        self,
        *,
        wrong: int = 0,
        is_open: bool = True,
        steps: int = 3,
        reason: RejectionReason = RejectionReason.GATE_CLOSED,
        gate: Sequence[dict[str, Any]] = (),
        **options: Any,
    ) -> int:
        """A whole round: queued, trained and published by a worker that is wrong on the first few test images."""
        round_id = self.request(**options)
        held = self.claim(round_id)
        for step in range(1, steps + 1):
            with self.writing() as uow:
                leases.report(uow, held, progress(step, steps))
        self.publish(held, wrong=wrong, is_open=is_open, reason=reason, gate=gate)
        return round_id

    def publish(
        self,
        held: leases.Claim,
        *,
        wrong: int = 0,
        is_open: bool = True,
        reason: RejectionReason = RejectionReason.GATE_CLOSED,
        gate: Sequence[dict[str, Any]] = (),
    ) -> None:
        """What a worker writes: it proposes the sealed class of every image without a label.

        All are accepted if the gate `is_open`, else rejected for the `reason`; `gate` are its decisions' columns.
        """
        with self.writing() as uow:
            open_ids = image_queries.askable_ids(uow.session, self.project_id)
        publishing_rows = [self._proposal(image_id, None if is_open else reason) for image_id in open_ids]
        test_ids = self.ids(Split.TEST)
        with self.writing() as uow:
            publishing.publish(
                uow,
                held,
                manifest={"device": "cpu", "seconds": 1.5},
                files={"model": f"rounds/{held.round_id}/{held.attempt}/model.safetensors"},
                gate=gate or [gate_columns(is_open=is_open)],
                proposals=publishing_rows,
                predictions=[self._prediction(at, image_id, wrong) for at, image_id in enumerate(test_ids)],
            )

    def _proposal(self, image_id: int, reason: RejectionReason | None) -> Proposal:
        return Proposal(
            image_id=image_id, class_id=self.image(image_id).sealed_class_id or 0, score=0.9, confidence=0.95,
            reason=reason,
        )  # fmt: skip

    def _prediction(self, at: int, image_id: int, wrong: int) -> Reported:
        known = self.class_ids.index(self.image(image_id).sealed_class_id or 0)
        said = (known + 1) % len(self.class_ids) if at < wrong else known
        return Reported(image_id=image_id, class_id=self.class_ids[said], confidence=0.99 - at / 1000)


def selected_ids(session: Session, round_id: int, queue: Queue) -> list[int]:
    """The images that a round asks about in one queue, in order."""
    asked = select(Selection.image_id).where(Selection.round_id == round_id, Selection.queue == queue)
    return list(session.scalars(asked.order_by(Selection.position)))


def progress(step: int, total: int) -> dict[str, Any]:
    """What a worker reports after a step."""
    return {
        "phase": Phase.JOINT, "step": step, "total_steps": total, "losses": {"reconstruction": 1.0 / step},
        "images_per_second": 100.0, "seconds_left": 1.0 * (total - step),
    }  # fmt: skip


def gate_columns(*, is_open: bool, check: int = 1) -> dict[str, Any]:
    """One decision of the gate."""
    return {
        "check_number": check, "is_open": is_open, "threshold": 0.9 if is_open else None,
        "coverage": 0.55 if is_open else 0.0, "bound": 0.08 if is_open else 0.2, "n": 55, "errors": 0, "alpha": 0.1,
        "delta": 0.025, "reason": "Open: none was wrong." if is_open else "Closed: too many were wrong.",
    }  # fmt: skip
