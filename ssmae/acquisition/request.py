"""What a strategy is asked, and what it answers with; what cannot be asked is refused here.

Dimensions: N images, C classes, D numbers of an embedding, K candidates, L labelled images, M of either.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ssmae.acquisition.scores import Floats, Indices, Scores
from ssmae.config import Acquisition
from ssmae.errors import InvalidConfig, InvalidData

COLD_START = frozenset({Acquisition.RANDOM, Acquisition.TYPICLUST})
"""Strategies that need no probabilities, and so work before the first round."""

NEEDS_EMBEDDINGS = frozenset({Acquisition.TYPICLUST, Acquisition.DIVERSE})
"""Strategies that compare images with each other."""


@dataclass(frozen=True)
class Pick:
    """One image to ask about.

    Attributes:
        index: its row in the arrays given.
        strategy: what chose it; `RANDOM` for the uniform share of any strategy.
        score: how much it is worth asking by that strategy; comparable within a selection only, 0 for `RANDOM`.
        reason: one short sentence for the annotator.
    """

    index: int
    strategy: Acquisition
    score: float
    reason: str


@dataclass(frozen=True, eq=False)
class Request:
    """What a strategy may look at; already checked."""

    size: int
    candidates_K: Indices
    covered_L: Indices
    labels_per_class: dict[int, int]
    probabilities_NC: Floats | None
    embeddings_ND: Floats | None
    class_names: Sequence[str] | None
    generator: np.random.Generator

    def unit_embeddings(self, indices: Indices) -> Scores:
        """Embeddings of these images, shape (M, D), in single precision and of length one.

        Source: as in the code of TypiClust, 2202.02794, which clusters them so.
        """
        rows_MD = given(self.embeddings_ND)[indices].astype(np.float32)
        if not np.isfinite(rows_MD).all():
            raise InvalidData("embeddings_ND must be finite. Got NaN or infinity among the candidates.")
        lengths_M1 = np.linalg.norm(rows_MD, axis=1, keepdims=True)
        return np.asarray(np.divide(rows_MD, lengths_M1, out=np.zeros_like(rows_MD), where=lengths_M1 > 0))


def check_request(
    strategy: Acquisition,
    size: int,
    uniform_share: float,
    probabilities_NC: Floats | None,
    embeddings_ND: Floats | None,
) -> None:
    """Refuse a size or share out of range, and a strategy that lacks what it looks at."""
    if size < 1:
        raise InvalidConfig("size", "at least 1", size)
    if not 0 <= uniform_share <= 1:
        raise InvalidConfig("uniform_share", "within 0 to 1", uniform_share)
    if probabilities_NC is None and strategy not in COLD_START:
        known = " or ".join(sorted(COLD_START))
        raise InvalidConfig("strategy", f"{known} before the first round, which has no predictions yet", str(strategy))
    if embeddings_ND is None and strategy in NEEDS_EMBEDDINGS:
        raise InvalidConfig("embeddings_ND", f"given for {strategy}, which compares images with each other", None)


def check_rows(
    probabilities_NC: Floats | None,
    embeddings_ND: Floats | None,
    candidates_K: Indices,
    labelled_L: Indices,
    labelled_classes_L: NDArray[np.integer],
    class_names: Sequence[str] | None,
) -> None:
    """Refuse arrays that do not fit together."""
    shapes = [rows.shape for rows in (probabilities_NC, embeddings_ND) if rows is not None]
    if any(len(shape) != 2 for shape in shapes) or len({shape[0] for shape in shapes}) > 1:
        raise InvalidData(f"probabilities_NC and embeddings_ND must have one row for each image. Got shapes {shapes}.")
    both = np.concatenate([candidates_K, labelled_L])
    count = shapes[0][0] if shapes else None
    if both.size and (both.min() < 0 or (count is not None and both.max() >= count)):
        raise InvalidData(f"Indices must lie within the {count} rows given. Got {both.min()} to {both.max()}.")
    if _repeats(candidates_K) or _repeats(labelled_L):
        raise InvalidData("candidates_K and labelled_L must not repeat an image.")
    if repeated := _repeats(both):
        raise InvalidData(f"Candidates must not be labelled already. Got {repeated} that are.")
    if len(labelled_classes_L) != labelled_L.size:
        raise InvalidData(f"labelled_classes_L must hold {labelled_L.size} classes. Got {len(labelled_classes_L)}.")
    if probabilities_NC is None:
        return
    classes = probabilities_NC.shape[1]
    if class_names is not None and len(class_names) != classes:
        raise InvalidData(f"class_names must hold {classes} names, one a column. Got {len(class_names)}.")
    if labelled_L.size and not 0 <= np.min(labelled_classes_L) <= np.max(labelled_classes_L) < classes:
        raise InvalidData(f"labelled_classes_L must lie within 0 to {classes - 1}. Got {np.max(labelled_classes_L)}.")


def given(rows: Floats | None) -> Floats:
    """The same rows, of the same shape: that they are there is what `check_request` made sure of."""
    assert rows is not None
    return rows


def whole_numbers(name: str, values: NDArray[np.integer]) -> Indices:
    """An argument as indices, shape (K,) or (L,)."""
    checked = np.asarray(values)
    if checked.ndim != 1 or (checked.size and not np.issubdtype(checked.dtype, np.integer)):
        raise InvalidData(f"{name} must be one-dimensional whole numbers. Got {checked.dtype} {checked.shape}.")
    return checked.astype(np.int64)


def _repeats(indices: Indices) -> int:
    return int((np.diff(np.sort(indices)) == 0).sum())
