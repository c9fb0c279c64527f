"""Which images to ask people about next: scores per image, and the choice of a whole selection from them.

NumPy only, with scikit-learn behind `clustering`; never import torch, a database or a screen here. Every selection
holds a share drawn uniformly whatever the strategy: it keeps blind spots visible and lets a random baseline be read
off later.

To add a strategy: a member of `config.Acquisition`, a function of `_Request` here, and its line in `_STRATEGIES`.
The file is long because every strategy stands in it beside the words that explain its picks, and the checks they share.

Dimensions: N images, C classes, D numbers of an embedding, K candidates, L labelled images, M images of one group.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import floor, log
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ssmae.clustering import kmeans, nearest_to_centres, pixel_embeddings, typicality
from ssmae.config import Acquisition
from ssmae.errors import InvalidConfig, InvalidData

__all__ = ["COLD_START", "NEEDS_EMBEDDINGS", "Pick", "entropy_scores", "margin_scores", "pixel_embeddings", "select"]

Floats: TypeAlias = NDArray[np.floating]
Indices: TypeAlias = NDArray[np.int64]
Scores: TypeAlias = NDArray[np.float32]

COLD_START = frozenset({Acquisition.RANDOM, Acquisition.TYPICLUST})
"""Strategies that need no probabilities, and so work before the first round."""

NEEDS_EMBEDDINGS = frozenset({Acquisition.TYPICLUST, Acquisition.DIVERSE})
"""Strategies that compare images with each other."""

CHUNK_ROWS = 65_536
CLUSTERED_IMAGES = 50_000
"""Clustering looks at this many candidates at most; a larger pool is sub-sampled, uniformly."""
COMPARED_IMAGES = 5_000
"""Within one group, distances are computed between this many images at most."""
TYPICLUST_CLUSTERS, TYPICLUST_SMALLEST = 500, 5
"""As in 2202.02794, appendix, and its code: most clusters, smallest cluster considered."""
DIVERSE_FACTOR = 10
"""Candidates per pick among which diversity is sought (Cluster-Margin, 2107.14263)."""
CLOSE_CALL, CLEAR_CALL = 0.1, 0.5
"""Leads of the likeliest class below which an image is called a tie, and above which no longer doubtful."""
ROUNDING = 2e-3
"""How far a row of half-precision probabilities may sum from one."""


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
class _Request:
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
        """Embeddings of these images, in single precision and of length one."""
        rows_MD = _there(self.embeddings_ND)[indices].astype(np.float32)
        if not np.isfinite(rows_MD).all():
            raise InvalidData("embeddings_ND must be finite. Got NaN or infinity among the candidates.")
        lengths_M1 = np.linalg.norm(rows_MD, axis=1, keepdims=True)
        return np.asarray(np.divide(rows_MD, lengths_M1, out=np.zeros_like(rows_MD), where=lengths_M1 > 0))


def margin_scores(probabilities_NC: Floats, indices_K: Indices | None = None) -> Scores:
    """One minus the lead of the likeliest class over the second; 1 means a tie.

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
    """Entropy of the prediction as a share of the largest possible; 1 means that all classes are equally likely.

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
    candidates_K, labelled_L = _indices("candidates_K", candidates_K), _indices("labelled_L", labelled_L)
    _check_request(strategy, size, uniform_share, probabilities_NC, embeddings_ND)
    _check_rows(probabilities_NC, embeddings_ND, candidates_K, labelled_L, labelled_classes_L, class_names)
    size = min(size, len(candidates_K))
    if not size:
        return []
    # A new order breaks ties by lot: models that are sure give many images the very same score.
    candidates_K = candidates_K[generator.permutation(len(candidates_K))]
    uniform = size if strategy is Acquisition.RANDOM else _by_lot(uniform_share * size, generator)
    drawn, rest_K = candidates_K[:uniform], candidates_K[uniform:]
    classes, counts = np.unique(labelled_classes_L, return_counts=True)
    request = _Request(
        size=size - uniform,
        candidates_K=rest_K,
        covered_L=np.concatenate([labelled_L, drawn]),
        labels_per_class=dict(zip(classes.tolist(), counts.tolist(), strict=True)),
        probabilities_NC=probabilities_NC,
        embeddings_ND=embeddings_ND,
        class_names=class_names,
        generator=generator,
    )
    chosen = iter(_STRATEGIES[strategy](request) if request.size else [])
    random_picks = iter(_random(replace(request, candidates_K=drawn, size=uniform)))
    is_uniform = np.zeros(size, dtype=np.bool_)
    is_uniform[generator.choice(size, uniform, replace=False)] = True
    return [next(random_picks) if is_drawn else next(chosen) for is_drawn in is_uniform]


def _random(request: _Request) -> list[Pick]:
    reason = "Drawn at random, as a part of every selection is, so that no kind of image is overlooked."
    return [Pick(int(index), Acquisition.RANDOM, 0.0, reason) for index in request.candidates_K[: request.size]]


def _margin(request: _Request) -> list[Pick]:
    scores_K = margin_scores(_there(request.probabilities_NC), request.candidates_K)
    best = np.argsort(-scores_K, kind="stable")[: request.size]
    return [_doubtful(request, position, float(scores_K[position]), Acquisition.MARGIN) for position in best.tolist()]


def _entropy(request: _Request) -> list[Pick]:
    scores_K = entropy_scores(_there(request.probabilities_NC), request.candidates_K)
    picks = []
    for position in np.argsort(-scores_K, kind="stable")[: request.size].tolist():
        index = int(request.candidates_K[position])
        guesses = _likeliest(request, index, 3)
        spoken = ", ".join(f"{name} {_percent(share)}" for name, share in guesses)
        reason = f"No class stands out: {spoken}."
        picks.append(Pick(index, Acquisition.ENTROPY, float(scores_K[position]), reason))
    return picks


def _diverse(request: _Request) -> list[Pick]:
    """Small margins, shared out over predicted classes with few labels, one per cluster of each class.

    Source: Cluster-Margin 2107.14263 with k-means for its hierarchy; the quota by labels so far is ours.
    """
    scores_K = margin_scores(_there(request.probabilities_NC), request.candidates_K)
    doubtful = np.argsort(-scores_K, kind="stable")[: DIVERSE_FACTOR * request.size]
    predicted_M = _there(request.probabilities_NC)[request.candidates_K[doubtful]].argmax(axis=1)
    classes, available = np.unique(predicted_M, return_counts=True)
    weights = np.array([1 / (request.labels_per_class.get(int(name), 0) + 1) for name in classes])
    embeddings_MD = request.unit_embeddings(request.candidates_K[doubtful])
    picks: list[Pick] = []
    for class_index, quota in zip(classes, _quotas(weights, available, request.size), strict=True):
        members = np.flatnonzero(predicted_M == class_index)
        positions = doubtful[members[nearest_to_centres(embeddings_MD[members], quota, request.generator)]].tolist()
        picks += [_doubtful(request, place, float(scores_K[place]), Acquisition.DIVERSE) for place in positions]
    return sorted(picks, key=lambda pick: -pick.score)


def _typiclust(request: _Request) -> list[Pick]:
    """The most typical image of each cluster, clusters with the fewest labels first, then the largest.

    Source: 2202.02794, algorithm 1, and its code.
    """
    generator = request.generator
    sample = request.candidates_K[: max(CLUSTERED_IMAGES, request.size)]
    covered = generator.permutation(request.covered_L)[:CLUSTERED_IMAGES]
    unit_MD = request.unit_embeddings(np.concatenate([sample, covered]))
    clusters = min(len(request.covered_L) + request.size, TYPICLUST_CLUSTERS, len(unit_MD))
    cluster_M = kmeans(unit_MD, clusters, generator)[0]
    labelled_by_cluster = np.bincount(cluster_M[len(sample) :], minlength=clusters)
    sizes = np.bincount(cluster_M, minlength=clusters)
    # Small clusters are outliers rather than groups: they come last, instead of never as in the source, so that a
    # selection is always complete.
    order = sorted(range(clusters), key=lambda c: (labelled_by_cluster[c], -sizes[c]))
    members = {c: np.flatnonzero(cluster_M[: len(sample)] == c) for c in order}
    picks: list[Pick] = []
    for turn in (
        [c for c in order if sizes[c] >= TYPICLUST_SMALLEST],
        [c for c in order if sizes[c] < TYPICLUST_SMALLEST],
    ):
        while len(picks) < request.size and (waiting := [c for c in turn if len(members[c])]):
            for c in waiting[: request.size - len(picks)]:
                scores_M = typicality(unit_MD[members[c][:COMPARED_IMAGES]])
                best = int(scores_M.argmax())
                reason = _typical(int(sizes[c]), int(labelled_by_cluster[c]))
                index = int(sample[members[c][best]])
                picks.append(Pick(index, Acquisition.TYPICLUST, float(scores_M[best]), reason))
                members[c] = np.delete(members[c], best)
    return picks


_STRATEGIES: dict[Acquisition, Callable[[_Request], list[Pick]]] = {
    Acquisition.RANDOM: _random,
    Acquisition.MARGIN: _margin,
    Acquisition.ENTROPY: _entropy,
    Acquisition.TYPICLUST: _typiclust,
    Acquisition.DIVERSE: _diverse,
}


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


def _quotas(weights: NDArray[np.float64], available: NDArray[np.int64], size: int) -> list[int]:
    """Share `size` out by weight, never more than there is: each goes where the share so far is smallest."""
    given = np.zeros(len(weights), dtype=np.int64)
    for _ in range(size):
        given[np.where(given < available, (given + 1) / weights, np.inf).argmin()] += 1
    return given.tolist()


def _by_lot(expected: float, generator: np.random.Generator) -> int:
    """A whole number whose expectation is this."""
    expected = round(expected, 9)
    return floor(expected) + int(generator.random() < expected - floor(expected))


def _likeliest(request: _Request, index: int, count: int) -> list[tuple[str, float]]:
    row_C = _there(request.probabilities_NC)[index]
    names = request.class_names
    best = np.argsort(-row_C, kind="stable")[:count]
    return [(names[c] if names else f"class {c}", float(row_C[c])) for c in best.tolist()]


def _doubtful(request: _Request, position: int, score: float, strategy: Acquisition) -> Pick:
    index = int(request.candidates_K[position])
    (first, high), (second, low) = _likeliest(request, index, 2)
    reason = f"{first} and {second} look equally likely: {_percent(high)} against {_percent(low)}."
    if score < 1 - CLOSE_CALL:
        reason = f"{first} looks likelier than {second}, but not by far: {_percent(high)} against {_percent(low)}."
    if score < 1 - CLEAR_CALL:
        reason = f"One of the least certain that are left: {first} {_percent(high)}, {second} {_percent(low)}."
    return Pick(index, strategy, score, reason)


def _typical(size: int, labelled: int) -> str:
    if size == 1:
        return "Unlike every other image."
    known = {0: "none of them labelled yet", 1: "one of them labelled"}.get(labelled, f"{labelled} of them labelled")
    return f"Typical of a group of {size} similar images, {known}."


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _check_request(
    strategy: Acquisition,
    size: int,
    uniform_share: float,
    probabilities_NC: Floats | None,
    embeddings_ND: Floats | None,
) -> None:
    if size < 1:
        raise InvalidConfig("size", "at least 1", size)
    if not 0 <= uniform_share <= 1:
        raise InvalidConfig("uniform_share", "within 0 to 1", uniform_share)
    if probabilities_NC is None and strategy not in COLD_START:
        known = " or ".join(sorted(COLD_START))
        raise InvalidConfig("strategy", f"{known} before the first round, which has no predictions yet", str(strategy))
    if embeddings_ND is None and strategy in NEEDS_EMBEDDINGS:
        raise InvalidConfig("embeddings_ND", f"given for {strategy}, which compares images with each other", None)


def _check_rows(
    probabilities_NC: Floats | None,
    embeddings_ND: Floats | None,
    candidates_K: Indices,
    labelled_L: Indices,
    labelled_classes_L: NDArray[np.integer],
    class_names: Sequence[str] | None,
) -> None:
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


def _there(rows: Floats | None) -> Floats:
    """What `_check_request` made sure of, told to the type checker."""
    assert rows is not None
    return rows


def _repeats(indices: Indices) -> int:
    return int((np.diff(np.sort(indices)) == 0).sum())


def _indices(name: str, values: NDArray[np.integer]) -> Indices:
    checked = np.asarray(values)
    if checked.ndim != 1 or (checked.size and not np.issubdtype(checked.dtype, np.integer)):
        raise InvalidData(f"{name} must be one-dimensional whole numbers. Got {checked.dtype} {checked.shape}.")
    return checked.astype(np.int64)
