"""The demo project: real handwritten digits, a test set answered by the seal, and a first round trained.

Every step looks first whether it was done, so it may be interrupted anywhere and begun again, and a second start
changes nothing. Must never import torch.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from app.db.models import Project, Round
from app.db.queries import images, projects, rounds
from app.db.unit_of_work import committed
from app.domain.labels import AnnotatorKind, Queue
from app.domain.rounds import LabelUse, RoundStatus, SelectionStatus
from app.errors import Conflict, Refused
from app.services import annotation, digits, importing, queues
from app.services import projects as project_service
from app.services import rounds as round_service
from app.services.runtime import Runtime
from ssmae.config import Acquisition, Phase, Preset

NAME = "Handwritten digits"
TEST_SIZE = 300
VALIDATION_SIZE = 140
"""With the default gate (10 % error allowed, two checks), 139 answers are the fewest that can open it at both."""
SELECTION_SIZE = 20
ANSWERS_AT_A_TIME = 20
WAIT_SECONDS = 300.0
SECONDS_BETWEEN_LINES = 15.0


def prepare(runtime: Runtime, *, say: Callable[[str], None], wait_seconds: float = WAIT_SECONDS) -> None:
    """Do what is left to do for the demo; returns when its first round has ended.

    Args:
        runtime: settings, database, storage.
        say: told each step in a line.
        wait_seconds: how long a worker may take to choose the first images.

    Raises:
        Refused: no worker chose the first images.
    """
    project = _project(runtime)
    if not _has_begun(runtime, project.id):
        _begin(runtime, project, say, wait_seconds)
    _await_first_round(runtime, project.id, say)


def _begin(runtime: Runtime, project: Project, say: Callable[[str], None], wait_seconds: float) -> None:
    """Everything before the first round."""
    _import(runtime, project.id, say)
    say("Answering the test set from the seal.")
    simulate(runtime, project.id, Queue.TEST)
    say("Waiting for a worker to choose the first images.")
    _await_selection(runtime, project.id, wait_seconds)
    say("Answering the first selection and the validation sample from the seal.")
    simulate(runtime, project.id, Queue.SELECTION)
    simulate(runtime, project.id, Queue.VALIDATION)
    with committed(runtime.database) as uow:
        try:
            round_service.request(uow, runtime.storage, project.id)
        except Conflict:  # somebody clicked first
            return
    say("The first round is queued.")


def simulate(runtime: Runtime, project_id: int, queue: Queue, count: int | None = None) -> int:
    """Let the seal answer a queue, all of it without a count, in short transactions.

    Returns:
        How many were answered.
    """
    answered = 0
    while count is None or answered < count:
        wanted = ANSWERS_AT_A_TIME if count is None else min(ANSWERS_AT_A_TIME, count - answered)
        with committed(runtime.database) as uow:
            answered += annotation.simulate(uow, project_id, queue, wanted)
            oracle = annotation.annotator(uow, annotation.SIMULATED, AnnotatorKind.SIMULATED)
            is_more = bool(queues.next_images(uow, project_id, queue, oracle.id, limit=1))
        if not is_more:  # not: nothing answered; images without a sealed class are skipped by the batch
            break
    return answered


def _project(runtime: Runtime) -> Project:
    with committed(runtime.database) as uow:
        found = projects.by_name(uow.session, NAME)
        return found or project_service.create(
            uow,
            name=NAME,
            classes=digits.CLASSES,
            is_sealed=True,
            test_size=TEST_SIZE,
            validation_size=VALIDATION_SIZE,
            selection_size=SELECTION_SIZE,
            strategy=Acquisition.DIVERSE,
            preset=Preset.QUICK,
        )


def _has_begun(runtime: Runtime, project_id: int) -> bool:
    with runtime.database.reading() as uow:
        return any(one.status is not RoundStatus.DRAFT for one in rounds.of_project(uow.session, project_id))


def _import(runtime: Runtime, project_id: int, say: Callable[[str], None]) -> None:
    folder = runtime.settings.data_dir / "demo" / "digits"
    total = digits.write_digits(folder)
    with runtime.database.reading() as uow:
        if sum(images.pool_counts(uow.session, project_id).values()) >= total:
            return
    say(f"Importing {total} images of handwritten digits.")
    with committed(runtime.database) as uow:
        started = importing.start(uow, project_id=project_id, source=folder, label_use=LabelUse.SEALED)
    report = importing.run(runtime.database, runtime.storage, started.id)
    say(report.sentence)


def _await_selection(runtime: Runtime, project_id: int, seconds: float) -> Round:
    end = time.monotonic() + seconds
    while True:
        with committed(runtime.database) as uow:
            draft = rounds.draft(uow.session, project_id) or round_service.open_draft(
                uow, project_id, strategy=Acquisition.TYPICLUST
            )
        if draft.selection_status is SelectionStatus.READY:
            return draft
        if draft.selection_status is SelectionStatus.FAILED:
            raise Refused(f"The first images could not be chosen: {draft.selection_message}")
        if time.monotonic() > end:
            raise Refused(f"No worker chose the first images within {seconds:.0f} s: is one running?")
        time.sleep(0.5)


def _await_first_round(runtime: Runtime, project_id: int, say: Callable[[str], None]) -> None:
    """Say now and then how far the first round is; a later one is nobody's business here."""
    said = -SECONDS_BETWEEN_LINES
    while True:
        with runtime.database.reading() as uow:
            active = rounds.active(uow.session, project_id)
            if active is None or rounds.last_succeeded(uow.session, project_id) is not None:
                return
        if time.monotonic() - said >= SECONDS_BETWEEN_LINES:
            said = time.monotonic()
            say(f"Training the first round{_share_done(active)}.")
        time.sleep(1)


def _share_done(active: Round) -> str:
    progress = active.progress
    if progress.get("phase") not in list(Phase):  # before training, or after it
        return "" if progress.get("phase") in {"predicting", "publishing"} else ", about a minute"
    return f": {progress['step'] / progress['total_steps']:.0%}"
