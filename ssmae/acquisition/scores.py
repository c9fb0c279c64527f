"""How much an image is worth asking about, from its prediction alone.

Dimensions: N images, K of them, M rows of a chunk, C classes.
"""

from __future__ import annotations

from collections.abc import Callable
from math import log
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ssmae.errors import InvalidData

Floats: TypeAlias = NDArray[np.floating]
Indices: TypeAlias = NDArray[np.int64]
Scores: TypeAlias = NDArray[np.float32]

CHUNK_ROWS = 65_536
ROUNDING = 2e-3
"""How far a row of half-precision probabilities may sum from one."""


def margin_scores(probabilities_NC: Floats, indices_K: Indices | None = None) -> Scores:
    """One minus the lead of the likeliest class over the second, scores_K; 1 means a tie.

    Only the rows `indices_K` are scored if they are given.

    Raises:
        InvalidData: not rows of class probabilities.

    Source: Scheffer et al., IDA 2001.
    """

    def of_rows(rows_MC: Scores) -> Scores:
        best_M2 = np.partition(rows_MC, -2, axis=1)[:, -2:]
        return 1 - (best_M2[:, 1] - best_M2[:, 0])

    return _by_rows(of_rows, probabilities_NC, indices_K)


def entropy_scores(probabilities_NC: Floats, indices_K: Indices | None = None) -> Scores:
    """Entropy of the prediction as a share of the largest possible, scores_K; 1 where all classes are equally likely.

    Only the rows `indices_K` are scored if they are given.

    Raises:
        InvalidData: not rows of class probabilities.

    Source: Shannon, Bell System Technical Journal 27 (1948); to choose by it, Settles, Active Learning Literature
    Survey (2009).
    """

    def of_rows(rows_MC: Scores) -> Scores:
        logs_MC = np.log(rows_MC, out=np.zeros_like(rows_MC), where=rows_MC > 0)
        return np.asarray((rows_MC * logs_MC).sum(axis=1) / -np.float32(log(rows_MC.shape[1])), dtype=np.float32)

    return _by_rows(of_rows, probabilities_NC, indices_K)


def _by_rows(function: Callable[[Scores], Scores], probabilities_NC: Floats, indices_K: Indices | None) -> Scores:
    """Apply a row-wise function chunk by chunk, in single precision, after checking the rows."""
    if probabilities_NC.ndim != 2 or probabilities_NC.shape[1] < 2:
        raise InvalidData(f"probabilities_NC must be rows of two or more classes. Got {probabilities_NC.shape}.")
    count = len(probabilities_NC) if indices_K is None else len(indices_K)
    scores_K = np.empty(count, dtype=np.float32)
    for start in range(0, count, CHUNK_ROWS):
        part = slice(start, start + CHUNK_ROWS)
        rows_MC = probabilities_NC[part if indices_K is None else indices_K[part]].astype(np.float32)
        sums_M = rows_MC.sum(axis=1)
        is_wrong_M = ~((np.abs(sums_M - 1) <= ROUNDING) & (rows_MC >= 0).all(axis=1))
        if is_wrong_M.any():
            wrong_C = rows_MC[is_wrong_M][0]
            raise InvalidData(
                f"Each row of probabilities_NC must be non-negative and sum to one. Got {is_wrong_M.sum()} that do "
                f"not, the first with a sum of {wrong_C.sum():g} and a smallest value of {wrong_C.min():g}."
            )
        scores_K[part] = function(rows_MC)
    return scores_K
