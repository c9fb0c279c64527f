"""The label budget of an experiment: counted in full, drawn fairly, the same for every arm."""

from __future__ import annotations

import numpy as np
import pytest

from ssmae.config import GateConfig
from ssmae.errors import InvalidData
from ssmae.experiments.draw import draw_round, validation_answers
from ssmae.experiments.packs import DIGITS, load_pack
from ssmae.gate import required_validation_size


@pytest.fixture(scope="module")
def pack():
    return load_pack(DIGITS, 8)


def test_validation_answers__are_bought_once_the_budget_is_three_times_their_price():
    gate = GateConfig()
    price = required_validation_size(gate.alpha, gate.delta, 1)
    assert price == 84
    assert [validation_answers(budget, gate) for budget in (20, 251, 252, 2500)] == [0, 0, 84, 84]


@pytest.mark.parametrize("validation", [0, 84])
def test_draw_round__spends_the_budget_exactly_and_tells_the_truth(pack, validation):
    data = draw_round(pack, budget=300, validation=validation, seed=1)
    taught = data.labelled_index_L
    assert len(taught) + len(data.validation_index_V) == 300
    assert len(data.validation_index_V) == validation
    assert (data.labels_N[taught] == pack.classes_N[taught]).all()
    assert (data.validation_labels_V == pack.classes_N[data.validation_index_V]).all()
    per_class = np.bincount(data.labels_N[taught], minlength=10)
    assert per_class.max() - per_class.min() <= 1


def test_draw_round__gives_arms_without_a_gate_the_same_labels_and_more(pack):
    with_gate = draw_round(pack, budget=300, validation=84, seed=2)
    without = draw_round(pack, budget=300, validation=0, seed=2)
    more = draw_round(pack, budget=400, validation=0, seed=2)
    assert set(with_gate.labelled_index_L) < set(without.labelled_index_L) < set(more.labelled_index_L)
    other_seed = draw_round(pack, budget=300, validation=0, seed=3)
    assert set(without.labelled_index_L) != set(other_seed.labelled_index_L)


def test_draw_round__a_larger_budget_draws_a_new_validation_sample(pack):
    # 84 of about 1,080 images: two independent samples share 6.5 on average, with a standard deviation of 2.4.
    shared = []
    for seed in range(20):
        first, second = (draw_round(pack, budget=budget, validation=84, seed=seed) for budget in (300, 350))
        shared.append(len(np.intersect1d(first.validation_index_V, second.validation_index_V)))
    assert 5 < np.mean(shared) < 8


def test_draw_round__draws_validation_uniformly_from_what_has_no_training_label(pack):
    # Twenty labels leave 1,277 images; 300 samples of 84 give each 19.7 turns on average.
    turns = np.zeros(len(pack.train))
    labelled = np.zeros(len(pack.train))
    for seed in range(300):
        data = draw_round(pack, budget=104, validation=84, seed=seed)
        turns[data.validation_index_V] += 1
        labelled[data.labelled_index_L] += 1
    expected = (300 - labelled) * 84 / 1277
    # The sum of squared standardised turns has expectation 1,297 and a standard deviation of about 51.
    spread = ((turns - expected) ** 2 / (expected * (1 - 84 / 1277))).sum()
    assert abs(spread - len(pack.train)) < 5 * 51


def test_draw_round__works_with_fewer_labels_than_classes(pack):
    data = draw_round(pack, budget=4, validation=0, seed=0)
    assert len(np.unique(data.labels_N[data.labelled_index_L])) == 4


@pytest.mark.parametrize(("budget", "validation"), [(2000, 0), (84, 84), (1297, 0)])
def test_draw_round__refuses_a_budget_that_the_pack_cannot_serve(pack, budget, validation):
    with pytest.raises(InvalidData, match="1297 images"):
        draw_round(pack, budget=budget, validation=validation, seed=0)
