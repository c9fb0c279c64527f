"""A project of real images, a server that may be killed, people who label, and what the database really has of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import select

from app.db.models import Annotation
from app.domain.labels import Queue
from app.domain.pools import Pool, Split
from app.domain.rounds import LabelUse
from app.services import importing
from tests.live_server import SERVE, LiveServer
from tests.pictures import picture, put
from tests.steady import Steady
from tests.world import World

if TYPE_CHECKING:
    from playwright.sync_api import Page

IMAGES = 1500


class Trial:
    """A world with a server over it, and people who label."""

    def __init__(self, database_url: str, folder: Path, images: int = IMAGES) -> None:
        self.database_url, self.folder = database_url, folder
        self.world = World(database_url, folder)
        self.world.make_project(name="Trial", classes=("cat", "dog"), test_size=4)
        pictures = put(folder.parent / f"{folder.name}-pictures", {f"{n:04d}.png": picture(n) for n in range(images)})
        with self.world.writing() as uow:
            begun = importing.start(uow, project_id=self.world.project_id, source=pictures, label_use=LabelUse.IGNORED)
        importing.run(self.world.database, self.world.storage, begun.id)
        self.world.open_draft(self.world.ids(Split.TRAIN, Pool.UNLABELLED), validation_size=0)

    def serve(self, code: str = SERVE) -> LiveServer:
        """A server that is not started yet."""
        return LiveServer(self.folder, self.database_url, code)

    def person(self, name: str) -> Steady:
        """Somebody with an outbox."""
        return Steady(self.world.project_id, self.world.annotator(name), self.world.class_ids)

    def check(self, people: Sequence[Steady]) -> int:
        """Nothing acknowledged is lost, nothing is there twice, nobody met a surprise; gives back how many answers."""
        accepted: dict[str, tuple[int, int]] = {}
        for one in people:
            assert one.surprises == []
            assert one.acknowledged == set(one.accepted)
            accepted |= one.accepted
        with self.world.reading() as uow:
            columns = (Annotation.uid, Annotation.image_id, Annotation.class_id, Annotation.annotator_id)
            rows = list(uow.session.execute(select(*columns)))
        assert {uid: (image_id, class_id) for uid, image_id, class_id, _ in rows} == accepted
        # A lease may end while the server is away: then two people answer an image, but nobody does so twice.
        assert len(rows) == len({(image_id, person) for _, image_id, _, person in rows}) == len(accepted)
        return len(rows)

    def labels_of(self, name: str) -> list[tuple[int, int | None]]:
        """(image, class) of every row that a person has in the database, in order."""
        person = self.world.annotator(name)
        with self.world.reading() as uow:
            found = uow.session.execute(
                select(Annotation.image_id, Annotation.class_id)
                .where(Annotation.annotator_id == person)
                .order_by(Annotation.id)
            )
            return [(image_id, class_id) for image_id, class_id in found]


class Tab:
    """The labelling page of one tab, and what was answered in it."""

    def __init__(self, page: Page, trial: Trial, url: str, queue: Queue = Queue.SELECTION) -> None:
        self.page, self.trial = page, trial
        self.answered: list[tuple[int, int]] = []
        self.page.goto(f"{url}/?project={trial.world.project_id}")
        self.page.get_by_role("link", name="Label", exact=True).click()
        self.root.wait_for()

    @property
    def root(self):
        """The component."""
        return self.page.locator("section.labeller")

    def wait_painted(self) -> int:
        """Wait for an image; gives back its id."""
        self.page.wait_for_function(
            """() => {
                const find = (node) => node.querySelector("section.labeller") ??
                    [...node.querySelectorAll("*")].map((one) => one.shadowRoot && find(one.shadowRoot)).find(Boolean);
                const root = find(document);
                return root && root.dataset.image && root.dataset.painted === root.dataset.image;
            }"""
        )
        return int(self.root.get_attribute("data-image") or 0)

    def answer(self, times: int = 1) -> None:
        """Press a key for each image that is painted."""
        for _ in range(times):
            shown, key = self.wait_painted(), 1 + len(self.answered) % 2
            self.page.keyboard.press(str(key))
            self.answered.append((shown, self.trial.world.class_ids[key - 1]))

    def answer_what_is_there(self, most: int) -> None:
        """Press keys while the server is away: images that had not arrived yet cannot be answered."""
        for _ in range(most):
            if self.page.locator("section.labeller").get_attribute("data-state") != "image":
                return
            shown = self.root.get_attribute("data-image")
            if shown is not None and shown == self.root.get_attribute("data-painted"):
                self.answer()

    def wait_saved(self) -> None:
        """Wait until the server has acknowledged everything."""
        self.root.locator(".status.saved").wait_for()
