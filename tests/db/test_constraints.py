"""What the schema itself refuses, whatever the code above it believes."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import insert, text, update
from sqlalchemy.exc import IntegrityError, StatementError

from app.db.models import Annotation, GateRecord, Image, Project, PseudoLabel, Round, Selection
from app.domain.labels import Action, Queue
from app.domain.pools import Pool, Split
from app.domain.pseudo_labels import PseudoLabelStatus
from app.domain.rounds import RoundStatus
from ssmae.config import Acquisition, RejectionReason
from tests.world import World, gate_columns


@pytest.fixture
def world(database_url, tmp_path):
    """A project of two classes with four training images and a test image."""
    made = World(database_url, tmp_path)
    made.make_project(train=4, test=1, validation_size=0)
    yield made
    made.close()


def add(world, table: type, **columns) -> None:
    with world.writing() as uow:
        uow.session.execute(insert(table).values(**columns))


def a_round(world, number: int, status: RoundStatus, project_id: int | None = None) -> None:
    add(
        world, Round, project_id=project_id or world.project_id, number=number, status=status,
        strategy=Acquisition.RANDOM, selection_size=1, validation_size=0,
    )  # fmt: skip


def an_annotation(world, **changes) -> None:
    values = {
        "uid": f"uid-{changes.get('uid', 1)}", "project_id": world.project_id, "image_id": world.ids(Split.TRAIN)[0],
        "annotator_id": world.annotator(), "action": Action.LABEL, "class_id": world.class_ids[0],
        "queue": Queue.BROWSE,
    }  # fmt: skip
    add(world, Annotation, **(values | changes))


@pytest.mark.parametrize("first", [RoundStatus.QUEUED, RoundStatus.RUNNING])
@pytest.mark.parametrize("second", [RoundStatus.QUEUED, RoundStatus.RUNNING])
def test_schema__one_queued_or_running_round_a_project(world, first, second):
    a_round(world, 1, first)

    with pytest.raises(IntegrityError):
        a_round(world, 2, second)
    for number, status in enumerate((RoundStatus.SUCCEEDED, RoundStatus.FAILED, RoundStatus.DRAFT), start=3):
        a_round(world, number, status)


def test_schema__one_draft_a_project_and_one_round_of_a_number(world):
    a_round(world, 1, RoundStatus.DRAFT)

    with pytest.raises(IntegrityError):
        a_round(world, 2, RoundStatus.DRAFT)
    with pytest.raises(IntegrityError):
        a_round(world, 1, RoundStatus.SUCCEEDED)


def test_schema__another_project_has_its_own_active_round_and_draft(world):
    a_round(world, 1, RoundStatus.RUNNING)
    a_round(world, 2, RoundStatus.DRAFT)
    world.make_project(name="Birds")

    a_round(world, 1, RoundStatus.RUNNING)
    a_round(world, 2, RoundStatus.DRAFT)


def test_schema__one_current_annotation_an_annotator_and_image(world):
    an_annotation(world)

    with pytest.raises(IntegrityError):
        an_annotation(world, uid="uid-2")
    an_annotation(world, uid="uid-3", superseded_at=datetime.now(UTC))
    an_annotation(world, uid="uid-4", annotator_id=world.annotator("Ben"))


def test_schema__a_uid_is_used_once(world):
    an_annotation(world, uid="same")

    with pytest.raises(IntegrityError):
        an_annotation(world, uid="same", image_id=world.ids(Split.TRAIN)[1])


@pytest.mark.parametrize(("action", "has_class"), [(Action.LABEL, False), (Action.SKIP, True), (Action.WITHDRAW, True)])
def test_schema__a_label_has_a_class_and_nothing_else_has(world, action, has_class):
    with pytest.raises(IntegrityError):
        an_annotation(world, action=action, class_id=world.class_ids[0] if has_class else None)


def test_schema__an_answer_never_takes_less_than_no_time(world):
    with pytest.raises(IntegrityError):
        an_annotation(world, seconds=-0.1)


@pytest.mark.parametrize(
    "change",
    [
        {"pool": Pool.LABELLED},
        {"label_class_id": 1},
        {"split": None},
        {"pool": None},
    ],
)
def test_schema__an_image_is_labelled_exactly_if_it_has_a_label_and_always_has_pool_and_split(world, change):
    if "label_class_id" in change:
        change = {"label_class_id": world.class_ids[0]}
    with pytest.raises(IntegrityError), world.writing() as uow:
        uow.session.execute(update(Image).where(Image.id == world.ids(Split.TRAIN)[0]).values(**change))


@pytest.mark.parametrize(
    ("table", "column"), [("image", "pool"), ("image", "split"), ("project", "strategy"), ("project", "preset")]
)
def test_schema__a_word_that_is_no_status_is_refused_by_the_database(world, table, column):
    with pytest.raises(IntegrityError), world.writing() as uow:
        uow.session.execute(text(f"UPDATE {table} SET {column} = 'nonsense'"))


def test_schema__a_word_that_is_no_status_is_refused_by_the_model(world):
    with pytest.raises(StatementError), world.writing() as uow:
        uow.session.execute(update(Image).values(pool="nonsense"))


def test_schema__the_same_bytes_are_one_image_of_a_project(world):
    first = world.image(world.ids(Split.TRAIN)[0])

    with pytest.raises(IntegrityError), world.writing() as uow:
        uow.session.execute(update(Image).where(Image.id != first.id).values(sha256=first.sha256))


@pytest.mark.parametrize(("column", "value"), [("test_size", -1), ("validation_size", -1), ("selection_size", 0)])
def test_schema__sizes_of_a_project_are_sensible(world, column, value):
    with pytest.raises(IntegrityError), world.writing() as uow:
        uow.session.execute(update(Project).values({column: value}))


def test_schema__one_pseudo_label_an_image_and_round_with_a_score_from_0_to_1(world):
    round_id = world.request()
    image_id = world.ids(Split.TRAIN)[0]
    values = {
        "project_id": world.project_id, "round_id": round_id, "image_id": image_id, "class_id": world.class_ids[0],
        "score": 0.5, "confidence": 0.5, "status": PseudoLabelStatus.ACCEPTED,
    }  # fmt: skip
    add(world, PseudoLabel, **values)

    for change in ({}, {"image_id": world.ids(Split.TRAIN)[1], "score": 1.1}):
        with pytest.raises(IntegrityError):
            add(world, PseudoLabel, **(values | change))


def test_schema__every_reason_of_a_rejection_can_be_kept_and_no_other_word(world):
    round_id = world.request()
    values = {
        "project_id": world.project_id, "round_id": round_id, "class_id": world.class_ids[0], "score": 0.5,
        "confidence": 0.5, "status": PseudoLabelStatus.REJECTED,
    }  # fmt: skip
    images = world.add_images(len(RejectionReason), Split.TRAIN)
    for image_id, reason in zip(images, RejectionReason, strict=True):
        add(world, PseudoLabel, image_id=image_id, reason=reason, **values)

    with pytest.raises(IntegrityError), world.writing() as uow:
        uow.session.execute(text("UPDATE pseudo_label SET reason = 'nonsense'"))


def test_schema__an_image_is_asked_once_a_round_whatever_the_queue(world):
    draft_id = world.open_draft(world.ids(Split.TRAIN)[:1])

    with pytest.raises(IntegrityError):
        add(
            world, Selection, round_id=draft_id, image_id=world.ids(Split.TRAIN)[0], queue=Queue.VALIDATION,
            strategy=Acquisition.RANDOM, score=0.0, reason="Again.", position=0,
        )  # fmt: skip


def test_schema__a_gate_answers_each_check_once(world):
    round_id = world.request()
    add(world, GateRecord, round_id=round_id, **gate_columns(is_open=True))

    with pytest.raises(IntegrityError):
        add(world, GateRecord, round_id=round_id, **gate_columns(is_open=False))


def test_schema__a_row_that_refers_to_nothing_is_refused(world):
    with pytest.raises(IntegrityError):
        add(world, PseudoLabel, project_id=world.project_id, round_id=10**6, image_id=world.ids(Split.TRAIN)[0],
            class_id=world.class_ids[0], score=0.5, confidence=0.5, status=PseudoLabelStatus.ACCEPTED)  # fmt: skip


def test_schema__a_naive_time_is_refused(world):
    with pytest.raises(StatementError, match="must carry its zone"), world.writing() as uow:
        uow.session.execute(update(Project).values(created_at=datetime(2026, 1, 1)))  # noqa: DTZ001 - the point
