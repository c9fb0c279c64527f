"""Chooses a draft's images in a process of its own, from what the last round knows, or from pixels before the first.

Test images are no candidates and their labels are not read.

Dimensions: N images that something is known of, C classes, D numbers of an embedding, K candidates.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app import settings as settings_module
from app.db.models import Round
from app.db.queries import images, projects, rounds
from app.db.unit_of_work import UnitOfWork, committed
from app.domain.rounds import RoundStatus, SelectionStatus
from app.errors import Conflict
from app.services import publishing
from app.services import rounds as round_service
from app.services.publishing import Chosen
from app.services.runtime import Runtime, open_runtime
from app.storage import Storage, image_key
from ssmae.acquisition import COLD_START, select
from ssmae.clustering import pixel_embeddings
from ssmae.config import Acquisition
from ssmae.data import load_images
from ssmae.errors import Stopped
from worker.child import Line
from worker.results import FileName

MOST_COMPARED = 20_000
"""Before the first round, images are compared by their pixels: of more than this many, a uniform sample."""
PIXELS = 32
"""Side at which they are compared."""


@dataclass(frozen=True, kw_only=True)
class Known:
    """What is known of the images.

    Attributes:
        image_ids_N: ids, ascending.
        probabilities_NC: None before a round has learnt the classes.
        embeddings_ND: of the encoder, or of the pixels.
        class_ids: by column of the probabilities, or of the project now.
        is_sample: these images were drawn from all; the others are left out, and none came later.
    """

    image_ids_N: NDArray[np.int64]
    probabilities_NC: NDArray[np.float32] | None
    embeddings_ND: NDArray[np.float32]
    class_ids: list[int]
    is_sample: bool = False


@dataclass(frozen=True, kw_only=True)
class Pools:
    """Which images may be asked about, and which are labelled, by class."""

    askable: NDArray[np.int64]
    labelled: dict[int, int]
    class_ids: list[int]
    class_names: dict[int, str]


def main(line: Line, round_id: int, version: int) -> None:
    """Choose for one draft and write it down, unless it was drawn again after this version.

    Raises:
        Stopped: the parent said so, or the choice is not wanted any more.
        SsmaeError: the choice is not possible.
    """
    runtime = open_runtime(settings_module.load())
    with runtime.database.reading() as uow:
        draft = rounds.one(uow.session, round_id)
        if draft.status is not RoundStatus.DRAFT or draft.selection_status is not SelectionStatus.PENDING:
            return
        if draft.selection_version != version:
            return
        pools = _pools(uow, draft.project_id)
        last = rounds.last_succeeded(uow.session, draft.project_id)
        last_classes = rounds.snapshot(uow.session, last.snapshot_id).class_ids if last and last.snapshot_id else []
    generator = np.random.default_rng(np.random.SeedSequence([round_id, version]))
    notes: list[str] = []
    chosen: list[Chosen] = []
    if draft.selection_size and len(pools.askable):
        if last is not None:
            known = _of_round(runtime.storage, last, last_classes)
        else:
            known = _of_pixels(runtime, pools, generator, line)
        chosen = choose(draft, pools, known, generator, notes)
    if line.should_stop():
        raise Stopped("Stopped before the choice was written.")
    try:
        with committed(runtime.database) as uow:
            publishing.publish_selection(uow, runtime.storage, round_id, chosen, seed=round_id, version=version)
            _tell(uow, round_id, notes)
    except Conflict as conflict:  # drawn again, or chosen by another worker, meanwhile
        raise Stopped(str(conflict)) from conflict


def choose(draft: Round, pools: Pools, known: Known, generator: np.random.Generator, notes: list[str]) -> list[Chosen]:
    """The images to ask about. Whatever is done otherwise than asked is added to `notes`.

    Images that came after the last round are unknown to its model: they get their share of the selection, at random.
    """
    is_known = np.isin(pools.askable, known.image_ids_N)
    fresh, size = pools.askable[~is_known], min(draft.selection_size, len(pools.askable))
    share = 0 if known.is_sample else round(size * len(fresh) / len(pools.askable))
    strategy = draft.strategy
    if known.probabilities_NC is None and strategy not in COLD_START:
        notes.append(
            f"{strategy.label.split(':')[0]} needs a model that has learnt the classes, and there is none yet: "
            "chosen by TypiClust instead."
        )
        strategy = Acquisition.TYPICLUST
    chosen = [
        Chosen(image_id=int(one), strategy=Acquisition.RANDOM, score=0.0, reason=_FRESH)
        for one in generator.choice(fresh, share, replace=False)
    ]
    if share:
        notes.append(f"{share} of {size} were drawn from the {len(fresh)} images that came after the last round.")
    if size == share:
        return chosen
    columns = {class_id: column for column, class_id in enumerate(known.class_ids)}
    labelled = {one: columns[label] for one, label in pools.labelled.items() if label in columns}
    labelled_ids = np.array(sorted(set(labelled) & set(known.image_ids_N.tolist())), dtype=np.int64)
    picks = select(
        strategy,
        size - share,
        probabilities_NC=known.probabilities_NC,
        embeddings_ND=known.embeddings_ND,
        candidates_K=np.searchsorted(known.image_ids_N, pools.askable[is_known]),
        labelled_L=np.searchsorted(known.image_ids_N, labelled_ids),
        labelled_classes_L=np.array([labelled[int(one)] for one in labelled_ids], dtype=np.int64),
        generator=generator,
        class_names=[pools.class_names.get(one, "a removed class") for one in known.class_ids],
    )
    return chosen + [
        Chosen(
            image_id=int(known.image_ids_N[pick.index]), strategy=pick.strategy, score=pick.score, reason=pick.reason
        )
        for pick in picks
    ]


_FRESH = "Drawn at random from the images that came after the last round: the model has not seen them."


def _pools(uow: UnitOfWork, project_id: int) -> Pools:
    classes = projects.classes(uow.session, project_id)
    return Pools(
        askable=np.array(images.askable_ids(uow.session, project_id), dtype=np.int64),
        labelled={one: label for one, label in images.training_labels(uow.session, project_id) if label is not None},
        class_ids=[one.id for one in classes],
        class_names={one.id: one.name for one in classes},
    )


def _of_round(storage: Storage, last: Round, class_ids: list[int]) -> Known:
    with np.load(storage.existing(last.files[FileName.PREDICTIONS]), allow_pickle=False) as file:
        probabilities_NC = file["probabilities"].astype(np.float32)
        return Known(
            image_ids_N=file["image_ids"],
            # Half precision is enough to rank, but its rows no longer sum to one.
            probabilities_NC=probabilities_NC / probabilities_NC.sum(axis=1, keepdims=True)
            if last.manifest.get("learnt_classes")
            else None,
            embeddings_ND=file["embeddings"].astype(np.float32),
            class_ids=class_ids,
        )


def _of_pixels(runtime: Runtime, pools: Pools, generator: np.random.Generator, line: Line) -> Known:
    sample = pools.askable
    if len(sample) > MOST_COMPARED:
        sample = generator.choice(sample, MOST_COMPARED, replace=False)
    ids = np.sort(np.concatenate([sample, np.array(list(pools.labelled), dtype=np.int64)]))
    keys: dict[int, str] = {}
    with runtime.database.reading() as uow:
        for start in range(0, len(ids), 1000):
            for one in images.some(uow.session, ids[start : start + 1000].tolist()):
                keys[one.id] = image_key(one.sha256, one.suffix)
    paths = [runtime.storage.path(keys[image_id]) for image_id in ids.tolist()]

    def go_on(_done: int, _total: int) -> None:
        if line.should_stop():
            raise Stopped("Stopped while reading images.")

    store = load_images(paths, PIXELS, go_on)
    return Known(
        image_ids_N=ids,
        probabilities_NC=None,
        embeddings_ND=pixel_embeddings(store.images_NCHW).astype(np.float32),
        class_ids=pools.class_ids,
        is_sample=True,
    )


def _tell(uow: UnitOfWork, round_id: int, notes: list[str]) -> None:
    if notes:
        draft = rounds.one(uow.session, round_id)
        draft.selection_message = " ".join(notes)
        round_service.note(uow, draft, draft.selection_message)
