"""What helps to judge one proposal."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from app.db.models import GateRecord, Image, PseudoLabel, Round
from app.db.queries import projects, rounds
from app.domain.labels import Queue
from app.domain.pools import Split
from app.errors import NotFound, Refused
from app.services import audits, review_context
from ssmae.config import RejectionReason
from tests.predictions import publish_predictions

LETTERS = ("ant", "bee", "cat", "dog", "elk", "fox", "gnu")


def played(world, *, is_open=False, reason=RejectionReason.LOW_CONFIDENCE, **options):
    world.make_project(train=14, test=2, classes=LETTERS, validation_size=0)
    world.label(world.ids(Split.TRAIN)[:4])
    return world.play_round(is_open=is_open, reason=reason, **options)


def context(world, image_id, annotator_id=None):
    with world.reading() as uow:
        return review_context.of_image(uow, world.storage, image_id, annotator_id)


def propose(world, image_id, **columns):
    with world.writing() as uow:
        uow.session.execute(update(PseudoLabel).where(PseudoLabel.image_id == image_id).values(**columns))


def test_of_image__the_five_likeliest_and_the_rest_and_the_labelled_images_that_look_alike(world):
    round_id = played(world)
    train = world.ids(Split.TRAIN)
    one = train[6]
    embeddings = dict.fromkeys(train, (0.0, 1.0)) | {
        one: (1.0, 0.1), train[1]: (2.0, 0.3), train[3]: (1.0, 0.5), train[8]: (1.0, 0.1),
    }  # fmt: skip
    publish_predictions(world, round_id, dict.fromkeys(train, (0.05, 0.4, 0.1, 0.2, 0.15, 0.06, 0.04)), embeddings)

    found = context(world, one)

    assert [likely.name for likely in found.likeliest] == ["bee", "dog", "elk", "cat", "fox"]
    assert (round(found.others, 2), found.other_classes) == (0.09, 2)
    assert [near.image.id for near in found.neighbours[:2]] == [train[1], train[3]]  # never an unlabelled one
    assert found.neighbours[0].name == LETTERS[1]
    assert found.neighbours[0].similarity > 0.99
    assert len(found.neighbours) == 4


def test_of_image__leaves_out_what_others_say_of_images_that_one_shall_still_answer(world):
    round_id = played(world)
    train = world.ids(Split.TRAIN)
    publish_predictions(world, round_id, dict.fromkeys(train, (0.05, 0.4, 0.1, 0.2, 0.15, 0.06, 0.04)))
    with world.writing() as uow:
        project = projects.one(uow.session, world.project_id)
        project.overlap_share, project.overlap_size = 1.0, 2
    with world.reading() as uow:
        draft = rounds.draft(uow.session, world.project_id)
    assert draft is not None
    world.select(draft.id, [train[5]])
    world.answer(train[5], world.class_ids[0], by="Ben", queue=Queue.SELECTION)
    ada, ben = world.annotator("Ada"), world.annotator("Ben")

    assert train[5] in [near.image.id for near in context(world, train[6], ben).neighbours]
    assert train[5] not in [near.image.id for near in context(world, train[6], ada).neighbours]


@pytest.mark.parametrize(
    ("reason", "columns", "said"),
    [
        (RejectionReason.LOW_CONFIDENCE, {"score": 0.62}, "62 % over all views"),
        (
            RejectionReason.INCONSISTENT,
            {"score": 0.0, "confidence": 0.88},
            "88 % sure of “gnu” as the image is, but on",
        ),
        (RejectionReason.GATE_CLOSED, {}, "but the gate of round 1 was closed. Closed: too many were wrong."),
        (RejectionReason.CLASS_BLOCKED, {}, "“gnu” is blocked"),
        (RejectionReason.OUTSIDE_FRAME, {}, "so it cannot vouch for it"),
    ],
)
def test_of_image__says_why_with_the_numbers_that_were_compared(world, reason, columns, said):
    played(world, reason=reason)
    one = world.ids(Split.TRAIN)[6]
    propose(world, one, reason=reason, **columns)
    assert said in context(world, one).why


def test_of_image__names_the_threshold_of_the_gate_and_what_blocked_a_class(world):
    round_id = played(world, is_open=True)
    one = world.ids(Split.TRAIN)[6]
    assert context(world, one).why == "Accepted as “gnu”: 90 % over all views, and the gate of round 1 asks for 90 %."
    about = {"class_id": world.class_ids[6], "n": 20, "errors": 9}
    with world.writing() as uow:
        uow.session.execute(update(GateRecord).where(GateRecord.round_id == round_id).values(classes=[about]))
    propose(world, one, reason=RejectionReason.CLASS_BLOCKED)
    assert "of 20 validation images that the model calls so, 9 are not" in context(world, one).why


def test_of_image__draws_views_from_the_rules_of_the_round_and_says_them(world):
    round_id = played(world)
    one = world.ids(Split.TRAIN)[6]
    first, again = context(world, one), context(world, one)
    assert first.views == again.views
    assert len(first.views) == 2
    assert all(abs(view.degrees) <= 15 and view.erased_side <= 0.25 for view in first.views)
    assert "turned by up to 15°" in first.changes
    assert "mirrored" not in first.changes
    with world.writing() as uow:
        row = uow.session.get(Round, round_id)
        row.config = {**row.config, "augment": {**row.config["augment"], "flip": True, "rotate": 0.0}}
    assert context(world, one).changes.startswith("mirrored, shifted")
    assert "turned" not in context(world, one).changes


def test_of_image__refuses_where_an_answer_measures_the_model(world):
    world.make_project(train=20, test=2, validation_size=0)
    with world.writing() as uow:
        projects.one(uow.session, world.project_id).error_target = 0.2
    world.play_round(is_open=True)
    train = world.ids(Split.TRAIN)
    assert context(world, train[0]).proposed_class_id
    with world.reading() as uow:
        waiting = audits.state(uow, world.project_id).waiting
    world.label(waiting[:1], queue=Queue.AUDIT)
    with world.writing() as uow:
        uow.session.execute(update(Image).where(Image.id == train[3]).values(split=Split.VALIDATION))
    for hidden in (waiting[1], train[3], world.ids(Split.TEST)[0]):
        with pytest.raises(Refused, match="measures the model"):
            context(world, hidden)
    with pytest.raises(NotFound):
        context(world, 99_999)


def test_of_image__before_any_round_there_is_nothing_to_say(world):
    world.make_project(train=2)
    assert "No round has looked" in context(world, world.ids(Split.TRAIN)[0]).why
