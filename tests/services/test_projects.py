"""Projects and classes: what can be made, changed and removed, and what is refused."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from app.db.models import Image
from app.db.queries import projects as project_queries
from app.domain.labels import Queue
from app.domain.people import Adjudication
from app.domain.pools import Split
from app.errors import Conflict, NotFound, Refused
from app.services import projects
from ssmae.config import Acquisition, Preset


def test_create__keeps_the_classes_in_the_given_order(world):
    world.make_project(classes=["zebra", "ant", "cat"])

    with world.reading() as uow:
        names = [one.name for one in project_queries.classes(uow.session, world.project_id)]

    assert names == ["zebra", "ant", "cat"]


def test_create__a_second_project_of_the_same_name_is_a_conflict(world):
    world.make_project(name="Pets")

    with pytest.raises(Conflict, match="already a project named 'Pets'"), world.writing() as uow:
        projects.create(uow, name="  Pets ")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"name": "  "}, "1 to 100 characters"),
        ({"name": "a/b"}, "without slashes"),
        ({"name": "ok", "selection_size": 0}, "selection_size must be at least 1. Got 0"),
        ({"name": "ok", "test_size": -1}, "test_size must be at least 0"),
        ({"name": "ok", "settings": {"gate": {"alpha": 2.0}}}, "GateConfig.alpha must be at most 0.5. Got 2.0"),
        ({"name": "ok", "settings": {"gaet": {}}}, "Got \\['gaet'\\]"),
    ],
)
def test_create__what_cannot_be_used_is_refused_in_a_sentence(world, options, sentence):
    with pytest.raises(Refused, match=sentence), world.writing() as uow:
        projects.create(uow, **options)


def test_create__a_refusal_leaves_nothing_behind(world):
    with pytest.raises(Conflict), world.writing() as uow:
        projects.create(uow, name="Pets", classes=["cat", "cat"])

    with world.reading() as uow:
        assert project_queries.every(uow.session) == []


def test_update__changes_what_was_named_and_nothing_else(world):
    world.make_project(selection_size=7)

    with world.writing() as uow:
        projects.update(uow, world.project_id, strategy=Acquisition.ENTROPY, preset=Preset.STANDARD)

    with world.reading() as uow:
        changed = project_queries.one(uow.session, world.project_id)
    assert (changed.strategy, changed.preset, changed.selection_size) == (Acquisition.ENTROPY, Preset.STANDARD, 7)


def test_update__the_name_of_another_project_is_a_conflict_and_its_own_is_not(world):
    world.make_project(name="Pets")
    world.make_project(name="Birds")

    with world.writing() as uow:
        projects.update(uow, world.project_id, name="Birds")
    with pytest.raises(Conflict, match="'Pets'"), world.writing() as uow:
        projects.update(uow, world.project_id, name="Pets")


def drawn_pets(world):
    """A hundred images whose split was drawn: a fifth of them are test images."""
    world.make_project(train=100, test_size=20)
    with world.writing() as uow:
        uow.session.execute(update(Image).values(split_is_given=False, draw=(Image.id - 0.5) / 100.0))
        projects.update(uow, world.project_id, test_size=21)
        projects.update(uow, world.project_id, test_size=20)
    assert len(world.ids(Split.TEST)) == 20


def test_update__another_test_size_draws_the_untouched_test_split_anew(world):
    drawn_pets(world)
    for size in (5, 30):
        with world.writing() as uow:
            projects.update(uow, world.project_id, test_size=size)
        assert len(world.ids(Split.TEST)) == size


@pytest.mark.parametrize("touch", ["answer", "round"])
def test_update__the_test_size_is_fixed_once_the_test_split_was_worked_with(world, touch):
    drawn_pets(world)
    if touch == "answer":
        world.answer(world.ids(Split.TEST)[0], world.class_ids[0], queue=Queue.TEST)
    else:
        world.label(world.ids(Split.TRAIN)[:4])
        world.request()

    with pytest.raises(Refused, match="test split is fixed"), world.writing() as uow:
        projects.update(uow, world.project_id, test_size=10)
    assert len(world.ids(Split.TEST)) == 20


def test_update__a_test_split_takes_no_image_that_was_asked_about(world):
    drawn_pets(world)
    world.open_draft(world.ids(Split.TRAIN)[:2])

    with pytest.raises(Refused, match="only become smaller"), world.writing() as uow:
        projects.update(uow, world.project_id, test_size=30)
    with world.writing() as uow:
        projects.update(uow, world.project_id, test_size=10)
    assert len(world.ids(Split.TEST)) == 10


@pytest.mark.parametrize("field", ["salt", "is_sealed", "id"])
def test_update__what_must_not_change_is_refused(world, field):
    world.make_project()

    with pytest.raises(Refused, match=f"{field} cannot be changed"), world.writing() as uow:
        projects.update(uow, world.project_id, **{field: "x"})


def test_round_config__layers_preset_project_and_overrides_section_by_section(world):
    world.make_project(train=2, settings={"gate": {"alpha": 0.2, "views": 3}})

    with world.reading() as uow:
        config = projects.round_config(uow, world.project_id, Preset.QUICK, {"gate": {"alpha": 0.05}})

    assert (config.gate.alpha, config.gate.views, config.model.image_size) == (0.05, 3, 32)


def test_round_config__needs_images_because_their_size_decides_the_resolution(world):
    world.make_project()

    with pytest.raises(Refused, match="no images yet"), world.reading() as uow:
        projects.round_config(uow, world.project_id, Preset.QUICK)


def test_round_config__settings_that_do_not_fit_together_are_refused_not_raised_as_a_bug(world):
    world.make_project(train=1)

    with pytest.raises(Refused, match="divisor of image_size"), world.reading() as uow:
        projects.round_config(uow, world.project_id, Preset.QUICK, {"model": {"patch_size": 5}})


def test_rename_class__labels_keep_pointing_to_it(world):
    world.make_project(train=1)
    (image_id,) = world.ids(Split.TRAIN)
    world.answer(image_id, world.class_ids[0])

    with world.writing() as uow:
        projects.rename_class(uow, world.project_id, world.class_ids[0], "kitten")

    assert world.image(image_id).label_class_id == world.class_ids[0]


def test_rename_class__the_name_of_another_class_is_a_conflict(world):
    world.make_project(classes=["cat", "dog"])

    with pytest.raises(Conflict, match="'dog'"), world.writing() as uow:
        projects.rename_class(uow, world.project_id, world.class_ids[0], "dog")


def test_remove_class__one_in_use_stays_and_an_unused_one_goes(world):
    world.make_project(train=1, classes=["cat", "dog"])
    with world.writing() as uow:
        spare = projects.add_class(uow, world.project_id, "newt").id

    with world.writing() as uow:
        projects.remove_class(uow, world.project_id, spare)
    with pytest.raises(Refused, match="'cat' is in use"), world.writing() as uow:
        projects.remove_class(uow, world.project_id, world.class_ids[0])


def test_remove_class__a_class_of_another_project_is_not_found(world):
    world.make_project(name="Birds", classes=["owl"])
    owl = world.class_ids[0]
    world.make_project(name="Pets")

    with pytest.raises(NotFound), world.writing() as uow:
        projects.remove_class(uow, world.project_id, owl)


def test_add_class__goes_behind_the_others_even_after_a_removal(world):
    world.make_project(classes=["a", "b", "c"])
    with world.writing() as uow:
        projects.remove_class(uow, world.project_id, world.class_ids[1])
    with world.writing() as uow:
        projects.add_class(uow, world.project_id, "d")

    with world.reading() as uow:
        assert [one.name for one in project_queries.classes(uow.session, world.project_id)] == ["a", "c", "d"]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"overlap_share": 1.5}, "overlap_share must be from 0 to 1. Got 1.5"),
        ({"overlap_size": 1}, "overlap_size must be from 2 to 5. Got 1"),
        ({"overlap_size": 6}, "overlap_size must be from 2 to 5"),
        ({"error_target": 0.0}, "error_target must be from 0.001 to 0.5"),
        ({"error_target": float("nan")}, "error_target must be"),
    ],
)
def test_update__what_labelling_together_cannot_be_is_refused_in_a_sentence(world, change, sentence):
    world.make_project()

    with pytest.raises(Refused, match=sentence), world.writing() as uow:
        projects.update(uow, world.project_id, **change)


def test_update__another_rule_for_disputes_applies_to_those_that_are_open_and_leaves_decisions_alone(world):
    world.make_project(train=4)
    cat, dog = world.class_ids
    tied, outvoted, decided, calm = world.ids(Split.TRAIN)
    for image_id in (tied, outvoted, decided):
        world.answer(image_id, cat, by="Ada")
        world.answer(image_id, dog, by="Ben")
    world.answer(outvoted, dog, by="Cleo")
    world.answer(decided, cat, by="Cleo", queue=Queue.ADJUDICATION)
    world.label([calm])

    def states():
        found = [world.image(image_id) for image_id in (tied, outvoted, decided, calm)]
        return [(image.label_class_id, image.needs_decision) for image in found]

    by_majority = states()
    with world.writing() as uow:
        projects.update(uow, world.project_id, adjudication=Adjudication.LEAD)
    by_lead = states()
    with world.writing() as uow:
        projects.update(uow, world.project_id, adjudication=Adjudication.MAJORITY)

    assert by_majority == [(dog, True), (dog, False), (cat, False), (world.image(calm).sealed_class_id, False)]
    assert by_lead == [(None, True), (None, True), *by_majority[2:]]
    assert states() == by_majority
