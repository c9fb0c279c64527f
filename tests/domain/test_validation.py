"""Which images of a validation sample may judge: what is left undone must not make the sample an easier one."""

from __future__ import annotations

import random
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from app.domain.validation import Sampled, judging

OPEN = Sampled(image_id=0)
ANSWERED = replace(OPEN, is_labelled=True, is_answered_in_turn=True)
ELSEWHERE = replace(OPEN, is_labelled=True)
SKIPPED = replace(OPEN, is_skipped=True)
EXCLUDED = replace(OPEN, is_excluded=True)

states = st.sampled_from([OPEN, ANSWERED, ELSEWHERE, SKIPPED, EXCLUDED])


def sample(*images: Sampled) -> list[Sampled]:
    return [replace(one, image_id=at) for at, one in enumerate(images)]


def judged(*images: Sampled) -> list[int]:
    return [one.image_id for one in judging(sample(*images))]


def test_judging__whoever_stops_early_leaves_a_smaller_sample():
    assert judged(ANSWERED, ANSWERED, OPEN, OPEN) == [0, 1]
    assert judged(OPEN, OPEN) == judged() == []


def test_judging__a_skipped_image_is_not_left_out_wherever_it_is():
    assert judged(SKIPPED, ANSWERED, SKIPPED, ANSWERED, OPEN) == [0, 1, 2, 3]
    assert judged(ANSWERED, SKIPPED, SKIPPED, OPEN) == [0, 1, 2]
    assert judged(SKIPPED, SKIPPED) == [0, 1]


def test_judging__an_image_that_was_passed_over_is_not_left_out():
    assert judged(ANSWERED, OPEN, ANSWERED, OPEN) == [0, 1, 2]


def test_judging__an_answer_from_elsewhere_counts_only_as_far_as_the_sample_was_asked():
    assert judged(ANSWERED, OPEN, ELSEWHERE, ELSEWHERE) == [0]
    assert judged(ANSWERED, ELSEWHERE, OPEN) == [0]
    assert judged(ANSWERED, ELSEWHERE, ANSWERED, OPEN) == [0, 1, 2]


def test_judging__a_sample_that_was_answered_elsewhere_whole_judges_whole():
    assert judged(ELSEWHERE, ELSEWHERE, ELSEWHERE) == [0, 1, 2]


def test_judging__an_excluded_image_leaves_the_sample_and_holds_nothing_up():
    assert judged(ANSWERED, EXCLUDED, ANSWERED, EXCLUDED, SKIPPED, OPEN) == [0, 2, 4]


@given(st.lists(states))
def test_judging__is_always_the_first_part_of_the_draw_less_what_was_excluded(images):
    drawn = sample(*images)
    found = judging(drawn)

    last = found[-1].image_id if found else -1
    assert found == [one for one in drawn[: last + 1] if not one.is_excluded]


def test_judging__whoever_skips_what_the_model_gets_wrong_does_not_make_it_look_better():
    generator = random.Random(0)
    for _ in range(200):
        is_wrong = [generator.random() < 0.3 for _ in range(60)]
        stop = generator.randrange(1, 60)
        people = [SKIPPED if wrong and generator.random() < 0.8 else ANSWERED for wrong in is_wrong[:stop]]

        found = judging(sample(*people, *[OPEN] * (60 - stop)))

        errors = sum(is_wrong[one.image_id] or not one.is_labelled for one in found)
        assert len(found) == stop
        assert errors >= sum(is_wrong[:stop])
