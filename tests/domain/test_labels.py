"""What several people's answers add up to."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from app.domain.labels import Action, Answer, Queue, consensus

answers = st.lists(st.one_of(st.none(), st.integers(1, 4)), max_size=12).map(
    lambda classes: [Answer(annotator_id=at, class_id=class_id) for at, class_id in enumerate(classes)]
)


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


def test_labels__every_queue_has_words_for_people():
    assert {queue.label for queue in Queue} >= {"Test set", "Review"}
    assert len({queue.label for queue in Queue}) == len(Queue)
    assert set(Action) == {"label", "skip", "withdraw"}
