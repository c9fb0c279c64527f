"""Where a project stands, and what to do next."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.db.models import Import
from app.domain.labels import Queue
from app.domain.pools import Pool, Split
from app.domain.rounds import ImportStatus, LabelUse
from app.services import leases, reports
from app.services.reports import Accuracy, Situation, Target, next_step

READY: dict[str, Any] = {"images": 100, "classes": 2, "labels": 0, "trained_labels": None, "left": {}}


def situation(**changes) -> Situation:
    return Situation(**(READY | changes))


@pytest.mark.parametrize(
    ("changes", "target", "says"),
    [
        ({"images": 0}, Target.IMPORT, "Import your images"),
        ({"classes": 1}, Target.SETTINGS, "at least two"),
        ({"draft_number": 1, "draft_failed": "Empty."}, Target.ROUNDS, "Empty. Draw again."),
        ({"left": {Queue.SELECTION: 1, Queue.TEST: 9}}, Target.LABEL, "1 image is left in the selection"),
        ({"left": {Queue.VALIDATION: 2, Queue.TEST: 9}}, Target.LABEL, "2 images are left in the validation sample"),
        ({"active_number": 3, "left": {Queue.TEST: 9}}, Target.LABEL, "Meanwhile, 9 images of the test set"),
        ({"active_number": 3}, Target.ROUNDS, "Round 3 is being trained."),
        ({"active_number": 3, "active_waits": True}, Target.ROUNDS, "Round 3 waits for a worker."),
        ({"draft_number": 2, "draft_pending": True}, Target.ROUNDS, "choosing the images of round 2"),
        ({"labels": 5}, Target.ROUNDS, "5 new labels can teach the model"),
        ({"labels": 5, "trained_labels": 4}, Target.ROUNDS, "1 new label can teach"),
        ({"labels": 5, "trained_labels": 5, "left": {Queue.TEST: 3}}, Target.LABEL, "3 images are left in the test"),
        ({"labels": 5, "trained_labels": 5}, Target.ROUNDS, "choose the next images"),
        ({"labels": 5, "trained_labels": 5, "draft_number": 2, "left": {Queue.REVIEW: 7}}, Target.REVIEW, "7 rejected"),
        ({"labels": 5, "trained_labels": 5, "draft_number": 2}, Target.ACCURACY, "Everything that was asked"),
    ],
)
def test_next_step__names_the_most_useful_thing_and_its_page(changes, target, says):
    step = next_step(situation(**changes))

    assert step.target is target
    assert says in step.sentence


@given(
    st.builds(
        Situation,
        images=st.integers(0, 3),
        classes=st.integers(0, 3),
        labels=st.integers(0, 3),
        trained_labels=st.none() | st.integers(0, 3),
        left=st.dictionaries(st.sampled_from([Queue.TEST, Queue.SELECTION, Queue.REVIEW]), st.integers(0, 2)),
        active_number=st.none() | st.integers(1, 2),
        draft_number=st.none() | st.integers(1, 2),
        draft_pending=st.booleans(),
        draft_failed=st.none() | st.just("No."),
    )
)
def test_next_step__there_is_always_one_sentence_and_a_queue_only_where_one_is_answered(now):
    step = next_step(now)

    assert step.sentence[0].isupper() or step.sentence[0].isdigit()
    assert step.sentence.endswith(".")
    assert (step.queue is not None) == (step.target in {Target.LABEL, Target.REVIEW})
    if step.queue is not None:
        assert now.left[step.queue] > 0


@pytest.fixture
def pets(world):
    """Twenty training images and five test images."""
    world.make_project(train=20, test=5, validation_size=4, selection_size=3)
    return world


def overview(world, annotator_id: int | None = None):
    with world.reading() as uow:
        return reports.overview(uow, world.project_id, annotator_id)


def test_overview__counts_pools_labels_and_queues(pets):
    pets.label(pets.ids(Split.TEST)[:3])
    pets.label(pets.ids(Split.TRAIN)[:4])
    pets.play_round(wrong=1)

    now = overview(pets)

    assert (now.images, now.labels, now.test_labels, now.test_images, now.accepted) == (25, 4, 3, 5, 16)
    assert now.pools == {Pool.UNLABELLED: 2, Pool.PSEUDO_LABELLED: 16, Pool.LABELLED: 7, Pool.EXCLUDED: 0}
    assert now.left[Queue.TEST] == 2
    assert now.newest is not None
    assert now.newest.test == Accuracy(correct=2, n=3)


def test_overview__the_skips_of_one_annotator_are_hers_alone(pets):
    ada, ben = pets.annotator("Ada"), pets.annotator("Ben")
    pets.answer(pets.ids(Split.TEST)[0], None, by="Ada", queue=Queue.TEST)

    assert (overview(pets, ada).left[Queue.TEST], overview(pets, ben).left[Queue.TEST]) == (4, 5)


def test_overview__something_waits_for_a_worker_until_one_is_seen(pets):
    assert not overview(pets).waits_for_worker
    pets.request()
    waiting = overview(pets)
    with pets.writing() as uow:
        leases.seen(uow, "worker-1", "train")

    assert (waiting.waits_for_worker, waiting.workers) == (True, [])
    assert overview(pets).workers == ["worker-1"]


def test_overview__shows_the_newest_imports_first(pets):
    with pets.writing() as uow:
        uow.session.add(
            Import(
                project_id=pets.project_id,
                source="/more.zip",
                label_use=LabelUse.IGNORED,
                status=ImportStatus.RUNNING,
                added=7,
                refused=1,
            )
        )

    now = overview(pets)

    assert [(one.source, one.added) for one in now.imports] == [("/more.zip", 7), ("/pictures", 20), ("/pictures", 5)]
    assert now.waits_for_worker


def test_overview__an_empty_project_has_zeros_and_an_import_to_do(world):
    world.make_project()

    now = overview(world)

    assert (now.images, now.labels, now.accepted, now.curve, now.active_round_id) == (0, 0, 0, [], None)
    assert now.next_step.target is Target.IMPORT
