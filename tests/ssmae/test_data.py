"""What a round is given fits together, or is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ssmae.data import ImageStore, RoundData
from ssmae.errors import InvalidData


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"labels_N": np.zeros(3, np.int64)}, "one entry per image: 4"),
        ({"labels_N": np.array([0, 1, 2, -1])}, "labels_N must lie in -1..1"),
        ({"labels_N": np.array([0, 1, -1, 0])}, "must not also teach"),
        ({"validation_index_V": np.array([3, 3]), "validation_labels_V": np.array([0, 0])}, "twice"),
        ({"validation_index_V": np.array([4])}, r"validation_index_V must lie in 0\.\.3"),
        ({"validation_labels_V": np.array([-2])}, "validation_labels_V must lie"),
        ({"validation_labels_V": np.array([0, 1])}, "same length"),
        ({"class_names": ("a", "a")}, "distinct"),
        ({"labels_N": np.array([0.0, 1, -1, -1])}, "int64"),
    ],
)
def test_round_data__refuses_arrays_that_do_not_fit(changes, words):
    fields: dict[str, Any] = {
        "images": ImageStore(np.zeros((4, 3, 8, 8), np.uint8)),
        "labels_N": np.array([0, 1, -1, -1]),
        "validation_index_V": np.array([3]),
        "validation_labels_V": np.array([0]),
        "class_names": ("a", "b"),
    }
    RoundData(**fields)
    with pytest.raises(InvalidData, match=words):
        RoundData(**fields | changes)
