"""Agreement: worked examples from the literature, the definitions computed another way, and what has no value."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.agreement import NO_IMAGES, ONE_CLASS, ONLY_THIS, UNUSED, cohen, fleiss, in_words, of_class, tally
from app.errors import Refused

FLEISS_1971 = """0 0 0 0 14
0 2 6 4 2
0 0 3 5 6
0 3 9 2 0
2 2 8 1 1
7 7 0 0 0
3 2 6 3 0
2 5 3 2 2
6 5 2 1 0
0 2 2 3 7"""
"""The example of every text on Fleiss' kappa: 10 subjects, 14 raters, 5 categories; kappa 0.210."""

images_of_people = st.lists(
    st.dictionaries(st.integers(1, 5), st.integers(1, 4), min_size=2, max_size=5), min_size=1, max_size=30
)


def from_counts(text):
    """Each row says how many raters chose each category; who they are does not matter to Fleiss."""
    for row in text.splitlines():
        said = [category for category, count in enumerate(row.split()) for _ in range(int(count))]
        yield dict(enumerate(said))


def fleiss_by_definition(images):
    """Observed and expected agreement written down as in Gwet (2014), without any table of pairs."""
    classes = sorted({one for said in images for one in said.values()})
    counts = [[list(said.values()).count(one) for one in classes] for said in images]
    observed = sum(sum(n * (n - 1) for n in row) / (sum(row) * (sum(row) - 1)) for row in counts) / len(counts)
    shares = [sum(row[at] / sum(row) for row in counts) / len(counts) for at in range(len(classes))]
    return observed, sum(share**2 for share in shares), dict(zip(classes, shares, strict=True))


def test_cohen__is_that_of_a_table_worked_by_hand():
    # 50 grant proposals, two readers: 20 both yes, 15 both no, 5 and 10 apart. Observed 0.7, expected 0.5.
    told = cohen({(1, 1): 20, (1, 2): 5, (2, 1): 10, (2, 2): 15})

    assert told.observed == pytest.approx(0.7)
    assert told.expected == pytest.approx(0.5)
    assert told.value == pytest.approx(0.4)


def test_cohen__keeps_the_two_people_apart():
    # One always says 1, the other never does: they agree exactly as often as chance lets them.
    told = cohen({(1, 2): 10})

    assert (told.observed, told.expected, told.value) == (0, 0, 0)


def test_fleiss__is_that_of_the_example_of_1971():
    told = fleiss(tally(from_counts(FLEISS_1971)))

    assert told.value == pytest.approx(0.210, abs=5e-4)
    assert told.observed == pytest.approx(0.378, abs=5e-4)
    assert told.expected == pytest.approx(0.213, abs=5e-4)


def test_of_class__is_one_minus_the_disputes_over_those_of_chance():
    counted = tally(from_counts(FLEISS_1971))
    # Fleiss (1971): 1 - sum n(14 - n) / (10 * 14 * 13 * p * (1 - p)) of the last category, p = 32 / 140.
    column = [int(row.split()[4]) for row in FLEISS_1971.splitlines()]
    p = sum(column) / 140
    expected = 1 - sum(n * (14 - n) for n in column) / (10 * 14 * 13 * p * (1 - p))

    assert of_class(counted, 4).value == pytest.approx(expected)


@given(images_of_people)
def test_fleiss__follows_its_definition_for_any_number_of_answers_an_image(images):
    observed, expected, _ = fleiss_by_definition(images)
    told = fleiss(tally(images))

    assert told.observed == pytest.approx(observed)
    assert told.expected == pytest.approx(expected)
    if told.value is not None:
        assert told.value == pytest.approx((observed - expected) / (1 - expected))
        assert told.value <= 1 + 1e-12


@given(images_of_people)
def test_of_class__weighted_with_the_classes_shares_is_fleiss(images):
    counted = tally(images)
    whole = fleiss(counted)
    if whole.value is None:
        return
    shares = fleiss_by_definition(images)[2]
    weights = {one: share * (1 - share) for one, share in shares.items()}
    parts = {one: of_class(counted, one).value for one in shares}

    assert sum(weights[one] * parts[one] for one in shares) / sum(weights.values()) == pytest.approx(whole.value)


@given(images_of_people, st.permutations([1, 2, 3, 4, 5]), st.permutations([1, 2, 3, 4]))
def test_kappa__does_not_depend_on_names(images, people, classes):
    renamed = [{people[who - 1]: classes[what - 1] for who, what in said.items()} for said in images]
    random.Random(0).shuffle(renamed)
    before, after = tally(images), tally(renamed)

    assert after.unanimous == before.unanimous
    assert fleiss(after).value == pytest.approx(fleiss(before).value)
    assert sorted(sum(one.values()) for one in after.pairs.values()) == sorted(
        sum(one.values()) for one in before.pairs.values()
    )


@given(images_of_people)
def test_kappa__is_never_nan(images):
    counted = tally(images)
    told = [fleiss(counted), *(of_class(counted, one) for one in range(6)), *map(cohen, counted.pairs.values())]

    assert all(one.reason if one.value is None else math.isfinite(one.value) for one in told)


def test_tally__passes_over_what_fewer_than_two_people_answered():
    counted = tally([{}, {1: 7}, {1: 7, 2: 7}, {1: 7, 2: 8, 3: 7}])

    assert (counted.images, counted.unanimous) == (2, 1)
    assert counted.pairs[1, 2] == {(7, 7): 1, (7, 8): 1}
    assert counted.pairs[2, 3] == {(8, 7): 1}
    assert counted.confusions == {(7, 8): 2}


def test_perfect_agreement_over_two_classes_is_one():
    counted = tally([{1: 1, 2: 1}, {1: 2, 2: 2, 3: 2}])

    assert fleiss(counted).value == pytest.approx(1)
    assert cohen(counted.pairs[1, 2]).value == pytest.approx(1)


def test_without_an_image_there_is_no_kappa_but_a_reason():
    nobody = tally([{1: 1}])

    assert {fleiss(nobody).reason, of_class(nobody, 1).reason, cohen({}).reason} == {NO_IMAGES}
    assert fleiss(nobody).value is None


def test_always_the_same_class_has_no_kappa_but_a_reason():
    counted = tally([{1: 3, 2: 3}] * 5)

    assert (fleiss(counted).value, fleiss(counted).reason) == (None, ONE_CLASS)
    assert (cohen(counted.pairs[1, 2]).value, cohen(counted.pairs[1, 2]).reason) == (None, ONE_CLASS)
    assert of_class(counted, 3).reason == ONLY_THIS
    assert of_class(counted, 4).reason == UNUSED
    assert fleiss(counted).observed == 1


def test_cohen__refuses_negative_counts():
    with pytest.raises(Refused, match="negative"):
        cohen({(1, 1): -1})


@pytest.mark.parametrize(
    ("kappa", "word"),
    [(1.0, "almost perfect"), (0.61, "substantial"), (0.5, "moderate"), (0.21, "fair"), (0.1, "slight"), (0, "chance")],
)
def test_in_words__follows_landis_and_koch(kappa, word):
    assert word in in_words(kappa)
