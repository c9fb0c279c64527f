"""One round in a process of its own: from a snapshot to a published result. Torch lives and dies here.

The learner is handed training and validation images alone. Test images are read, classified and compared with their
labels only after training has returned, in `_report_on_test`; nothing of that comes back into the round.

Dimensions: N images of the stream (train and validation), V validation images, T test images, C classes.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app import settings as settings_module
from app.db.queries import rounds
from app.db.unit_of_work import committed
from app.domain.pools import Split
from app.services import publishing, snapshots
from app.services.leases import Claim
from app.services.publishing import Proposal, Reported
from app.services.runtime import Runtime, open_runtime
from app.services.snapshots import UNLABELLED, SnapshotRows
from ssmae.config import RoundConfig
from ssmae.data import ImageStore, load_images
from ssmae.errors import Stopped
from ssmae.inference import predict_as_trained
from ssmae.results import Progress, RoundResult
from worker import results
from worker.child import Line
from worker.learner_data import frame_notes, learner_data
from worker.starting import Start, start_of
from worker.training import midway_path, train


@dataclass(frozen=True, kw_only=True)
class Job:
    """What the round's row says, read once."""

    held: Claim
    config: RoundConfig
    seed: int
    start: Start
    digest: str


def main(line: Line, round_id: int, attempt: int) -> None:
    """Train one attempt of a round and publish it.

    Raises:
        Stopped: the parent said so.
        LeaseLost: the round is another attempt's.
    """
    began = time.monotonic()
    runtime = open_runtime(settings_module.load())
    say = _Says(line)
    job = _read(runtime, Claim(round_id=round_id, attempt=attempt))
    rows = snapshots.load(runtime.storage, job.digest)
    stream_N = rows.where(Split.TRAIN, Split.VALIDATION)
    images = _load(runtime, rows, stream_N, job.config, say)
    midway = midway_path(runtime.storage, round_id)
    result, training_notes = train(
        learner_data(rows, stream_N, images),
        job.config,
        seed=job.seed,
        start=job.start,
        class_ids=rows.class_ids,
        midway=midway,
        on_progress=say.training,
        should_stop=line.should_stop,
    )
    image_ids_N = rows.image_ids_N[stream_N]
    del images
    reported, accuracy = _report_on_test(runtime, rows, result, job.config, say)
    say.stage("publishing", 0, 1)
    files = results.write(runtime.storage, job.held, result, job.config, image_ids_N, line.should_stop)
    manifest = {
        "snapshot": job.digest,
        "config": job.config.to_dict(),
        "seed": job.seed,
        "start": job.start.manifest(),
        "labels": _label_counts(rows),
        "images": len(rows.image_ids_N),
        "versions": result.versions,
        "device": result.device,
        "learnt_classes": result.learnt_classes,
        "notes": [*job.start.notes, *frame_notes(rows), *training_notes, *result.notes, *files.notes],
        "seconds": round(time.monotonic() - began, 1),
        "training_seconds": round(result.seconds, 1),
        "images_per_second": round(result.images_per_second, 1),
        "test": accuracy,
    }
    if line.should_stop():
        raise Stopped("Stopped before publishing.")
    with committed(runtime.database) as uow:
        results.write_curve(uow, job.held, result)
        publishing.publish(
            uow,
            job.held,
            manifest=manifest,
            files=files.keys,
            gate=results.gate_rows(result.decisions, rows.class_ids),
            proposals=_proposals(result, image_ids_N, rows.class_ids),
            predictions=reported,
        )
    midway.unlink(missing_ok=True)


def _report_on_test(
    runtime: Runtime, rows: SnapshotRows, result: RoundResult, config: RoundConfig, say: _Says
) -> tuple[list[Reported], dict[str, int]]:
    """What the finished model says of the test images, and how many of the labelled ones it gets right.

    The only place that reads test images and test labels; training is over.
    """
    test_T = rows.where(Split.TEST)
    if not result.learnt_classes or not len(test_T):
        return [], {"correct": 0, "labelled": 0}
    images = _load(runtime, rows, test_T, config, say)
    say.stage("predicting", 0, len(images))
    predicted = predict_as_trained(result.model, images, config, say.should_stop)
    probabilities_TC = predicted.probabilities_NC.astype(np.float64)
    class_T, confidence_T = probabilities_TC.argmax(axis=1), probabilities_TC.max(axis=1)
    reported = [
        Reported(image_id=int(image_id), class_id=rows.class_ids[index], confidence=float(confidence))
        for image_id, index, confidence in zip(rows.image_ids_N[test_T], class_T, confidence_T, strict=True)
    ]
    answers_T = rows.class_index_N[test_T]
    is_labelled_T = answers_T != UNLABELLED
    correct = int((class_T[is_labelled_T] == answers_T[is_labelled_T]).sum())
    return reported, {"correct": correct, "labelled": int(is_labelled_T.sum())}


def _read(runtime: Runtime, held: Claim) -> Job:
    with runtime.database.reading() as uow:
        claimed = rounds.one(uow.session, held.round_id)
        assert claimed.snapshot_id is not None
        digest = rounds.snapshot(uow.session, claimed.snapshot_id).digest
        parent = rounds.one(uow.session, claimed.parent_id) if claimed.parent_id else None
    config = RoundConfig.from_dict(claimed.config)
    start = start_of(runtime.storage, claimed, parent)
    return Job(held=held, config=config, seed=claimed.seed, start=start, digest=digest)


def _load(
    runtime: Runtime, rows: SnapshotRows, positions: NDArray[np.int64], config: RoundConfig, say: _Says
) -> ImageStore:
    paths = [runtime.storage.path(key) for key in rows.keys(positions)]
    scratch = runtime.storage.path("scratch")
    size = config.model.image_size
    return load_images(paths, size, lambda done, total: say.stage("loading", done, total), scratch=scratch)


def _proposals(result: RoundResult, image_ids_N: NDArray[np.int64], class_ids: list[int]) -> list[Proposal]:
    found = result.proposals
    return [
        Proposal(
            image_id=int(image_ids_N[index]),
            class_id=class_ids[class_index],
            # A mean of single-precision probabilities may exceed one by a rounding error.
            score=min(1.0, float(score)),
            confidence=min(1.0, float(confidence)),
            reason=reason,
        )
        for index, class_index, score, confidence, reason in zip(
            found.index_K, found.class_K, found.score_K, found.confidence_K, found.reason_K, strict=True
        )
    ]


def _label_counts(rows: SnapshotRows) -> dict[str, int]:
    is_labelled_N = rows.class_index_N != UNLABELLED
    return {split.value: int(is_labelled_N[rows.where(split)].sum()) for split in Split}


class _Says:
    """Progress in the form that pages and the command line read, and the stop between two images."""

    def __init__(self, line: Line) -> None:
        self._line, self.should_stop = line, line.should_stop
        self.stage("starting", 0, 1)

    def training(self, progress: Progress) -> None:
        """A step of training."""
        self._line.progress(
            phase=progress.phase.value,
            step=progress.step,
            total_steps=progress.total_steps,
            losses=progress.losses,
            images_per_second=round(progress.images_per_second, 1),
            seconds_left=round(progress.seconds_left, 1),
        )

    def stage(self, name: str, done: int, total: int) -> None:
        """What comes before or after training.

        Raises:
            Stopped: the parent said so.
        """
        if self._line.should_stop():
            raise Stopped(f"Stopped while {name}.")
        self._line.progress(
            phase=name, step=done, total_steps=total, losses={}, images_per_second=0.0, seconds_left=None
        )
