"""A real server in a process of its own, a project of real image files, and a page in a real browser."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from app.db import migrate
from app.domain.labels import Queue
from app.domain.pools import Pool, Split
from app.domain.rounds import LabelUse
from app.services import importing
from tests.live_server import SERVE, WITH_ACCOUNTS, LiveServer
from tests.pictures import picture, put
from tests.world import World

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Page


@dataclass
class Site:
    """The server, and the world of one test's own project in it."""

    world: World
    url: str


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """One server for the whole run."""
    with running(tmp_path_factory.mktemp("server")) as made:
        yield made


@contextmanager
def running(folder: Path, *, no_auth: bool = True) -> Iterator[LiveServer]:
    """A server over a new database in a folder, as `serve` starts it; without accounts unless told otherwise."""
    database_url = f"sqlite:///{folder / 'ssmae.db'}"
    migrate.upgrade(database_url)
    with LiveServer(folder, database_url, SERVE if no_auth else WITH_ACCOUNTS) as made:
        yield made


@pytest.fixture
def site(server: LiveServer, tmp_path: Path) -> Iterator[Site]:
    """A project of the test's own with 24 images, of which a draft asks for ten, in their order."""
    with project(server, tmp_path) as made:
        yield made


@contextmanager
def project(server: LiveServer, tmp_path: Path) -> Iterator[Site]:
    """The same on any server."""
    world = World(server.database_url, server.folder)
    world.make_project(name=tmp_path.name, classes=("cat", "dog"), test_size=4)
    # Worlds that share a database must not share the uids of their answers.
    world._uids = itertools.count(1000 * world.project_id)
    files = {f"{('cat', 'dog')[n % 2]}/{n:02d}.png": picture(n, size=(12, 12)) for n in range(24)}
    folder = put(tmp_path / "pets", files)
    with world.writing() as uow:
        started = importing.start(uow, project_id=world.project_id, source=folder, label_use=LabelUse.SEALED)
    importing.run(world.database, world.storage, started.id)
    world.open_draft(world.ids(Split.TRAIN, Pool.UNLABELLED)[:10], validation_size=2)
    yield Site(world=world, url=f"{server.url}/?project={world.project_id}")
    world.close()


@dataclass
class Labeller:
    """The labelling page of one browser tab."""

    page: Page
    troubles: list[str]

    def open(self, url: str, queue: Queue = Queue.SELECTION) -> None:
        """Open the labelling page by its link and wait for the first image."""
        self.page.goto(url)
        self.page.get_by_role("link", name="Label", exact=True).click()
        self.root.wait_for()
        if queue is Queue.SELECTION:
            self.wait_painted()
        else:
            self.switch(queue)

    def switch(self, queue: Queue) -> None:
        """Choose another queue and wait for its first image, not for one of the queue before."""
        self.page.get_by_role("radio", name=queue.label).click()
        self.page.locator(f"section.labeller[data-queue={queue}]").wait_for()
        self.wait_painted()

    @property
    def root(self):
        """The component."""
        return self.page.locator("section.labeller")

    def shown(self) -> int:
        """Id of the image that is shown."""
        return int(self.root.get_attribute("data-image") or 0)

    def wait_painted(self) -> int:
        """Wait until the image that is shown is painted; gives back its id."""
        self.page.locator("section.labeller[data-painted]").wait_for()
        self.page.wait_for_function(
            "root => root.dataset.image && root.dataset.painted === root.dataset.image",
            arg=self.root.element_handle(),
        )
        return self.shown()

    def press(self, key: str) -> int:
        """Answer the image that is shown; gives back its id."""
        answered = self.wait_painted()
        self.page.keyboard.press(key)
        return answered

    def wait_saved(self) -> None:
        """Wait until the server has acknowledged everything."""
        self.root.locator(".status.saved").wait_for()


@pytest.fixture
def labeller(chromium: Browser, site: Site) -> Iterator[Labeller]:
    """A tab of its own; what the console complains about is an error, but the two requests that Streamlit tries."""
    with chromium.new_context(viewport={"width": 1280, "height": 900}) as context:
        page = context.new_page()
        troubles: list[str] = []
        page.on("console", lambda said: troubles.append(said.text) if said.type in {"error", "warning"} else None)
        page.on("pageerror", lambda error: troubles.append(str(error)))
        made = Labeller(page, troubles)
        made.open(site.url)
        yield made


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """An empty tab; what the console complains about fails the test."""
    troubles: list[str] = []

    def note(said: ConsoleMessage) -> None:
        # Streamlit looks for itself below the address of a page first, and does not find it there.
        if said.type == "error" and "responded with a status of 404" not in said.text:
            troubles.append(said.text)

    with chromium.new_context(viewport={"width": 1280, "height": 900}) as context:
        made = context.new_page()
        made.on("console", note)
        made.on("pageerror", lambda error: troubles.append(str(error)))
        yield made
        assert troubles == []
