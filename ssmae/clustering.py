"""Comparing images with each other: pixel embeddings, typicality, k-means, the rows nearest to its centres.

What acquisition strategies that seek variety are made of. NumPy and scikit-learn only; never import torch here.

Dimensions: N images, D numbers of an embedding, M images of one group, P rows of a chunk, K neighbours or cluster
centres; C channels, H and W side in pixels.
"""

from __future__ import annotations

import warnings
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans, MiniBatchKMeans
from sklearn.exceptions import ConvergenceWarning

from ssmae.errors import InvalidConfig, InvalidData

Vectors: TypeAlias = NDArray[np.float32]

TYPICALITY_NEIGHBOURS = 20
"""As in 2202.02794."""
FULL_KMEANS_CLUSTERS = 50
"""Above this many clusters mini-batches are taken, as by the code of 2202.02794."""
PIXEL_SIDE, PIXEL_CHUNK, EXPLAINED_VARIANCE = 16, 4096, 0.95


def pixel_embeddings(images_NCHW: NDArray[np.uint8], dims: int = 64) -> Vectors:
    """Whitened principal components of the down-scaled images: what there is to compare before any encoder exists.

    Reads the images in chunks, so a memory-mapped array of a million is fine.

    Args:
        images_NCHW: pixels, all of one size.
        dims: most components kept; fewer where the images have fewer, or where the rest holds less than a twentieth
            of the variance: whitening would blow that remainder, mostly noise, up to full weight.

    Returns:
        (N, D) with D <= dims; one column of zeros where all images are the same.

    Raises:
        InvalidData: not four dimensions of uint8.
        InvalidConfig: dims is not positive.

    Source: own; before the first round no encoder has learnt to compare images. Principal components: Hotelling,
    Journal of Educational Psychology 24 (1933).
    """
    if images_NCHW.ndim != 4 or images_NCHW.dtype != np.uint8:
        raise InvalidData(f"images_NCHW must be four dimensions of uint8. Got {images_NCHW.dtype} {images_NCHW.shape}.")
    if dims < 1:
        raise InvalidConfig("dims", "at least 1", dims)
    count, channels, height, width = images_NCHW.shape
    rows_HH, columns_WW = _area_means(height), _area_means(width)
    features = channels * len(rows_HH) * len(columns_WW)

    def reduced(start: int) -> Vectors:
        part = images_NCHW[start : start + PIXEL_CHUNK].astype(np.float32) / 255
        return np.asarray((rows_HH @ part @ columns_WW.T).reshape(len(part), features), dtype=np.float32)

    total, products = np.zeros(features), np.zeros((features, features))
    for start in range(0, count, PIXEL_CHUNK):
        part = reduced(start)
        total += part.sum(axis=0, dtype=np.float64)
        products += part.T @ part
    mean = total / max(count, 1)
    values, vectors = np.linalg.eigh(products / max(count, 1) - np.outer(mean, mean))
    values, vectors = np.maximum(values[::-1], 0), vectors[:, ::-1]
    if values[0] < 1e-9:
        return np.zeros((count, 1), dtype=np.float32)
    enough = int(np.searchsorted(np.cumsum(values) / values.sum(), EXPLAINED_VARIANCE)) + 1
    kept = min(dims, enough)
    whitening = (vectors[:, :kept] / np.sqrt(values[:kept])).astype(np.float32)
    result = np.empty((count, kept), dtype=np.float32)
    for start in range(0, count, PIXEL_CHUNK):
        result[start : start + PIXEL_CHUNK] = (reduced(start) - mean.astype(np.float32)) @ whitening
    return result


def typicality(embeddings_MD: NDArray[np.floating]) -> Vectors:
    """Inverse of the mean distance to the nearest 20 neighbours, or to half the group where that is fewer; shape (M,).

    Source: TypiClust, 2202.02794, the definition of typicality.
    """
    rows_MD = np.asarray(embeddings_MD, dtype=np.float32)
    count = len(rows_MD)
    neighbours = max(1, min(TYPICALITY_NEIGHBOURS, count // 2))
    if count < 2:
        return np.zeros(count, dtype=np.float32)
    squares_M = (rows_MD**2).sum(axis=1)
    result_M = np.empty(count, dtype=np.float32)
    step = max(1, 4_000_000 // count)
    for start in range(0, count, step):
        part = slice(start, start + step)
        squared_PM = squares_M[part, None] + squares_M - 2 * rows_MD[part] @ rows_MD.T
        # An image is no neighbour of itself.
        squared_PM[np.arange(len(squared_PM)), np.arange(start, start + len(squared_PM))] = np.inf
        nearest_PK = np.partition(squared_PM, neighbours - 1, axis=1)[:, :neighbours]
        result_M[part] = 1 / (np.sqrt(np.maximum(nearest_PK, 0)).mean(axis=1) + 1e-5)
    return result_M


def kmeans(unit_MD: Vectors, clusters: int, generator: np.random.Generator) -> tuple[NDArray[np.int64], Vectors]:
    """Cluster of each row, shape (M,), and centre of each cluster, shape (clusters, D).

    Source: Lloyd, IEEE Transactions on Information Theory 28 (1982); mini-batches, Sculley, WWW 2010; which one when as
    in the code of 2202.02794.
    """
    seed = int(generator.integers(2**31))
    model: KMeans | MiniBatchKMeans
    if clusters <= FULL_KMEANS_CLUSTERS:
        model = KMeans(clusters, n_init=3, random_state=seed)
    else:
        model = MiniBatchKMeans(clusters, batch_size=5000, n_init=3, random_state=seed)
    with warnings.catch_warnings():
        # Fewer different images than clusters leaves some clusters empty; both callers cope with that.
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(unit_MD)
    return model.labels_.astype(np.int64), model.cluster_centers_.astype(np.float32)


def nearest_to_centres(unit_MD: Vectors, count: int, generator: np.random.Generator) -> list[int]:
    """Positions of `count` different rows, each nearest to one of as many cluster centres; largest clusters first.

    Source: diverse mini-batches, 1901.05954, there with weighted k-means.
    """
    if count == len(unit_MD):
        return list(range(count))
    if not count:
        return []
    cluster_M, centres_KD = kmeans(unit_MD, count, generator)
    chosen: list[int] = []
    for cluster in np.argsort(-np.bincount(cluster_M, minlength=count), kind="stable"):
        distances_M = ((unit_MD - centres_KD[cluster]) ** 2).sum(axis=1)
        distances_M[chosen] = np.inf
        chosen.append(int(distances_M.argmin()))
    return chosen


def _area_means(side: int) -> Vectors:
    """Matrix that averages `side` pixels to at most 16, each by the area it covers."""
    target = min(side, PIXEL_SIDE)
    edges = np.linspace(0, side, target + 1)
    pixels = np.arange(side)
    overlap = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
    return np.asarray(np.clip(overlap, 0, None) * target / side, dtype=np.float32)
