"""Answers: one act in, label and pool follow; replays, corrections, skips, undo, several people."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import func, select

from app.db.models import Annotation
from app.db.queries import projects as project_queries
from app.db.queries import rounds as round_queries
from app.domain.labels import Action, AnnotatorKind, Queue
from app.domain.people import Adjudication
from app.domain.pools import Pool, Split
from app.errors import Conflict, NotFound, Refused
from app.services import annotation, projects, queues
from ssmae.config import Acquisition, RejectionReason


@pytest.fixture
def pets(world):
    """Six training images and two test images of cats and dogs."""
    world.make_project(train=6, test=2)
    return world


def acts(world) -> int:
    with world.reading() as uow:
        return uow.session.scalar(select(func.count()).select_from(Annotation))


def queued(world, queue: Queue, *, by: str = "Ada") -> list[int]:
    person = world.annotator(by)
    with world.reading() as uow:
        return [item.image_id for item in queues.next_images(uow, world.project_id, queue, person)]


def undo(world, *, by: str = "Ada", uid: str | None = None) -> annotation.Answered | None:
    taken_back = world.undo(by=by, uid=uid)
    return taken_back[0] if taken_back else None


def test_answer__a_label_moves_the_image_into_the_labelled_pool(pets):
    image_id = pets.ids(Split.TRAIN)[0]
    cat = pets.class_ids[0]

    outcome = pets.answer(image_id, cat)

    assert (outcome.label_class_id, outcome.pool, outcome.is_replay) == (cat, Pool.LABELLED, False)
    assert (pets.image(image_id).label_class_id, pets.image(image_id).pool) == (cat, Pool.LABELLED)


def test_answer__the_same_uid_again_changes_nothing_even_if_its_class_differs(pets):
    image_id = pets.ids(Split.TRAIN)[0]
    cat, dog = pets.class_ids
    pets.answer(image_id, cat, uid="same")

    outcome = pets.answer(image_id, dog, uid="same")

    assert (outcome.is_replay, outcome.label_class_id) == (True, cat)
    assert acts(pets) == 1


def test_answer__a_replay_that_arrives_after_a_correction_does_not_undo_the_correction(pets):
    image_id = pets.ids(Split.TRAIN)[0]
    cat, dog = pets.class_ids
    pets.answer(image_id, cat, uid="first")
    pets.answer(image_id, dog, uid="second")

    assert pets.answer(image_id, cat, uid="first").label_class_id == dog


def test_answer__a_uid_that_belongs_to_another_image_is_a_conflict(pets):
    first, second, *_ = pets.ids(Split.TRAIN)
    pets.answer(first, pets.class_ids[0], uid="same")

    with pytest.raises(Conflict, match="already used"):
        pets.answer(second, pets.class_ids[0], uid="same")


def test_answer__a_correction_supersedes_and_keeps_the_history(pets):
    image_id = pets.ids(Split.TRAIN)[0]
    cat, dog = pets.class_ids
    pets.answer(image_id, cat)
    pets.answer(image_id, dog)

    oldest, newest = [row for row, _ in pets.said(image_id)]

    assert (newest.class_id, newest.superseded_at, newest.supersedes_id) == (dog, None, oldest.id)
    assert oldest.class_id == cat
    assert oldest.superseded_at is not None
    assert pets.image(image_id).label_class_id == dog


def test_answer__the_majority_decides_and_a_tie_goes_to_the_latest(pets):
    image_id = pets.ids(Split.TRAIN)[0]
    cat, dog = pets.class_ids

    assert pets.answer(image_id, cat, by="Ada").label_class_id == cat
    assert pets.answer(image_id, dog, by="Ben").label_class_id == dog
    assert pets.answer(image_id, cat, by="Cyd").label_class_id == cat
    assert pets.answer(image_id, cat, by="Ben").label_class_id == cat


def test_answer__a_skip_leaves_the_image_open_for_others_but_not_for_the_one_who_skipped(pets):
    image_id = pets.ids(Split.TEST)[0]

    outcome = pets.answer(image_id, None, queue=Queue.TEST)

    assert outcome.pool is Pool.UNLABELLED
    assert image_id not in queued(pets, Queue.TEST)
    assert image_id in queued(pets, Queue.TEST, by="Ben")


def test_answer__a_label_without_a_class_and_a_skip_with_one_are_refused(pets):
    image_id, person = pets.ids(Split.TRAIN)[0], pets.annotator()
    for action, class_id in ((Action.LABEL, None), (Action.SKIP, pets.class_ids[0])):
        with pytest.raises(Refused, match=f"The action {action} needs"), pets.writing() as uow:
            annotation.answer(
                uow, uid="u", image_id=image_id, annotator_id=person, action=action, class_id=class_id, queue=Queue.TEST
            )
    assert acts(pets) == 0


def test_answer__a_class_of_another_project_an_unknown_image_and_an_unknown_person_are_not_found(pets):
    image_id = pets.ids(Split.TRAIN)[0]
    cat = pets.class_ids[0]
    person = pets.annotator()
    pets.make_project(name="Birds", classes=["owl"])

    for given in ({"class_id": pets.class_ids[0]}, {"image_id": 10**6}, {"annotator_id": 10**6}):
        values = {"image_id": image_id, "annotator_id": person, "class_id": cat} | given
        with pytest.raises(NotFound), pets.writing() as uow:
            annotation.answer(uow, uid="u", action=Action.LABEL, queue=Queue.BROWSE, **values)


def test_answer__remembers_queue_round_and_time_taken(pets):
    image_id, person = pets.ids(Split.TRAIN)[0], pets.annotator()
    draft_id = pets.open_draft([image_id], validation_size=0)
    with pets.writing() as uow:
        annotation.answer(
            uow,
            uid="u",
            image_id=image_id,
            annotator_id=person,
            action=Action.LABEL,
            class_id=pets.class_ids[1],
            queue=Queue.SELECTION,
            seconds=1.25,
            note="blurred",
        )

    ((kept, name),) = pets.said(image_id)
    assert (kept.queue, kept.round_id, kept.seconds, kept.note, name) == (
        Queue.SELECTION, draft_id, 1.25, "blurred", "Ada",
    )  # fmt: skip


def test_answer__two_people_at_the_same_moment_both_count(pets):
    image_id = pets.ids(Split.TRAIN)[0]
    cat, dog = pets.class_ids
    people = [pets.annotator(name) for name in ("Ada", "Ben", "Cyd")]
    start = threading.Barrier(3)
    failures = []

    def act(person: int, class_id: int) -> None:
        start.wait()
        try:
            with pets.writing() as uow:
                annotation.answer(
                    uow,
                    uid=f"u{person}",
                    image_id=image_id,
                    annotator_id=person,
                    action=Action.LABEL,
                    class_id=class_id,
                    queue=Queue.BROWSE,
                )
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=act, args=pair) for pair in zip(people, [cat, dog, dog], strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    assert acts(pets) == 3
    assert pets.image(image_id).label_class_id == dog


def test_undo__takes_back_the_newest_act_across_queues_then_the_one_before(pets):
    selected, test = pets.ids(Split.TRAIN)[0], pets.ids(Split.TEST)[0]
    pets.open_draft([selected], validation_size=0)
    pets.answer(test, pets.class_ids[0], queue=Queue.TEST)
    pets.answer(selected, pets.class_ids[0], queue=Queue.SELECTION)

    first, second, third = undo(pets), undo(pets), undo(pets)

    assert first is not None
    assert second is not None
    assert (first.image_id, second.image_id, third) == (selected, test, None)
    assert queued(pets, Queue.SELECTION) == [selected]
    assert test in queued(pets, Queue.TEST)
    assert pets.image(selected).pool is Pool.UNLABELLED


def test_undo__of_a_correction_brings_the_earlier_answer_back_and_then_goes_on_in_the_order_of_the_acts(pets):
    corrected, other = pets.ids(Split.TRAIN)[:2]
    cat, dog = pets.class_ids
    pets.answer(corrected, cat)
    pets.answer(other, dog)
    pets.answer(corrected, dog)

    undo(pets)
    assert pets.image(corrected).label_class_id == cat
    undo(pets)
    assert (pets.image(corrected).label_class_id, pets.image(other).label_class_id) == (cat, None)
    undo(pets)
    assert pets.image(corrected).label_class_id is None
    assert undo(pets) is None


def test_undo__of_an_answer_that_followed_an_undo_leaves_nothing(pets):
    image_id = pets.ids(Split.TRAIN)[0]
    cat, dog = pets.class_ids
    pets.answer(image_id, cat)
    undo(pets)
    pets.answer(image_id, dog)

    undo(pets)

    assert pets.image(image_id).label_class_id is None


def test_undo__takes_back_a_skip_as_well(pets):
    image_id = pets.ids(Split.TEST)[0]
    pets.answer(image_id, None, queue=Queue.TEST)

    undo(pets)

    assert image_id in queued(pets, Queue.TEST)


def test_undo__touches_only_the_annotators_own_acts(pets):
    image_id = pets.ids(Split.TRAIN)[0]
    cat, dog = pets.class_ids
    pets.answer(image_id, dog, by="Ben")
    pets.answer(image_id, cat, by="Ada")

    undo(pets, by="Ada")

    assert pets.image(image_id).label_class_id == dog


def test_undo__the_same_uid_again_takes_nothing_more_back(pets):
    first, second, *_ = pets.ids(Split.TRAIN)
    pets.label([first, second])

    undo(pets, uid="once")
    again = undo(pets, uid="once")

    assert again is not None
    assert again.is_replay
    assert pets.image(first).pool is Pool.LABELLED
    assert pets.image(second).pool is Pool.UNLABELLED


def test_exclude__takes_label_and_queue_place_and_include_brings_both_back(pets):
    image_id = pets.ids(Split.TEST)[0]
    pets.answer(image_id, pets.class_ids[1])

    pets.exclude(image_id)
    excluded = pets.image(image_id)
    pets.include(image_id)

    assert (excluded.pool, excluded.label_class_id) == (Pool.EXCLUDED, None)
    assert (pets.image(image_id).pool, pets.image(image_id).label_class_id) == (Pool.LABELLED, pets.class_ids[1])


def test_exclude__an_answer_that_comes_later_is_kept_and_counts_once_the_image_is_back(pets):
    image_id = pets.ids(Split.TRAIN)[0]
    pets.exclude(image_id)

    late = pets.answer(image_id, pets.class_ids[1], by="Ben")
    pets.act(image_id, Action.INCLUDE, by="Cleo")

    assert (late.pool, late.label_class_id) == (Pool.EXCLUDED, None)
    assert (pets.image(image_id).pool, pets.image(image_id).label_class_id) == (Pool.LABELLED, pets.class_ids[1])


def test_exclude__is_undone_like_an_answer_and_so_is_bringing_back(pets):
    image_id = pets.ids(Split.TRAIN)[0]
    pets.answer(image_id, pets.class_ids[0])
    pets.exclude(image_id)

    pets.undo()
    restored = pets.image(image_id)
    pets.exclude(image_id)
    pets.act(image_id, Action.INCLUDE, by="Ben")
    pets.undo(by="Ben")

    assert (restored.pool, restored.label_class_id) == (Pool.LABELLED, pets.class_ids[0])
    assert pets.image(image_id).pool is Pool.EXCLUDED


def test_include__keeps_what_whoever_brings_the_image_back_had_said(pets):
    image_id = pets.ids(Split.TRAIN)[0]
    cat, dog = pets.class_ids
    pets.answer(image_id, cat)
    pets.answer(image_id, dog)
    pets.act(image_id, Action.EXCLUDE, by="Ben")

    pets.act(image_id, Action.INCLUDE)

    assert (pets.image(image_id).label_class_id, pets.image(image_id).opinions) == (dog, 1)


def test_take_back__of_one_s_own_exclusion_leaves_that_of_others(pets):
    image_id = pets.ids(Split.TRAIN)[0]
    pets.exclude(image_id)
    excluded = pets.act(image_id, Action.EXCLUDE, by="Ben")

    take_back(pets, excluded.uid, image_id, by="Ben")

    assert pets.image(image_id).pool is Pool.EXCLUDED


def take_back(world, undoes, image_id, *, by="Ada", uid="taken-back"):
    person = world.annotator(by)
    with world.writing() as uow:
        return annotation.take_back(uow, uid=uid, undoes=undoes, image_id=image_id, annotator_id=person)


def test_take_back__lets_what_was_said_before_stand_again_once(pets):
    image_id = pets.ids(Split.TRAIN)[0]
    cat, dog = pets.class_ids
    pets.answer(image_id, cat, queue=Queue.SELECTION)
    kept = pets.answer(image_id, dog, queue=Queue.SECOND_LOOK)

    first = take_back(pets, kept.uid, image_id)
    again = take_back(pets, kept.uid, image_id)
    late = take_back(pets, kept.uid, image_id, uid="another")

    assert pets.image(image_id).label_class_id == cat
    assert (first.queue, first.is_replay, again.is_replay, late.is_replay) == (Queue.SECOND_LOOK, False, True, True)
    assert acts(pets) == 3


def test_take_back__of_an_act_that_never_arrived_changes_nothing(pets):
    image_id = pets.ids(Split.TRAIN)[0]
    pets.answer(image_id, pets.class_ids[0])

    assert take_back(pets, "never-arrived", image_id).is_replay
    assert pets.image(image_id).pool is Pool.LABELLED
    with pytest.raises(Conflict, match="already used"):
        take_back(pets, pets.answer(image_id, pets.class_ids[0], by="Ben").uid, image_id)


def test_undo__of_a_batch_whose_reply_was_lost_tells_again_what_it_did(pets):
    batch = pets.ids(Split.TRAIN)[:3]
    person = pets.annotator()
    with pets.writing() as uow:
        for image_id in batch:
            annotation.answer(
                uow, uid=f"b-{image_id}", image_id=image_id, annotator_id=person, action=Action.LABEL,
                class_id=pets.class_ids[0], queue=Queue.GRID, batch="page-1",
            )  # fmt: skip

    first, again = pets.undo(uid="once"), pets.undo(uid="once")

    assert [one.image_id for one in again] == [one.image_id for one in first]
    assert {one.queue for one in again} == {Queue.GRID}
    assert acts(pets) == 6


def test_undo__takes_back_a_whole_batch_and_nothing_else(pets):
    first, *batch = pets.ids(Split.TRAIN)[:4]
    person = pets.annotator()
    pets.label([first])
    with pets.writing() as uow:
        for image_id in batch:
            annotation.answer(
                uow, uid=f"b-{image_id}", image_id=image_id, annotator_id=person, action=Action.LABEL,
                class_id=pets.class_ids[0], queue=Queue.GRID, batch="page-1",
            )  # fmt: skip

    taken_back = pets.undo()

    assert {one.image_id for one in taken_back} == set(batch)
    assert {pets.image(one).pool for one in batch} == {Pool.UNLABELLED}
    assert pets.image(first).pool is Pool.LABELLED


def test_answer__people_who_disagree_leave_the_image_to_a_decision(pets):
    image_id = pets.ids(Split.TRAIN)[0]
    cat, dog = pets.class_ids
    pets.answer(image_id, cat, by="Ada")
    pets.answer(image_id, dog, by="Ben")
    disputed = pets.image(image_id)

    pets.answer(image_id, cat, by="Cleo", queue=Queue.ADJUDICATION)
    pets.answer(image_id, dog, by="Dan")

    assert (disputed.needs_decision, disputed.opinions) == (True, 2)
    assert (pets.image(image_id).needs_decision, pets.image(image_id).label_class_id) == (False, cat)


def test_undo__of_a_decision_brings_the_earlier_answer_back_and_the_dispute_with_it(pets):
    image_id = pets.ids(Split.TRAIN)[0]
    cat, dog = pets.class_ids[:2]
    pets.answer(image_id, cat, by="Ada", queue=Queue.SELECTION)
    pets.answer(image_id, dog, by="Ben", queue=Queue.SELECTION)
    pets.answer(image_id, dog, by="Ada", queue=Queue.ADJUDICATION)
    with pets.writing() as uow:
        annotation.undo(uow, pets.project_id, pets.annotator("Ada"))

    assert pets.image(image_id).needs_decision
    newest, _ = pets.said(image_id)[-1]
    assert (newest.class_id, newest.queue) == (cat, Queue.SELECTION)


def test_answer__where_a_lead_rules_a_dispute_takes_the_label_away(pets):
    image_id = pets.ids(Split.TRAIN)[0]
    with pets.writing() as uow:
        project_queries.one(uow.session, pets.project_id).adjudication = Adjudication.LEAD
    pets.answer(image_id, pets.class_ids[0], by="Ada")
    pets.answer(image_id, pets.class_ids[1], by="Ben")

    assert (pets.image(image_id).pool, pets.image(image_id).needs_decision) == (Pool.UNLABELLED, True)
    assert image_id not in queued(pets, Queue.SELECTION, by="Cleo")


def test_answer__not_sure_is_asked_of_others_and_needs_a_decision(pets):
    image_id, other = pets.ids(Split.TRAIN)[:2]
    pets.open_draft([image_id, other], validation_size=0)

    pets.act(image_id, Action.UNSURE, queue=Queue.SELECTION)

    assert queued(pets, Queue.SELECTION) == [other]
    assert queued(pets, Queue.SELECTION, by="Ben") == [image_id, other]
    assert queued(pets, Queue.ADJUDICATION, by="Ben") == [image_id]


def test_next_images__serves_the_selection_in_its_order_with_reason_and_strategy(pets):
    chosen = list(reversed(pets.ids(Split.TRAIN)))[:3]
    pets.open_draft(chosen, validation_size=0)
    person = pets.annotator()

    with pets.reading() as uow:
        items = queues.next_images(uow, pets.project_id, Queue.SELECTION, person)

    assert [item.image_id for item in items] == chosen
    assert {item.why for item in items} == {"The model hesitates between two classes."}
    assert {item.strategy for item in items} == {Acquisition.MARGIN}


def test_next_images__the_model_s_guess_is_shown_where_the_project_wants_it_and_nowhere_else(pets):
    pets.label(pets.ids(Split.TEST))
    pets.open_draft(validation_size=0)
    pets.play_round(is_open=False)
    person = pets.annotator()
    with pets.reading() as uow:
        draft = round_queries.draft(uow.session, pets.project_id)
    assert draft is not None
    pets.select(draft.id, pets.ids(Split.TRAIN)[:3])

    def shown():
        with pets.reading() as uow:
            items = queues.next_images(uow, pets.project_id, Queue.SELECTION, person)
        return [(item.proposed_class_id, "dog" in item.why.lower()) for item in items]

    blind = shown()
    with pets.writing() as uow:
        project_queries.one(uow.session, pets.project_id).shows_guess = True
    sealed = [pets.image(one).sealed_class_id for one in pets.ids(Split.TRAIN)[:3]]

    assert blind == [(None, False)] * 3
    assert shown() == [(class_id, True) for class_id in sealed]


def test_next_images__browsing_is_no_queue(pets):
    with pytest.raises(NotFound, match="no queue browse"):
        queued(pets, Queue.BROWSE)


def test_progress__counts_settled_skipped_and_left_for_one_annotator(pets):
    draft = pets.ids(Split.TRAIN)[:4]
    pets.open_draft(draft, validation_size=0)
    pets.label(draft[:1], by="Ben")
    pets.answer(draft[1], None, by="Ada", queue=Queue.SELECTION)

    with pets.reading() as uow:
        ada = queues.progress(uow, pets.project_id, Queue.SELECTION, pets.annotator("Ada"))
        ben = queues.progress(uow, pets.project_id, Queue.SELECTION, pets.annotator("Ben"))

    assert (ada.settled, ada.skipped, ada.total, ada.left) == (1, 1, 4, 2)
    assert (ben.settled, ben.skipped, ben.total, ben.left) == (1, 0, 4, 3)


def test_simulate__answers_from_the_seal_as_its_own_annotator_and_stops_at_the_end(pets):
    with pets.writing() as uow:
        first = annotation.simulate(uow, pets.project_id, Queue.TEST, 1)
    with pets.writing() as uow:
        rest = annotation.simulate(uow, pets.project_id, Queue.TEST, 20)

    assert (first, rest) == (1, 1)
    for image_id in pets.ids(Split.TEST):
        image = pets.image(image_id)
        assert image.label_class_id == image.sealed_class_id
        assert [name for _, name in pets.said(image_id)] == [annotation.SIMULATED]


def test_simulate__a_project_that_is_not_sealed_refuses(world):
    with world.writing() as uow:
        made = projects.create(uow, name="Open").id

    with pytest.raises(Refused, match="sealed"), world.writing() as uow:
        annotation.simulate(uow, made, Queue.TEST, 1)


def test_annotator__a_person_cannot_take_the_name_of_the_simulated_one(pets):
    with pets.writing() as uow:
        annotation.annotator(uow, annotation.SIMULATED, AnnotatorKind.SIMULATED)

    with pytest.raises(Refused, match="is kept for the simulated annotator"), pets.writing() as uow:
        annotation.annotator(uow, annotation.SIMULATED)
    with pytest.raises(Refused, match="needs a name"), pets.writing() as uow:
        annotation.annotator(uow, "  ")


def test_next_images__a_rejected_pseudo_label_says_why_whatever_the_reason(pets):
    person = pets.annotator()
    told = set()
    for reason in RejectionReason:
        pets.play_round(is_open=False, reason=reason)
        with pets.reading() as uow:
            told |= {item.why for item in queues.next_images(uow, pets.project_id, Queue.REVIEW, person)}

    assert len(told) == len(RejectionReason)
    assert all(why.endswith(" (90%).") for why in told)
