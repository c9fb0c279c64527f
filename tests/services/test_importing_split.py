"""How large the test split becomes over several imports, and when it is fixed."""

from __future__ import annotations

import hashlib

import pytest
from sqlalchemy import select

from app.db.models import Image, Project
from app.domain.labels import Queue
from app.domain.pools import Split
from app.domain.rounds import LabelUse
from app.domain.splits import draw
from app.services import importing
from tests.pictures import picture, put


def bring(world, source, use=LabelUse.LABELS):
    with world.writing() as uow:
        import_id = importing.start(uow, project_id=world.project_id, source=source, label_use=use).id
    return importing.run(world.database, world.storage, import_id)


def files(first, last, folder=""):
    return {f"{folder}{n}.png": picture(n, size=(8, 8)) for n in range(first, last)}


def share_and_split(world):
    """The project's share; the images below it must be the test split, and nothing else."""
    with world.reading() as uow:
        project = uow.session.get(Project, world.project_id)
        found = uow.session.scalars(select(Image)).all()
    for one in found:
        assert one.draw == draw(one.sha256, project.salt)
        assert one.split is (Split.TEST if one.draw < project.test_share else Split.TRAIN)
    return project.test_share, sum(one.split is Split.TEST for one in found)


@pytest.mark.parametrize("use", [LabelUse.LABELS, LabelUse.SEALED])
def test_run__a_small_first_import_does_not_put_half_of_everything_into_the_test_split(world, tmp_path, use):
    world.make_project(classes=(), test_size=20)
    bring(world, put(tmp_path / "few", files(0, 10, "cat/")), use)
    assert share_and_split(world)[0] == 0.5
    bring(world, put(tmp_path / "many", files(10, 160, "cat/")), use)
    share, size = share_and_split(world)
    assert share == 20 / 160
    assert 8 <= size <= 36, "20 expected, standard deviation about 4"


def test_run__importing_again_or_files_that_are_refused_do_not_move_the_share(world, tmp_path):
    world.make_project(classes=(), test_size=20)
    folder = put(tmp_path / "in", files(0, 80) | {"broken-1.png": b"x", "broken-2.png": b"x"})
    bring(world, folder)
    before = share_and_split(world)
    bring(world, folder)
    assert share_and_split(world) == before
    assert before[0] == 0.25


def test_run__the_share_is_fixed_once_a_test_image_was_answered(world, tmp_path):
    world.make_project(test_size=20)
    bring(world, put(tmp_path / "in", files(0, 40)))
    world.answer(world.ids(Split.TEST)[0], world.class_ids[0], queue=Queue.TEST)
    before = set(world.ids(Split.TEST))
    bring(world, put(tmp_path / "more", files(40, 120)))
    assert share_and_split(world)[0] == 0.5
    assert before <= set(world.ids(Split.TEST))


def test_run__the_share_is_fixed_once_a_round_was_queued(world, tmp_path):
    world.make_project(test_size=20, validation_size=0)
    bring(world, put(tmp_path / "in", files(0, 40)))
    for image_id in world.ids(Split.TRAIN)[:4]:
        world.answer(image_id, world.class_ids[0])
    world.request()
    bring(world, put(tmp_path / "more", files(40, 120)))
    assert share_and_split(world)[0] == 0.5


def test_run__a_draft_alone_fixes_nothing_and_its_images_stay_outside(world, tmp_path):
    world.make_project(test_size=20, validation_size=0)
    bring(world, put(tmp_path / "in", files(0, 40)))
    asked = world.ids(Split.TRAIN)[:3]
    world.open_draft(asked)
    bring(world, put(tmp_path / "more", files(40, 120)))
    assert share_and_split(world)[0] == 20 / 120
    assert set(asked) <= set(world.ids(Split.TRAIN))


def test_run__a_split_that_the_source_named_is_never_drawn_anew(world, tmp_path):
    world.make_project(classes=(), test_size=2)
    named = {**files(0, 10, "test/"), **files(10, 30, "train/")}
    bring(world, put(tmp_path / "in", named))
    tests = {hashlib.sha256(content).hexdigest() for name, content in named.items() if name.startswith("test/")}
    bring(world, put(tmp_path / "more", files(30, 130)))
    with world.reading() as uow:
        found = {one.sha256: one.split for one in uow.session.scalars(select(Image).where(Image.split_is_given))}
    assert {sha256 for sha256, split in found.items() if split is Split.TEST} == tests
    assert len(found) == 30
