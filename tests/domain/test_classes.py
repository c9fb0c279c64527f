"""Class names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.classes import LONGEST_NAME, clean_name
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
