"""What variety is made of: pixel embeddings and typicality."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA

from ssmae.acquisition import pixel_embeddings, select
from ssmae.clustering import nearest_to_centres, typicality
from ssmae.config import Acquisition
from ssmae.errors import InvalidConfig, InvalidData

DIGITS = load_digits()
DIGITS_NCHW = np.round(DIGITS.images * 255 / 16).astype(np.uint8)[:, None]
NONE = np.array([], dtype=np.int64)


def test_pixel_embeddings__are_whitened_principal_components() -> None:
    embeddings_ND = pixel_embeddings(DIGITS_NCHW, dims=10)
    expected_ND = PCA(10, whiten=True, svd_solver="full").fit_transform(DIGITS_NCHW.reshape(-1, 64) / 255)
    same_sign = np.sign((embeddings_ND * expected_ND).sum(axis=0))
    # scikit-learn divides by N - 1, we divide by N.
    assert embeddings_ND == pytest.approx(expected_ND * same_sign, abs=5e-3)
    assert np.cov(embeddings_ND.T) == pytest.approx(np.eye(10), abs=1e-2)


def test_pixel_embeddings__leave_out_the_last_twentieth_of_the_variance() -> None:
    assert pixel_embeddings(DIGITS_NCHW).shape == (1797, 29)
    assert pixel_embeddings(DIGITS_NCHW).dtype == np.float32


def test_pixel_embeddings__do_not_depend_on_the_chunk(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = pixel_embeddings(DIGITS_NCHW, dims=8)
    monkeypatch.setattr("ssmae.clustering.PIXEL_CHUNK", 100)
    assert np.abs(pixel_embeddings(DIGITS_NCHW, dims=8)) == pytest.approx(np.abs(whole), abs=2e-3)


def test_pixel_embeddings__of_large_images_are_those_of_their_area_means() -> None:
    generator = np.random.default_rng(0)
    small = generator.integers(0, 256, (50, 3, 16, 16), dtype=np.uint8)
    large = small.repeat(3, axis=2).repeat(2, axis=3)
    assert np.abs(pixel_embeddings(large)) == pytest.approx(np.abs(pixel_embeddings(small)), abs=2e-3)


@pytest.mark.parametrize("shape", [(0, 1, 8, 8), (1, 3, 20, 33), (5, 1, 7, 7)])
def test_pixel_embeddings__of_images_that_are_all_the_same_is_one_column_of_zeros(shape: tuple[int, ...]) -> None:
    embeddings_ND = pixel_embeddings(np.full(shape, 200, dtype=np.uint8))
    assert embeddings_ND.shape == (shape[0], 1)
    assert not embeddings_ND.any()


def test_pixel_embeddings__refuse_what_are_no_pixels() -> None:
    with pytest.raises(InvalidData, match=r"uint8\. Got float64"):
        pixel_embeddings(np.zeros((2, 3, 8, 8)))  # type: ignore[arg-type]
    with pytest.raises(InvalidData, match="four dimensions"):
        pixel_embeddings(np.zeros((2, 8, 8), dtype=np.uint8))
    with pytest.raises(InvalidConfig, match="dims"):
        pixel_embeddings(DIGITS_NCHW, dims=0)


def test_typicality__by_hand() -> None:
    # On a line at 0, 1, 2, 10 with half of four as neighbours: mean distances 1.5, 1, 1.5, 8.5.
    assert typicality(np.array([[0.0], [1], [2], [10]])) == pytest.approx([1 / 1.5, 1, 1 / 1.5, 1 / 8.5], rel=1e-4)
    assert typicality(np.array([[3.0]])).tolist() == [0.0]


def test_typicality__agrees_with_all_distances_at_once() -> None:
    rows = np.random.default_rng(0).normal(size=(3000, 5))  # more than one chunk
    some = [0, 1500, 2999]
    distances = np.sort(np.linalg.norm(rows[some, None] - rows, axis=2), axis=1)[:, 1:21]
    assert typicality(rows)[some] == pytest.approx(1 / distances.mean(axis=1), rel=1e-3)


def test_nearest_to_centres__gives_different_rows_even_where_all_are_equal() -> None:
    chosen = nearest_to_centres(np.ones((30, 4), dtype=np.float32), 7, np.random.default_rng(0))
    assert len(set(chosen)) == 7


def test_typiclust__finds_more_classes_of_real_digits_than_chance() -> None:
    embeddings_ND = pixel_embeddings(DIGITS_NCHW)
    found = {Acquisition.RANDOM: 0, Acquisition.TYPICLUST: 0}
    for strategy in found:
        for seed in range(8):
            picks = select(
                strategy,
                12,
                probabilities_NC=None,
                embeddings_ND=embeddings_ND,
                candidates_K=np.arange(len(embeddings_ND)),
                labelled_L=NONE,
                labelled_classes_L=NONE,
                generator=np.random.default_rng(seed),
            )
            found[strategy] += len({int(DIGITS.target[pick.index]) for pick in picks})
    assert found[Acquisition.TYPICLUST] > found[Acquisition.RANDOM] + 4
