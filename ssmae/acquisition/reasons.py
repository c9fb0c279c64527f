"""Why an image is asked about, in one short sentence for the annotator.

Dimensions: C classes.
"""

from __future__ import annotations

import numpy as np

from ssmae.acquisition.request import Pick, Request, given
from ssmae.config import Acquisition

CLOSE_CALL, CLEAR_CALL = 0.1, 0.5
"""Leads of the likeliest class below which an image is called a tie, and above which no longer doubtful."""


def close_call(request: Request, position: int, score: float, strategy: Acquisition) -> Pick:
    """A candidate whose two likeliest classes are close, by its `margin_scores` score."""
    index = int(request.candidates_K[position])
    (first, high), (second, low) = _likeliest(request, index, 2)
    reason = f"{first} and {second} look equally likely: {_percent(high)} against {_percent(low)}."
    if score < 1 - CLOSE_CALL:
        reason = f"{first} looks likelier than {second}, but not by far: {_percent(high)} against {_percent(low)}."
    if score < 1 - CLEAR_CALL:
        reason = f"One of the least certain that are left: {first} {_percent(high)}, {second} {_percent(low)}."
    return Pick(index, strategy, score, reason)


def no_clear_class(request: Request, index: int) -> str:
    """For an image whose prediction is spread over the classes."""
    spoken = ", ".join(f"{name} {_percent(share)}" for name, share in _likeliest(request, index, 3))
    return f"No class stands out: {spoken}."


def typical(size: int, labelled: int) -> str:
    """For the most typical image of a group of `size`, of which some are labelled."""
    if size == 1:
        return "Unlike every other image."
    known = {0: "none of them labelled yet", 1: "one of them labelled"}.get(labelled, f"{labelled} of them labelled")
    return f"Typical of a group of {size} similar images, {known}."


def _likeliest(request: Request, index: int, count: int) -> list[tuple[str, float]]:
    row_C = given(request.probabilities_NC)[index]
    names = request.class_names
    best = np.argsort(-row_C, kind="stable")[:count]
    return [(names[c] if names else f"class {c}", float(row_C[c])) for c in best.tolist()]


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
