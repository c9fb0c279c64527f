"""A battery over every acquisition strategy, then each of them on examples worked by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ssmae.acquisition import (
    COLD_START,
    NEEDS_EMBEDDINGS,
    Pick,
    entropy_scores,
    margin_scores,
    select,
)
from ssmae.acquisition.strategies import STRATEGIES
from ssmae.config import Acquisition
from ssmae.errors import InvalidConfig, InvalidData

NONE = np.array([], dtype=np.int64)
NAMES = ["cat", "dog", "frog"]


def request(count: int = 300, classes: int = 3, labelled: int = 12, seed: int = 0) -> dict[str, Any]:
    """A plausible round: every row embedded and predicted, the first few labelled, half of the rest may be asked."""
    generator = np.random.default_rng(seed)
    return {
        "probabilities_NC": generator.dirichlet(np.full(classes, 0.7), count).astype(np.float16),
        "embeddings_ND": generator.normal(size=(count, 8)).astype(np.float16),
        "candidates_K": np.arange(labelled, count, 2),
        "labelled_L": np.arange(labelled),
        "labelled_classes_L": np.arange(labelled) % classes,
        "generator": np.random.default_rng(seed + 1),
        "class_names": NAMES[:classes],
    }


def indices(picks: list[Pick]) -> list[int]:
    return [pick.index for pick in picks]


def test_strategies__table_and_enum_agree() -> None:
    assert set(STRATEGIES) == set(Acquisition)
    assert set(Acquisition) >= COLD_START | NEEDS_EMBEDDINGS


@pytest.mark.parametrize("strategy", Acquisition)
@pytest.mark.parametrize("size", [1, 7, 40, 143, 144, 500])
def test_select__gives_different_candidates_as_many_as_asked(strategy: Acquisition, size: int) -> None:
    given_ = request()
    chosen = indices(select(strategy, size, **given_))
    assert len(chosen) == len(set(chosen)) == min(size, len(given_["candidates_K"]))
    assert set(chosen) <= set(given_["candidates_K"].tolist())


@pytest.mark.parametrize("strategy", Acquisition)
def test_select__the_same_generator_gives_the_same_selection(strategy: Acquisition) -> None:
    assert select(strategy, 20, **request()) == select(strategy, 20, **request())


@pytest.mark.parametrize("strategy", Acquisition)
def test_select__a_fifth_is_drawn_uniformly_and_named_so(strategy: Acquisition) -> None:
    named = [pick.strategy for pick in select(strategy, 20, **request())]
    assert set(named) == {strategy, Acquisition.RANDOM}
    if strategy is not Acquisition.RANDOM:
        assert named.count(Acquisition.RANDOM) == 4


@pytest.mark.parametrize("strategy", sorted(set(Acquisition) - {Acquisition.RANDOM}))
def test_select__the_uniform_share_can_be_left_out_or_taken_whole(strategy: Acquisition) -> None:
    assert {pick.strategy for pick in select(strategy, 20, **request(), uniform_share=0.0)} == {strategy}
    assert {pick.strategy for pick in select(strategy, 20, **request(), uniform_share=1.0)} == {Acquisition.RANDOM}


@pytest.mark.parametrize("strategy", Acquisition)
def test_select__every_pick_has_a_reason_that_is_a_sentence_and_a_finite_score(strategy: Acquisition) -> None:
    for pick in select(strategy, 30, **request()):
        assert pick.reason.endswith(".")
        assert 10 < len(pick.reason) < 120
        assert np.isfinite(pick.score)


@pytest.mark.parametrize("strategy", Acquisition)
def test_select__without_candidates_there_is_nothing_to_ask(strategy: Acquisition) -> None:
    assert select(strategy, 5, **request() | {"candidates_K": NONE}) == []


@pytest.mark.parametrize("strategy", Acquisition)
@pytest.mark.parametrize("size", [3, 60, 100])
def test_select__a_pool_of_identical_images_is_no_obstacle(strategy: Acquisition, size: int) -> None:
    same = request() | {"probabilities_NC": np.full((300, 3), 1 / 3), "embeddings_ND": np.ones((300, 8))}
    assert len(set(indices(select(strategy, size, **same)))) == size


@pytest.mark.parametrize("strategy", Acquisition)
def test_select__the_order_of_the_candidates_carries_no_weight(strategy: Acquisition) -> None:
    """Ties are broken by lot: first and last candidate are about equally often among the picks."""
    same = {"probabilities_NC": np.full((40, 3), 1 / 3), "embeddings_ND": np.zeros((40, 2)), "class_names": None}
    first_half = 0
    for seed in range(60):
        case = request(count=40, labelled=0) | same | {"candidates_K": np.arange(40)}
        case["generator"] = np.random.default_rng(seed)
        first_half += sum(index < 20 for index in indices(select(strategy, 10, **case)))
    assert 240 < first_half < 360


@given(
    st.sampled_from(list(Acquisition)), st.integers(1, 70), st.integers(2, 60), st.integers(2, 5), st.integers(0, 99)
)
@settings(deadline=None, max_examples=60)
def test_select__any_shape_of_request_is_served_whole(
    strategy: Acquisition, size: int, count: int, classes: int, seed: int
) -> None:
    case = request(count, classes, labelled=min(seed % 7, count - 1), seed=seed) | {"class_names": None}
    chosen = indices(select(strategy, size, **case))
    assert len(set(chosen)) == len(chosen) == min(size, len(case["candidates_K"]))


@pytest.mark.parametrize("strategy", Acquisition)
def test_select__before_the_first_round_says_which_strategies_work(strategy: Acquisition) -> None:
    first = request() | {"probabilities_NC": None, "labelled_L": NONE, "labelled_classes_L": NONE, "class_names": None}
    if strategy in COLD_START:
        assert len(select(strategy, 10, **first)) == 10
        return
    with pytest.raises(InvalidConfig, match="random or typiclust before the first round"):
        select(strategy, 10, **first)


@pytest.mark.parametrize("strategy", Acquisition)
def test_select__without_embeddings_only_comparing_strategies_refuse(strategy: Acquisition) -> None:
    case = request() | {"embeddings_ND": None}
    if strategy not in NEEDS_EMBEDDINGS:
        assert len(select(strategy, 10, **case)) == 10
        return
    with pytest.raises(InvalidConfig, match="compares images"):
        select(strategy, 10, **case)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"candidates_K": np.array([20, 20])}, "repeat"),
        ({"candidates_K": np.array([3, 20])}, "labelled already. Got 1"),
        ({"candidates_K": np.array([20, 300])}, "within the 300 rows"),
        ({"candidates_K": np.array([-1, 20])}, "within the 300 rows"),
        ({"candidates_K": np.array([1.5])}, "whole numbers"),
        ({"labelled_classes_L": np.array([0])}, "12 classes. Got 1"),
        ({"labelled_classes_L": np.full(12, 3)}, "within 0 to 2"),
        ({"class_names": ["cat"]}, "3 names"),
        ({"embeddings_ND": np.zeros((299, 8))}, "one row for each image"),
        ({"probabilities_NC": np.full(300, 0.5)}, "one row for each image"),
    ],
)
def test_select__refuses_arrays_that_do_not_fit_together(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidData, match=message):
        select(Acquisition.MARGIN, 5, **request() | change)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ([0.5, 0.2, 0.2], "sum of 0.9"),
        ([np.nan, 0.5, 0.5], "sum of nan"),
        ([1.2, -0.2, 0.0], "smallest value of -0.2"),
    ],
)
@pytest.mark.parametrize("scores", [margin_scores, entropy_scores])
def test_scores__refuse_rows_that_are_no_probabilities(scores: Any, row: list[float], message: str) -> None:
    with pytest.raises(InvalidData, match=message):
        scores(np.array([[0.2, 0.3, 0.5], row]))


def test_select__refuses_embeddings_that_are_not_finite() -> None:
    case = request()
    case["embeddings_ND"][14, 3] = np.nan
    with pytest.raises(InvalidData, match="embeddings_ND must be finite"):
        select(Acquisition.TYPICLUST, 150, **case, uniform_share=0.0)


@pytest.mark.parametrize(("size", "share", "field"), [(0, 0.2, "size"), (5, 1.1, "share"), (5, -0.1, "share")])
def test_select__refuses_a_size_or_share_out_of_range(size: int, share: float, field: str) -> None:
    with pytest.raises(InvalidConfig, match=field):
        select(Acquisition.RANDOM, size, **request(), uniform_share=share)


def test_margin_scores__by_hand() -> None:
    rows = np.array([[0.5, 0.5, 0.0], [0.1, 0.7, 0.2], [0.0, 0.0, 1.0]])
    assert margin_scores(rows) == pytest.approx([1.0, 0.5, 0.0])


def test_entropy_scores__by_hand() -> None:
    rows = np.array([[0.25] * 4, [0.5, 0.5, 0, 0], [1, 0, 0, 0]])
    assert entropy_scores(rows) == pytest.approx([1.0, 0.5, 0.0])


def test_margin_and_entropy__may_rank_images_differently() -> None:
    rows = np.array([[0.49, 0.48, 0.03], [0.45, 0.3, 0.25]])
    assert margin_scores(rows).argmax() == 0
    assert entropy_scores(rows).argmax() == 1


def three() -> dict[str, Any]:
    """Image 0 is sure, 1 is torn between cat and dog, 2 is torn between all."""
    rows = np.array([[0.9, 0.06, 0.04], [0.41, 0.38, 0.21], [0.4, 0.32, 0.28]])
    return request(count=3, labelled=0) | {"probabilities_NC": rows, "candidates_K": np.arange(3), "uniform_share": 0.0}


def test_select__margin_by_hand() -> None:
    first, second, third = select(Acquisition.MARGIN, 3, **three())
    assert indices([first, second, third]) == [1, 2, 0]
    assert first.reason == "cat and dog look equally likely: 41 % against 38 %."
    assert first.score == pytest.approx(0.97)
    assert third.reason == "One of the least certain that are left: cat 90 %, dog 6 %."


def test_select__entropy_by_hand() -> None:
    first, *_ = select(Acquisition.ENTROPY, 2, **three())
    assert first.index == 2
    assert first.reason == "No class stands out: cat 40 %, dog 32 %, frog 28 %."


def test_select__without_names_classes_are_numbered() -> None:
    (first,) = select(Acquisition.MARGIN, 1, **three() | {"class_names": None})
    assert first.reason == "class 0 and class 1 look equally likely: 41 % against 38 %."


def blobs(per_blob: int, centres: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Well separated groups of directions; which group each row is of."""
    generator = np.random.default_rng(seed)
    blob_N = np.repeat(np.arange(centres), per_blob)
    return 10 * np.eye(centres)[blob_N] + generator.normal(size=(len(blob_N), centres)) * 0.5, blob_N


def cold(embeddings_ND: np.ndarray, **change: Any) -> dict[str, Any]:
    base = {"probabilities_NC": None, "labelled_L": NONE, "labelled_classes_L": NONE, "uniform_share": 0.0}
    base |= {"embeddings_ND": embeddings_ND, "candidates_K": np.arange(len(embeddings_ND))}
    return base | {"generator": np.random.default_rng(5)} | change


def test_select__typiclust_takes_one_image_of_each_group_near_its_middle() -> None:
    embeddings_ND, blob_N = blobs(per_blob=40, centres=6)
    picks = select(Acquisition.TYPICLUST, 6, **cold(embeddings_ND))
    assert sorted(blob_N[indices(picks)]) == list(range(6))
    unit_ND = embeddings_ND / np.linalg.norm(embeddings_ND, axis=1, keepdims=True)
    for pick in picks:
        distance_M = np.linalg.norm(unit_ND[blob_N == blob_N[pick.index]] - np.eye(6)[blob_N[pick.index]], axis=1)
        own = np.linalg.norm(unit_ND[pick.index] - np.eye(6)[blob_N[pick.index]])
        assert own < np.quantile(distance_M, 0.3)
        assert pick.reason == "Typical of a group of 40 similar images, none of them labelled yet."


def test_select__typiclust_asks_about_groups_without_labels_first() -> None:
    embeddings_ND, blob_N = blobs(per_blob=40, centres=6)
    labelled = np.array([0, 41, 82])  # one each of groups 0, 1 and 2
    candidates = np.setdiff1d(np.arange(len(blob_N)), labelled)
    case = cold(embeddings_ND, labelled_L=labelled, labelled_classes_L=np.zeros(3), candidates_K=candidates)
    assert sorted(blob_N[indices(select(Acquisition.TYPICLUST, 3, **case))]) == [3, 4, 5]


def test_select__typiclust_leaves_tiny_groups_to_the_end() -> None:
    embeddings_ND, blob_N = blobs(per_blob=40, centres=4)
    kept = np.flatnonzero((blob_N < 3) | (np.arange(len(blob_N)) == 120))  # group 3 is a single outlier
    assert 120 not in indices(select(Acquisition.TYPICLUST, 3, **cold(embeddings_ND, candidates_K=kept)))


def test_select__diverse_spreads_equal_doubt_over_the_groups_of_images() -> None:
    embeddings_ND, blob_N = blobs(per_blob=10, centres=4)
    case = request(count=40, labelled=0) | {"candidates_K": np.arange(40), "embeddings_ND": embeddings_ND}
    case |= {"probabilities_NC": np.tile([0.4, 0.35, 0.25], (40, 1)), "uniform_share": 0.0}
    assert sorted(blob_N[indices(select(Acquisition.DIVERSE, 4, **case))]) == [0, 1, 2, 3]


def test_select__diverse_never_looks_past_the_ten_smallest_margins_for_each_pick() -> None:
    case = request() | {"uniform_share": 0.0}
    ranked = case["candidates_K"][np.argsort(-margin_scores(case["probabilities_NC"], case["candidates_K"]))]
    assert set(indices(select(Acquisition.DIVERSE, 5, **case))) <= set(ranked[:50].tolist())


def test_select__diverse_asks_more_about_classes_with_few_labels() -> None:
    # Half of the doubtful look like cats, half like dogs; 9 cats are labelled and no dog: weights 1/10 against 1.
    rows = np.tile([[0.5, 0.45, 0.05], [0.45, 0.5, 0.05]], (60, 1))
    case = request(count=120, labelled=9) | {"probabilities_NC": rows, "labelled_classes_L": np.zeros(9, dtype=int)}
    chosen = indices(select(Acquisition.DIVERSE, 11, **case | {"candidates_K": np.arange(9, 120), "uniform_share": 0}))
    assert rows[chosen].argmax(axis=1).tolist().count(1) == 10


def test_select__a_fraction_of_an_image_is_drawn_by_lot() -> None:
    drawn = [
        select(Acquisition.MARGIN, 1, **request() | {"generator": np.random.default_rng(seed)})[0].strategy
        for seed in range(300)
    ]
    assert 30 < drawn.count(Acquisition.RANDOM) < 90


@pytest.mark.slow
@pytest.mark.parametrize("strategy", Acquisition)
def test_select__two_hundred_thousand_images_are_served(strategy: Acquisition) -> None:
    assert len(set(indices(select(strategy, 200, **request(count=200_000))))) == 200
