"""A whole selection: what a strategy chose, with a uniform share strewn among it.

Dimensions: N images, D numbers of an embedding, K candidates, L labelled images.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import floor

import numpy as np
from numpy.typing import NDArray

from ssmae.acquisition.request import Pick, Request, check_request, check_rows, whole_numbers
from ssmae.acquisition.scores import Floats
from ssmae.acquisition.strategies import STRATEGIES
from ssmae.config import Acquisition


def select(
    strategy: Acquisition,
    size: int,
    *,
    probabilities_NC: Floats | None,
    embeddings_ND: Floats | None,
    candidates_K: NDArray[np.integer],
    labelled_L: NDArray[np.integer],
    labelled_classes_L: NDArray[np.integer],
    generator: np.random.Generator,
    class_names: Sequence[str] | None = None,
    uniform_share: float = 0.2,
) -> list[Pick]:
    """Choose the images to ask about next, best first, the uniform share strewn among them.

    Args:
        strategy: how to choose.
        size: how many; fewer come back only where there are fewer candidates.
        probabilities_NC: predictions of the last round; None before the first one.
        embeddings_ND: encoder's vectors, or `pixel_embeddings`; None is enough for strategies that compare nothing.
        candidates_K: rows that may be asked about.
        labelled_L: rows that are labelled already.
        labelled_classes_L: their classes.
        generator: all randomness of the choice.
        class_names: names for the reasons; without them classes are numbered.
        uniform_share: share of the selection drawn uniformly; a fraction of an image is drawn by lot.

    Raises:
        InvalidConfig: size or share out of range, or the strategy needs probabilities or embeddings that are not there.
        InvalidData: arrays that do not fit together, rows that are no probabilities, candidates that repeat or are
            labelled already.

    Source: own; a uniform share keeps blind spots visible and a random baseline readable. Each strategy names its own.
    """
    candidates_K, labelled_L = whole_numbers("candidates_K", candidates_K), whole_numbers("labelled_L", labelled_L)
    check_request(strategy, size, uniform_share, probabilities_NC, embeddings_ND)
    check_rows(probabilities_NC, embeddings_ND, candidates_K, labelled_L, labelled_classes_L, class_names)
    size = min(size, len(candidates_K))
    if not size:
        return []
    # A new order breaks ties by lot: models that are sure give many images the very same score.
    candidates_K = candidates_K[generator.permutation(len(candidates_K))]
    uniform = size if strategy is Acquisition.RANDOM else _by_lot(uniform_share * size, generator)
    drawn, rest_K = candidates_K[:uniform], candidates_K[uniform:]
    classes, counts = np.unique(labelled_classes_L, return_counts=True)
    request = Request(
        size=size - uniform,
        candidates_K=rest_K,
        covered_L=np.concatenate([labelled_L, drawn]),
        labels_per_class=dict(zip(classes.tolist(), counts.tolist(), strict=True)),
        probabilities_NC=probabilities_NC,
        embeddings_ND=embeddings_ND,
        class_names=class_names,
        generator=generator,
    )
    chosen = iter(STRATEGIES[strategy](request) if request.size else [])
    random_picks = iter(STRATEGIES[Acquisition.RANDOM](replace(request, candidates_K=drawn, size=uniform)))
    is_uniform = np.zeros(size, dtype=np.bool_)
    is_uniform[generator.choice(size, uniform, replace=False)] = True
    return [next(random_picks) if is_drawn else next(chosen) for is_drawn in is_uniform]


def _by_lot(expected: float, generator: np.random.Generator) -> int:
    """A whole number whose expectation is this."""
    expected = round(expected, 9)
    return floor(expected) + int(generator.random() < expected - floor(expected))
