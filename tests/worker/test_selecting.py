"""What a draft asks about, from what is known of the images."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.db.models import Round
from app.services.publishing import Chosen
from ssmae.config import Acquisition
from worker.selecting import MOST_COMPARED, Known, Pools, choose


def _draft(strategy: Acquisition = Acquisition.MARGIN, size: int = 10) -> Round:
    return Round(strategy=strategy, selection_size=size)


def _known(ids: range, *, has_learnt: bool = True, class_ids: tuple[int, ...] = (7, 9)) -> Known:
    generator = np.random.default_rng(0)
    probabilities_NC = generator.dirichlet(np.ones(len(class_ids)), len(ids)).astype(np.float32)
    return Known(
        image_ids_N=np.array(ids, dtype=np.int64),
        probabilities_NC=probabilities_NC if has_learnt else None,
        embeddings_ND=generator.normal(size=(len(ids), 4)).astype(np.float32),
        class_ids=list(class_ids),
    )


def _pools(askable: range, labelled: dict[int, int] | None = None) -> Pools:
    names = {7: "elm", 9: "oak", 11: "ash"}
    return Pools(
        askable=np.array(askable, dtype=np.int64), labelled=labelled or {}, class_ids=list(names), class_names=names
    )


def _choose(draft: Round, pools: Pools, known: Known, seed: int = 0) -> tuple[list[Chosen], list[str]]:
    notes: list[str] = []
    return choose(draft, pools, known, np.random.default_rng(seed), notes), notes


def test_choose__asks_only_about_images_that_may_be_asked_each_once() -> None:
    chosen, notes = _choose(_draft(), _pools(range(100, 160), {5: 7, 6: 9}), _known(range(5, 160)))

    ids = [one.image_id for one in chosen]
    assert len(ids) == len(set(ids)) == 10
    assert set(ids) <= set(range(100, 160))
    assert {one.strategy for one in chosen} <= {Acquisition.MARGIN, Acquisition.RANDOM}
    assert all(one.reason for one in chosen)
    assert not notes


@pytest.mark.parametrize("strategy", [Acquisition.MARGIN, Acquisition.ENTROPY, Acquisition.DIVERSE])
def test_choose__without_a_trained_model_another_strategy_is_used_and_named(strategy: Acquisition) -> None:
    chosen, notes = _choose(_draft(strategy), _pools(range(40)), _known(range(40), has_learnt=False))

    assert {one.strategy for one in chosen} == {Acquisition.TYPICLUST, Acquisition.RANDOM}
    assert any("TypiClust instead" in note for note in notes)


def test_choose__images_that_came_later_get_their_share_at_random() -> None:
    chosen, notes = _choose(_draft(size=10), _pools(range(100)), _known(range(50)))

    fresh = [one for one in chosen if one.image_id >= 50]
    assert len(chosen) == 10
    assert len(fresh) == 5
    assert all("not seen them" in one.reason for one in fresh)
    assert "5 of 10" in notes[0]


def test_choose__after_a_round_that_learnt_no_class_a_large_pool_gives_new_images_their_share_too() -> None:
    known = _known(range(MOST_COMPARED), has_learnt=False)

    chosen, _ = _choose(_draft(Acquisition.RANDOM, size=10), _pools(range(2 * MOST_COMPARED)), known)

    assert len([one for one in chosen if one.image_id >= MOST_COMPARED]) == 5


def test_choose__images_left_out_of_a_sample_get_no_share_as_if_they_were_new() -> None:
    sample = replace(_known(range(50), has_learnt=False), is_sample=True)

    chosen, notes = _choose(_draft(Acquisition.RANDOM, size=10), _pools(range(100)), sample)

    assert len(chosen) == 10
    assert all(one.image_id < 50 for one in chosen)
    assert not notes


def test_choose__labels_of_a_class_that_the_model_does_not_know_do_no_harm() -> None:
    chosen, _ = _choose(_draft(Acquisition.DIVERSE), _pools(range(20, 60), {1: 7, 2: 11}), _known(range(60)))

    assert len(chosen) == 10


def test_choose__the_same_seed_chooses_the_same_and_fewer_images_give_all_of_them() -> None:
    draft, pools, known = _draft(Acquisition.TYPICLUST, size=30), _pools(range(12)), _known(range(12))

    first, _ = _choose(draft, pools, known, seed=4)
    second, _ = _choose(draft, pools, known, seed=4)

    assert [one.image_id for one in first] == [one.image_id for one in second]
    assert {one.image_id for one in first} == set(range(12))
