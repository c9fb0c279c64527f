"""What people's answers to a drawn image say about its pseudo-label."""

from __future__ import annotations

import pytest

from app.domain.audits import Drawn, Verdict, verdict

CAT, DOG = 1, 2


@pytest.mark.parametrize(
    ("blind", "expected"),
    [
        ((), Verdict.OPEN),
        ((CAT,), Verdict.RIGHT),
        ((DOG,), Verdict.WRONG),
        ((None,), Verdict.WRONG),  # skipped or not sure
        ((None, CAT), Verdict.RIGHT),  # somebody else knew
        ((CAT, CAT), Verdict.RIGHT),
        ((CAT, DOG), Verdict.WRONG),  # people disagree
    ],
)
def test_verdict__of_blind_answers(blind, expected):
    assert verdict(Drawn(image_id=1, class_id=CAT, blind=blind)) is expected


def test_verdict__a_label_given_with_the_proposal_in_sight_counts_as_an_error():
    assert verdict(Drawn(image_id=1, class_id=CAT, is_spoilt=True)) is Verdict.WRONG
    assert verdict(Drawn(image_id=1, class_id=CAT, is_spoilt=True, blind=(CAT,))) is Verdict.RIGHT


def test_verdict__what_left_the_draw_counts_for_nothing_whatever_was_said():
    assert verdict(Drawn(image_id=1, class_id=CAT, blind=(DOG,), is_left_out=True)) is Verdict.LEFT_OUT
