"""What several people's answers add up to."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from app.domain.labels import Action, Answer, Consensus, Queue
from app.domain.labels import consensus as everybody
from app.domain.people import Adjudication

answers = st.lists(st.one_of(st.none(), st.integers(1, 4)), max_size=12).map(
    lambda classes: [Answer(annotator_id=at, class_id=class_id) for at, class_id in enumerate(classes)]
)


def consensus(said: list[Answer]) -> int | None:
    return everybody(said).class_id


def given_by(*class_ids: int | None) -> list[Answer]:
    return [Answer(annotator_id=at, class_id=class_id) for at, class_id in enumerate(class_ids)]


@given(answers)
def test_consensus__nobody_got_more_votes_than_the_label(said):
    label = consensus(said)
    votes = Counter(answer.class_id for answer in said if answer.class_id is not None)

    assert (label is None) == (not votes)
    if label is not None:
        assert votes[label] == max(votes.values())


@given(answers, st.integers(0, 12))
def test_consensus__skips_change_nothing_wherever_they_are(said, at):
    assert consensus([*said[:at], Answer(annotator_id=99, class_id=None), *said[at:]]) == consensus(said)


@given(answers)
def test_consensus__one_more_vote_for_the_label_keeps_it(said):
    label = consensus(said)
    if label is not None:
        assert consensus([*said, Answer(annotator_id=99, class_id=label)]) == label
        assert consensus([Answer(annotator_id=99, class_id=label), *said]) == label


def test_consensus__a_tie_goes_to_the_class_that_was_named_last():
    assert consensus(given_by(1, 2)) == 2
    assert consensus(given_by(2, 1)) == 1
    assert consensus(given_by(1, 2, 2, 1)) == 1
    assert consensus(given_by(1, 1, 2, 2, 3)) == 2


def test_consensus__a_majority_outweighs_the_latest_answer():
    assert consensus(given_by(1, 1, 2)) == 1


def test_consensus__nobody_or_only_skips_give_no_label():
    assert consensus([]) is None
    assert consensus(given_by(None, None)) is None


def test_consensus__a_tie_of_people_needs_a_decision_and_a_decision_stands():
    disputed = given_by(1, 2)
    decided = [*disputed, Answer(annotator_id=9, class_id=1, decides=True)]

    assert everybody(disputed) == Consensus(class_id=2, opinions=2, needs_decision=True)
    assert everybody([*decided, Answer(annotator_id=5, class_id=2)]) == Consensus(
        class_id=1, opinions=4, needs_decision=False
    )
    assert not everybody(given_by(1, 2, 2)).needs_decision


def test_consensus__where_a_lead_rules_a_disputed_image_has_no_label_until_then():
    assert everybody(given_by(1, 2, 2), Adjudication.LEAD) == Consensus(class_id=None, opinions=3, needs_decision=True)
    assert everybody(given_by(2, 2), Adjudication.LEAD) == Consensus(class_id=2, opinions=2, needs_decision=False)


def test_consensus__an_imported_label_counts_until_a_person_names_a_class():
    imported = Answer(annotator_id=7, class_id=1, is_imported=True)
    unsure = Answer(annotator_id=8, class_id=None, is_unsure=True)

    assert everybody([imported, unsure]) == Consensus(class_id=1, opinions=0, needs_decision=False)
    assert everybody([imported, *given_by(2)]) == Consensus(class_id=2, opinions=1, needs_decision=False)


def test_consensus__unsure_without_anybody_who_knows_needs_a_decision():
    unsure = Answer(annotator_id=8, class_id=None, is_unsure=True)

    assert everybody([unsure]).needs_decision
    assert not everybody([unsure, *given_by(1)]).needs_decision
    assert not everybody(given_by(None)).needs_decision


def test_labels__every_queue_has_words_for_people():
    assert {queue.label for queue in Queue} >= {"Test set", "Review"}
    assert len({queue.label for queue in Queue}) == len(Queue)
    assert set(Action) == {"label", "skip", "unsure", "exclude", "include", "withdraw"}
