"""Grids: the proposals of one class by doubt or at random, what they prove, and how a whole one is taken back."""

from __future__ import annotations

import itertools
from math import ceil

import pytest
from sqlalchemy import update

from app.db.models import Image, PseudoLabel
from app.db.queries import projects
from app.domain.acceptance import Order
from app.domain.labels import Action, Queue
from app.domain.pools import Pool, Split
from app.domain.pseudo_labels import PseudoLabelStatus
from app.errors import NotFound
from app.services import annotation, audits, grids, queues
from ssmae.gate import Audit, error_upper_bound


@pytest.fixture
def pets(world):
    """Eighty training images, half of them cats, all rejected because the gate was closed."""
    world.make_project(train=80, test=2, validation_size=0)
    world.play_round(is_open=False)
    return world


def take(world, by="Ada", *, want=24, class_id=None, held=(), order=Order.DOUBT, queue=Queue.GRID):
    person = world.annotator(by)
    chosen = world.class_ids[0] if class_id is None and queue is Queue.GRID else class_id
    with world.writing() as uow:
        return queues.take(
            uow, world.project_id, queue, person, tab=f"tab-{by}", want=want, held=held, class_id=chosen, order=order
        )


def ids(taken):
    return [item.image_id for item in taken.items]


def accept(world, image_ids, *, batch="b1", odd=(), order=Order.RANDOM, by="Ada"):
    """Enter: the odd ones are passed over, the others labelled with the first class, in one batch."""
    person = world.annotator(by)
    with world.writing() as uow:
        for image_id in image_ids:
            action = Action.SKIP if image_id in odd else Action.LABEL
            annotation.answer(
                uow, uid=f"{batch}-{image_id}-{by}", image_id=image_id, annotator_id=person, action=action,
                class_id=world.class_ids[0] if action is Action.LABEL else None, queue=Queue.GRID, note=order.note,
                batch=batch,
            )  # fmt: skip


def proofs(world, n=24, order=Order.RANDOM):
    with world.reading() as uow:
        return grids.proofs(uow, world.project_id, world.class_ids[0], n=n, order=order)


def set_scores(world, scores):
    with world.writing() as uow:
        for label, image in world.proposals(PseudoLabelStatus.REJECTED):
            uow.session.execute(update(PseudoLabel).where(PseudoLabel.id == label.id).values(score=scores[image.id]))


def test_take__gives_one_class_least_sure_first_and_each_image_to_one_person(pets):
    train = pets.ids(Split.TRAIN)
    set_scores(pets, {one: ((one * 37) % 80) / 100 for one in train})
    cats = [one for one in train if pets.image(one).sealed_class_id == pets.class_ids[0]]

    ada, ben = take(pets), take(pets, "Ben")

    assert ids(ada) == sorted(cats, key=lambda one: (one * 37) % 80)[:24]
    assert {item.proposed_class_id for item in ada.items} == {pets.class_ids[0]}
    assert not set(ids(ada)) & set(ids(ben))
    assert ada.progress.left == 40


def test_take__at_random_begins_anywhere_in_the_draw_and_comes_round_to_all(pets):
    first, second = (take(pets, by, order=Order.RANDOM, want=24) for by in ("Ada", "Ben"))
    assert len(ids(first)) == 24
    draws = [pets.image(one).draw for one in ids(first)]
    assert sum(later < earlier for earlier, later in itertools.pairwise(draws)) <= 1  # once around the circle
    assert len({*ids(first), *ids(second)}) == len(ids(first)) + len(ids(second))


def test_take__refuses_a_class_of_another_project(pets):
    with pytest.raises(NotFound):
        take(pets, class_id=999)


@pytest.fixture
def accepted(world):
    """Sixty training images whose pseudo-labels were all accepted; an audit of them takes 17 right answers."""
    world.make_project(train=60, test=2, validation_size=0)
    with world.writing() as uow:
        projects.one(uow.session, world.project_id).error_target = 0.2
    world.play_round(is_open=True)
    return world


def state(world):
    with world.reading() as uow:
        return audits.state(uow, world.project_id)


def test_take__never_shows_the_proposal_where_an_answer_judges(accepted):
    (first, *_) = state(accepted).waiting
    accepted.label([first], queue=Queue.AUDIT)
    shown = ids(take(accepted, want=60))
    assert shown
    assert not set(shown) & state(accepted).hidden
    with accepted.writing() as uow:
        uow.session.execute(update(Image).where(Image.id == shown[0]).values(split=Split.VALIDATION))
        queues.release(uow, 1, "tab-Ada")
    assert ids(take(accepted, want=60)) == shown[1:]


def test_accept__one_undo_takes_the_whole_grid_back_and_accepted_ones_are_accepted_again(accepted):
    shown = ids(take(accepted, want=10))
    accept(accepted, shown, odd=shown[:1])
    assert [accepted.image(one).pool for one in shown] == [Pool.UNLABELLED, *[Pool.LABELLED] * 9]
    assert shown[0] not in ids(take(accepted, "Ben", want=60))  # nobody is shown what was revoked

    ada = accepted.annotator()
    with accepted.writing() as uow:
        undone = annotation.undo(uow, accepted.project_id, ada)

    assert {one.image_id for one in undone} == set(shown)
    assert [accepted.image(one).pool for one in shown] == [Pool.PSEUDO_LABELLED] * 10
    assert ids(take(accepted, want=10)) == shown


def test_accept__what_was_passed_over_waits_in_review_for_the_same_person(pets):
    shown = ids(take(pets))
    accept(pets, shown, odd=shown[:2])
    ada = pets.annotator()
    with pets.reading() as uow:
        waiting = queues.next_images(uow, pets.project_id, Queue.REVIEW, ada, 99)
    assert set(shown[:2]) <= {item.image_id for item in waiting}
    assert not set(shown) & set(ids(take(pets)))


def test_proofs__of_one_grid_is_the_exact_bound_for_each_number_of_wrong_ones(pets):
    said = proofs(pets, n=48).of_this_grid
    assert len(said) == 49
    for wrong in (0, 1, 5):
        bound = ceil(1000 * float(error_upper_bound(wrong, 48, 0.05))) / 10
        assert f"at most {bound:g} %" in said[wrong]
    assert said[0].startswith("None wrong of these 48 in random order: with 95 % certainty at most 6.1 %")
    assert "11 more without another wrong one would prove it" in said[0]


def test_proofs__by_doubt_say_what_they_rest_on(pets):
    assert (
        "if the others, of which the model is surer, are wrong no more often than these"
        in proofs(pets, order=Order.DOUBT).of_this_grid[0]
    )


def test_proofs__all_grids_in_random_order_add_up_and_hold_whenever_one_stops(pets):
    first = ids(take(pets, want=24))
    accept(pets, first, odd=first[:1])
    second = ids(take(pets, want=24))
    accept(pets, second[:10], batch="b2", order=Order.DOUBT)  # proves nothing of the others

    audit = Audit(alpha=0.05)
    for at in range(24):
        audit = audit.answer(is_right=at != 0)
    said = proofs(pets).so_far
    assert said.startswith("All 24 judged in random order since the newest round, one wrong")
    assert f"at most {ceil(1000 * audit.error_bound) / 10:g} %" in said
    assert "if every grid that was looked at was accepted too" in said  # one that was left is not known


def test_proofs__an_undone_grid_proves_nothing_and_a_later_change_of_mind_does_not_flatter(pets):
    first = ids(take(pets))
    accept(pets, first, odd=first[:1])
    before = proofs(pets).so_far
    pets.answer(first[3], pets.class_ids[1], queue=Queue.SECOND_LOOK)
    assert proofs(pets).so_far == before

    second = ids(take(pets))
    accept(pets, second, batch="b2")
    assert proofs(pets).so_far != before
    ada = pets.annotator()
    with pets.writing() as uow:
        annotation.undo(uow, pets.project_id, ada)
    assert proofs(pets).so_far == before


def test_proofs__a_newer_round_begins_anew(pets):
    accept(pets, ids(take(pets)))
    pets.play_round(is_open=False)
    assert "was accepted yet" in proofs(pets).so_far


def test_open_counts__by_class_without_what_was_judged(pets):
    accept(pets, ids(take(pets)))
    with pets.reading() as uow:
        assert grids.open_counts(uow, pets.project_id) == {pets.class_ids[0]: 16, pets.class_ids[1]: 40}


def test_audit__is_asked_without_the_proposal_and_in_the_order_of_the_draw(accepted):
    waiting = state(accepted).waiting

    taken = take(accepted, queue=Queue.AUDIT, want=6)

    assert ids(taken) == list(waiting[:6])
    assert [(item.proposed_class_id, item.confidence, item.hint) for item in taken.items] == [(None, None, None)] * 6
    assert taken.progress.left == len(waiting)
    accepted.label(ids(taken)[:3], queue=Queue.AUDIT)
    assert take(accepted, queue=Queue.AUDIT, want=6, held=ids(taken)).kept == list(waiting[3:6])
