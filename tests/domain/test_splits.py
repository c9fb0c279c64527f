"""The draw of the test split: fixed by content, uniform, independent between projects."""

from __future__ import annotations

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from app.domain.splits import LARGEST_TEST_SHARE, draw, share_for


def digest(number: int) -> str:
    return hashlib.sha256(str(number).encode()).hexdigest()


@given(st.binary(max_size=50).map(lambda content: hashlib.sha256(content).hexdigest()), st.text(max_size=20))
def test_draw__is_a_number_from_0_to_1_that_content_and_salt_fix(sha256, salt):
    assert 0 <= draw(sha256, salt) < 1
    assert draw(sha256, salt) == draw(sha256, salt)


def test_draw__is_uniform_by_a_chi_squared_test():
    bins = [0] * 20
    for number in range(20_000):
        bins[int(20 * draw(digest(number), "salt"))] += 1

    statistic = sum((count - 1000) ** 2 / 1000 for count in bins)
    # 99.9 % of uniform draws stay below 43.8 at 19 degrees of freedom.
    assert statistic < 43.8


def test_draw__two_projects_choose_independently():
    share = 0.1
    first = {number for number in range(20_000) if draw(digest(number), "one") < share}
    second = {number for number in range(20_000) if draw(digest(number), "two") < share}

    # Expected 200 in common, standard deviation about 14.
    assert 140 < len(first & second) < 260


def test_draw__later_images_do_not_move_earlier_ones():
    share = share_for(200, 1000)
    before = {number for number in range(1000) if draw(digest(number), "s") < share}
    after = {number for number in range(5000) if draw(digest(number), "s") < share}

    assert before == {number for number in after if number < 1000}


@given(st.integers(0, 10_000), st.integers(0, 10**7))
def test_share_for__is_never_more_than_half_and_aims_at_the_size(size, images):
    share = share_for(size, images)

    assert 0 <= share <= LARGEST_TEST_SHARE
    if images >= 2 * size and images:
        assert abs(share * images - size) < 1e-6
