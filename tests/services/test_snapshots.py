"""Snapshots: what a round may learn from, and that nothing can change it afterwards."""

from __future__ import annotations

import numpy as np
import pytest

from app.domain.labels import Queue
from app.domain.pools import Split
from app.errors import NotFound
from app.services import snapshots
from app.storage import snapshot_key


@pytest.fixture
def pets(world):
    """Ten training images and four test images."""
    world.make_project(train=10, test=4)
    return world


def take(world):
    with world.writing() as uow:
        return snapshots.take(uow, world.storage, world.project_id)


def test_take__test_labels_are_never_counted_as_training_labels(pets):
    pets.label(pets.ids(Split.TEST))
    pets.label(pets.ids(Split.TRAIN)[:3])
    pets.open_draft(validation_size=5)
    pets.label(pets.ids(Split.VALIDATION)[:2])

    taken = take(pets)

    assert (taken.images, taken.labelled, taken.validation, taken.test) == (14, 3, 2, 4)


def test_load__rows_come_back_as_they_were_with_test_images_apart(pets):
    pets.label(pets.ids(Split.TEST) + pets.ids(Split.TRAIN)[:3])

    rows = snapshots.load(pets.storage, take(pets).digest)

    assert rows.image_ids_N.tolist() == sorted(pets.ids(Split.TEST) + pets.ids(Split.TRAIN))
    assert rows.image_ids_N[rows.where(Split.TEST)].tolist() == pets.ids(Split.TEST)
    labelled = rows.image_ids_N[(rows.class_index_N != snapshots.UNLABELLED)]
    assert sorted(labelled) == sorted(pets.ids(Split.TEST) + pets.ids(Split.TRAIN)[:3])
    assert [rows.class_ids[index] for index in rows.class_index_N[rows.where(Split.TEST)]] == [
        pets.image(image_id).sealed_class_id for image_id in pets.ids(Split.TEST)
    ]
    assert rows.class_names == ["cat", "dog"]


def test_take__the_same_content_gives_the_same_snapshot_and_any_answer_another(pets):
    first, again = take(pets), take(pets)
    pets.label(pets.ids(Split.TRAIN)[:1])
    changed = take(pets)

    assert first.id == again.id
    assert first.digest != changed.digest


def test_take__what_is_labelled_later_does_not_reach_it(pets):
    digest = take(pets).digest
    pets.label(pets.ids(Split.TRAIN))

    rows = snapshots.load(pets.storage, digest)

    assert (rows.class_index_N == snapshots.UNLABELLED).all()


def test_take__the_frame_and_what_judges_are_part_of_the_content(pets):
    without = take(pets)
    draft_id = pets.open_draft(pets.ids(Split.TRAIN)[:3], validation_size=4)
    drawn = take(pets)
    pets.answer(pets.sample(draft_id)[0], None, queue=Queue.VALIDATION)
    skipped = take(pets)

    assert len({without.digest, drawn.digest, skipped.digest}) == 3
    assert snapshots.load(pets.storage, without.digest).in_frame_N is None
    rows = snapshots.load(pets.storage, skipped.digest)
    assert rows.in_frame_N is not None
    assert set(rows.image_ids_N[rows.in_frame_N].tolist()) == {*pets.ids(Split.TRAIN)[3:], *pets.sample(draft_id)}
    assert rows.image_ids_N[rows.judges_N].tolist() == pets.sample(draft_id)[:1]


def test_load__a_snapshot_from_before_the_frame_was_kept_has_none_and_every_answer_judges(pets):
    draft_id = pets.open_draft(validation_size=4)
    answered = pets.sample(draft_id)[2:]
    pets.label(answered)
    digest = take(pets).digest
    path = pets.storage.path(snapshot_key(digest))
    with np.load(path) as file:
        older = {name: column for name, column in file.items() if name not in {"judges", "in_frame"}}
    np.savez_compressed(path, **older)

    rows = snapshots.load(pets.storage, digest)

    assert rows.in_frame_N is None
    assert sorted(rows.image_ids_N[rows.judges_N].tolist()) == sorted(answered)


def test_take__excluded_images_are_left_out(pets):
    gone = pets.ids(Split.TRAIN)[0]
    pets.exclude(gone)

    rows = snapshots.load(pets.storage, take(pets).digest)

    assert gone not in rows.image_ids_N
    assert len(rows.image_ids_N) == 13


def test_take__skipped_images_stay_unlabelled(pets):
    skipped = pets.ids(Split.TRAIN)[0]
    pets.answer(skipped, None)

    rows = snapshots.load(pets.storage, take(pets).digest)

    assert rows.class_index_N[np.flatnonzero(rows.image_ids_N == skipped)].tolist() == [snapshots.UNLABELLED]


def test_load__a_snapshot_that_is_gone_is_not_found(pets):
    with pytest.raises(NotFound, match="snapshots/"):
        snapshots.load(pets.storage, "0" * 64)
