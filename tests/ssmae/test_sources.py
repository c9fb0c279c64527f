"""The digest of the sources: new with every change that can change a result, and only then."""

from __future__ import annotations

import pytest

from ssmae.sources import digest, meaning

SOURCE = '''"""A module."""
LIMIT = 3


def steps(count: int) -> list[int]:
    """Those below the limit."""
    return [step for step in range(count) if step < LIMIT]
'''


@pytest.mark.parametrize(
    "same",
    [
        SOURCE.replace("A module.", "Another sentence."),
        SOURCE.replace('    """Those below the limit."""\n', ""),
        SOURCE.replace("LIMIT = 3\n", 'LIMIT = 3  # why three\n"""How many."""\n'),
        SOURCE.replace("[step for step in range(count)", "[\n        step\n        for step in range(count)"),
    ],
)
def test_meaning__is_the_same_with_other_words_and_another_layout(same):
    assert same != SOURCE
    assert meaning(same) == meaning(SOURCE)


@pytest.mark.parametrize("other", [SOURCE.replace("= 3", "= 4"), SOURCE.replace("<", "<="), SOURCE + "x: str = 'text'"])
def test_meaning__is_another_with_other_code(other):
    assert meaning(other) != meaning(SOURCE)


def test_digest__is_twelve_hexadecimal_digits():
    assert len(digest()) == 12
    assert int(digest(), 16)
