"""A tiny project and real worker processes for the tests of worker and command line."""

from __future__ import annotations

import io
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from PIL import Image as Pillow

from app import settings as settings_module
from app.db.models import Image, Import, Round
from app.db.queries import projects as project_queries
from app.db.queries import rounds as round_queries
from app.db.unit_of_work import Database, committed
from app.domain.labels import Action, Queue
from app.domain.pools import Split
from app.domain.rounds import ImportStatus, LabelUse, RoundStatus
from app.domain.splits import draw
from app.services import annotation, projects, rounds
from app.services.runtime import Runtime
from app.settings import Settings, child_environment
from app.storage import Storage

Found = TypeVar("Found")

TINY: dict[str, Any] = {
    "model": {
        "image_size": 8, "patch_size": 4, "embed_dim": 24, "depth": 1, "heads": 2, "decoder_dim": 16,
        "decoder_heads": 2,
    },
    "schedule": {
        "reconstruct_steps": 2, "resume_reconstruct_steps": 2, "labels_steps": 2, "joint_steps": 2,
        "unlabelled_batch": 8, "labelled_batch": 4,
    },
    "device": "cpu",
    "threads": 1,
}  # fmt: skip
"""A round of six steps on eight-pixel images."""

ENDLESS = TINY | {"schedule": TINY["schedule"] | {"reconstruct_steps": 1_000_000}}
"""A round that ends only if somebody ends it."""


def settings_of(data_dir: Path, database_url: str = "", broker_url: str = "") -> Settings:
    """Settings as a process with these variables would read them."""
    environment = {"DATA_DIR": str(data_dir)}
    if database_url:
        environment["DATABASE_URL"] = database_url
    if broker_url:
        environment["BROKER_URL"] = broker_url
    return settings_module.load(environment)


def environment_of(settings: Settings) -> dict[str, str]:
    """The environment of a child that shall read these settings."""
    url = settings.database_url
    return child_environment(
        DATA_DIR=str(settings.data_dir),
        DATABASE_URL=url.replace("postgresql+psycopg://", "postgresql://"),
        BROKER_URL=settings.broker_url,
        PORT=str(settings.port),
        OMP_NUM_THREADS="1",
    )


def quiet_runtime(settings: Settings) -> Runtime:
    """A runtime whose doorbell rings nowhere: for tests that play the worker themselves."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    return Runtime(
        settings=settings,
        database=Database(settings.database_url, lambda _task, _row: None),
        storage=Storage(settings.data_dir / "files"),
    )


def sealed_project(runtime: Runtime, *, images: int = 48, labelled: int = 12, test: int = 8) -> int:
    """A sealed project of two classes, bright and dark, with training labels and an answered test set."""
    generator = np.random.default_rng(0)
    with committed(runtime.database) as uow:
        project = projects.create(
            uow, name="Light", classes=["dark", "bright"], is_sealed=True, validation_size=4, selection_size=4
        )
        classes = project_queries.classes(uow.session, project.id)
        source = Import(project_id=project.id, source="/made", label_use=LabelUse.SEALED, status=ImportStatus.SUCCEEDED)
        uow.session.add(source)
        uow.session.flush()
        for number in range(images):
            level = number % 2
            pixels = generator.integers(0, 100, (8, 8, 3), dtype=np.uint8) + np.uint8(150 * level)
            buffer = io.BytesIO()
            Pillow.fromarray(pixels).save(buffer, "PNG")
            sha256 = runtime.storage.write_image(buffer.getvalue(), ".png")
            uow.session.add(
                Image(
                    project_id=project.id, import_id=source.id, sha256=sha256, name=f"{number}.png", suffix=".png",
                    width=8, height=8, size=len(buffer.getvalue()), draw=draw(sha256, project.salt),
                    split=Split.TEST if number < test else Split.TRAIN, sealed_class_id=classes[level].id,
                )
            )  # fmt: skip
        uow.session.flush()
        annotation.simulate(uow, project.id, Queue.TEST, test)
        label_some(uow, project.id, labelled)
        return project.id


def label_some(uow: Any, project_id: int, count: int) -> None:
    """Answer training images from the seal, as a person who browses would."""
    from app.db.queries import images

    person = annotation.annotator(uow, "Ada")
    for image_id in images.askable_ids(uow.session, project_id)[:count]:
        image = images.one(uow.session, image_id)
        annotation.answer(
            uow, uid=f"u{image_id}", image_id=image_id, annotator_id=person.id, action=Action.LABEL,
            class_id=image.sealed_class_id, queue=Queue.BROWSE,
        )  # fmt: skip


def queue_round(runtime: Runtime, project_id: int, overrides: dict[str, Any] | None = None) -> int:
    """Ask for a round; its id."""
    with committed(runtime.database) as uow:
        return rounds.request(uow, runtime.storage, project_id, overrides=overrides or TINY, seed=1).id


def look(runtime: Runtime, round_id: int) -> Round:
    """The round as it is now."""
    with runtime.database.reading() as uow:
        return round_queries.one(uow.session, round_id)


def wait_for(what: str, look_up: Callable[[], Found | None], seconds: float = 60) -> Found:
    """What `look_up` finds, once it finds something."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := look_up():
            return found
        time.sleep(0.05)
    raise AssertionError(f"Not within {seconds} s: {what}")


def wait_for_status(runtime: Runtime, round_id: int, *wanted: RoundStatus, seconds: float = 60) -> Round:
    """The round, once it has one of these statuses."""

    def reached() -> Round | None:
        found = look(runtime, round_id)
        return found if found.status in wanted else None

    try:
        return wait_for(f"round {wanted}", reached, seconds)
    except AssertionError as error:
        found = look(runtime, round_id)
        raise AssertionError(f"{error}: {found.status} {found.progress} {found.error}\n{found.traceback}") from error


@contextmanager
def worker(settings: Settings, queue: str = "train") -> Iterator[subprocess.Popen[bytes]]:
    """A real worker process; told to end afterwards, and killed if it does not."""
    log = (settings.data_dir / f"worker-{queue}-{time.monotonic_ns()}.log").open("wb")
    process = subprocess.Popen(
        [sys.executable, "-m", "worker", "--queue", queue],
        stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, env=environment_of(settings),
    )  # fmt: skip
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        log.close()


def children_of(pid: int, named: str = "") -> list[int]:
    """Process ids of a process's own children whose command line holds `named`."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            command = (folder / "cmdline").read_bytes().decode()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if parent == pid and named in command:
            found.append(int(folder.name))
    return found


def is_alive(pid: int) -> bool:
    """Whether there is such a process that is not a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
