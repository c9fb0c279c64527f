"""One number an image, from the probabilities of its views."""

from __future__ import annotations

import numpy as np
import pytest

from ssmae.errors import InvalidData
from ssmae.gate import consistency_scores, smallest_scores

VIEWS_WNC = np.array([[[0.9, 0.1], [0.6, 0.4]], [[0.7, 0.3], [0.2, 0.8]], [[0.8, 0.2], [0.9, 0.1]]])


def test_consistency_scores__is_the_mean_over_views_or_zero_where_they_disagree() -> None:
    scores_N, predicted_N = consistency_scores(VIEWS_WNC)
    assert scores_N == pytest.approx([0.8, 0.0])
    assert predicted_N.tolist() == [0, 0]


def test_smallest_scores__is_the_smallest_over_views_or_zero_where_they_disagree() -> None:
    scores_N, predicted_N = smallest_scores(VIEWS_WNC)
    assert scores_N == pytest.approx([0.7, 0.0])
    assert predicted_N.tolist() == [0, 0]


@pytest.mark.parametrize("score", [consistency_scores, smallest_scores])
@pytest.mark.parametrize("shape", [(3, 2), (0, 3, 2), (2, 3, 0)])
def test_scores__refuse_what_are_no_views(score, shape) -> None:
    with pytest.raises(InvalidData, match=r"\(views, images, classes\)"):
        score(np.zeros(shape))
