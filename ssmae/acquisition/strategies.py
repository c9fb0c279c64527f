"""Every strategy: a function of a `Request`, and its line in `STRATEGIES`.

Dimensions: C classes, K candidates, M images of one group.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ssmae.acquisition.reasons import close_call, no_clear_class, typical
from ssmae.acquisition.request import Pick, Request, given
from ssmae.acquisition.scores import entropy_scores, margin_scores
from ssmae.clustering import kmeans, nearest_to_centres, typicality
from ssmae.config import Acquisition

CLUSTERED_IMAGES = 50_000
"""Clustering looks at this many candidates at most; a larger pool is sub-sampled, uniformly."""
COMPARED_IMAGES = 5_000
"""Within one group, distances are computed between this many images at most."""
TYPICLUST_CLUSTERS, TYPICLUST_SMALLEST = 500, 5
"""As in 2202.02794, appendix, and its code: most clusters, smallest cluster considered."""
DIVERSE_FACTOR = 10
"""Candidates per pick among which diversity is sought (Cluster-Margin, 2107.14263)."""


def _random(request: Request) -> list[Pick]:
    reason = "Drawn at random, as a part of every selection is, so that no kind of image is overlooked."
    return [Pick(int(index), Acquisition.RANDOM, 0.0, reason) for index in request.candidates_K[: request.size]]


def _margin(request: Request) -> list[Pick]:
    scores_K = margin_scores(given(request.probabilities_NC), request.candidates_K)
    best = np.argsort(-scores_K, kind="stable")[: request.size]
    return [close_call(request, position, float(scores_K[position]), Acquisition.MARGIN) for position in best.tolist()]


def _entropy(request: Request) -> list[Pick]:
    scores_K = entropy_scores(given(request.probabilities_NC), request.candidates_K)
    picks = []
    for position in np.argsort(-scores_K, kind="stable")[: request.size].tolist():
        index = int(request.candidates_K[position])
        reason = no_clear_class(request, index)
        picks.append(Pick(index, Acquisition.ENTROPY, float(scores_K[position]), reason))
    return picks


def _diverse(request: Request) -> list[Pick]:
    """Small margins, shared out over predicted classes with few labels, one per cluster of each class.

    Source: Cluster-Margin 2107.14263 with k-means for its hierarchy; the quota by labels so far is ours.
    """
    scores_K = margin_scores(given(request.probabilities_NC), request.candidates_K)
    doubtful = np.argsort(-scores_K, kind="stable")[: DIVERSE_FACTOR * request.size]
    predicted_M = given(request.probabilities_NC)[request.candidates_K[doubtful]].argmax(axis=1)
    classes, available = np.unique(predicted_M, return_counts=True)
    weights = np.array([1 / (request.labels_per_class.get(int(name), 0) + 1) for name in classes])
    embeddings_MD = request.unit_embeddings(request.candidates_K[doubtful])
    picks: list[Pick] = []
    for class_index, quota in zip(classes, _quotas(weights, available, request.size), strict=True):
        members = np.flatnonzero(predicted_M == class_index)
        positions = doubtful[members[nearest_to_centres(embeddings_MD[members], quota, request.generator)]].tolist()
        picks += [close_call(request, place, float(scores_K[place]), Acquisition.DIVERSE) for place in positions]
    return sorted(picks, key=lambda pick: -pick.score)


def _typiclust(request: Request) -> list[Pick]:
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
                reason = typical(int(sizes[c]), int(labelled_by_cluster[c]))
                index = int(sample[members[c][best]])
                picks.append(Pick(index, Acquisition.TYPICLUST, float(scores_M[best]), reason))
                members[c] = np.delete(members[c], best)
    return picks


def _quotas(weights: NDArray[np.float64], available: NDArray[np.int64], size: int) -> list[int]:
    """Share `size` out by weight, never more than there is: each goes where the share so far is smallest."""
    given = np.zeros(len(weights), dtype=np.int64)
    for _ in range(size):
        given[np.where(given < available, (given + 1) / weights, np.inf).argmin()] += 1
    return given.tolist()


STRATEGIES: dict[Acquisition, Callable[[Request], list[Pick]]] = {
    Acquisition.RANDOM: _random,
    Acquisition.MARGIN: _margin,
    Acquisition.ENTROPY: _entropy,
    Acquisition.TYPICLUST: _typiclust,
    Acquisition.DIVERSE: _diverse,
}
