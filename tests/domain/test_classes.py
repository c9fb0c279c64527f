"""Class names and their keys."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.classes import LONGEST_NAME, clean_name, keys
from app.errors import Refused


@pytest.mark.parametrize("name", ["", "   ", ".", "..", "a/b", "a\\b", "a\0b", "line\nbreak", "tab\tstop", "x" * 101])
def test_clean_name__what_cannot_be_a_folder_is_refused(name):
    with pytest.raises(Refused, match="class name"):
        clean_name(name)


def test_clean_name__two_ways_to_write_the_same_letters_are_one_name():
    assert clean_name(" Cafe\u0301 ") == clean_name("Caf\u00e9") == "Caf\u00e9"


@given(st.text(max_size=120))
def test_clean_name__cleaning_twice_is_cleaning_once(name):
    try:
        cleaned = clean_name(name)
    except Refused:
        return
    assert clean_name(cleaned) == cleaned
    assert 1 <= len(cleaned) <= LONGEST_NAME


@given(
    st.lists(
        st.sampled_from([*"0123456789abcXsu", "cat", "dog", "newt"]) | st.text(min_size=1, max_size=3), max_size=60
    )
)
def test_keys__no_key_twice_and_none_that_is_taken(names):
    given_keys = keys(names)
    used = [key for key in given_keys if key is not None]

    assert len(given_keys) == len(names)
    assert len(set(used)) == len(used)
    assert not set(used) & set("uscz")


def test_keys__a_class_that_is_named_like_a_key_gets_it_and_the_others_the_rest_in_order():
    assert keys(["7", "cat", "a", "dog"]) == ["7", "1", "a", "2"]
    assert keys(list("0123456789")) == list("0123456789")
    assert keys([f"class {number}" for number in range(40)])[-1] is None
