"""The same code on every device: graphs without breaks, and bfloat16 where asked for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from ssmae.augment import cutmix, weak_view
from ssmae.config import Masking, Precision, Weighting
from ssmae.learner import Learner, sharpened
from ssmae.losses import NO_LABEL
from ssmae.masking import draw_mask
from ssmae.model import build
from ssmae.trainer import train_round

NAMES = tuple("0123456789")


@pytest.fixture
def student(tiny_config):
    return build(tiny_config.model, NAMES, seed=0)


def test_network__is_one_graph_for_the_compiler(student):
    """What `compile` hands to the GPU's compiler: captured whole, with the same result."""
    images = torch.rand(4, 3, 8, 8)
    mask = draw_mask(Masking.RANDOM, 4, student.side, 0.5, torch.Generator().manual_seed(0))
    classify = torch.compile(student.classify, backend="eager", fullgraph=True, dynamic=False)
    reconstruct = torch.compile(student.reconstruct, backend="eager", fullgraph=True, dynamic=False)
    assert torch.equal(classify(images), student.classify(images))
    assert torch.equal(reconstruct(images, mask), student.reconstruct(images, mask))


def test_train_round__in_bfloat16_ends_near_the_full_precision(tiny_config, make_data):
    full = train_round(make_data(), tiny_config, seed=0)
    mixed = train_round(make_data(), replace(tiny_config, precision=Precision.MIXED), seed=0)
    ends = [result.history[-1].losses["total"] for result in (full, mixed)]
    assert ends[0] != ends[1]
    assert ends[1] == pytest.approx(ends[0], rel=0.02)


def test_sharpened__by_hand():
    probabilities = torch.tensor([[0.6, 0.3, 0.1]])
    squares = torch.tensor([[0.36, 0.09, 0.01]])
    assert torch.allclose(sharpened(probabilities, 0.5), squares / 0.46)
    assert sharpened(probabilities, 0.0).tolist() == [[1, 0, 0]]
    assert torch.allclose(sharpened(probabilities, 1.0), probabilities)


def test_use_pseudo_labels__never_overrules_a_person(tiny_config, make_data):
    data = make_data()
    learner = Learner(data, tiny_config, build(tiny_config.model, NAMES, seed=0), torch.device("cpu"), seed=0)
    learner.use_pseudo_labels(np.full(len(data.images), 7))
    kept = learner._pseudo_labels_N.numpy()
    assert (kept[data.labels_N >= 0] == NO_LABEL).all()
    assert (kept[data.labels_N < 0] == 7).all()
    everyone = np.zeros(len(data.images), np.int64)
    learner.use_labels(everyone)  # people answered the rest
    assert (learner._pseudo_labels_N.numpy() == NO_LABEL).all()


def test_use_labels__the_same_again_changes_nothing_of_the_draw(tiny_config, make_data):
    data = make_data()
    learners = [
        Learner(data, tiny_config, build(tiny_config.model, NAMES, seed=0), torch.device("cpu"), seed=0) for _ in "ab"
    ]
    weights = {"supervised": 1.0, "reconstruction": 1.0}
    for learner in learners:
        learner.labels(weights)
    learners[1].use_labels(data.labels_N)
    first, second = (learner.labels(weights)["supervised"] for learner in learners)
    assert torch.equal(first, second)


@pytest.mark.parametrize(("choice", "evened"), [(Weighting.ADAPTIVE, False), (Weighting.SOFT, True)])
def test_joint__weighs_aligned_probabilities_but_for_thresholds_that_follow_the_classes(
    monkeypatch, tiny_config, make_data, choice, evened
):
    loss = replace(tiny_config.loss, consistency_weighting=choice, alignment=True)
    config = replace(tiny_config, loss=loss)
    learner = Learner(make_data(), config, build(config.model, NAMES, seed=0), torch.device("cpu"), seed=0)
    raw_BC = torch.tensor([[0.6, 0.3, *[0.0125] * 8]]).expand(32, -1)
    monkeypatch.setattr(learner, "_teach", lambda _: raw_BC.log())
    monkeypatch.setattr(learner._weighting, "forward", lambda given_BC: given_BC)
    for _ in range(1000):  # the running mean of the alignment arrives
        targets_BC, weighed_BC = learner._targets(torch.zeros(32, 3, 8, 8))
    even_BC = torch.full((32, 10), 0.1)
    assert torch.allclose(weighed_BC, even_BC if evened else raw_BC, atol=0.01)
    assert torch.allclose(targets_BC, even_BC, atol=0.01)


@pytest.mark.parametrize(("consistency", "everywhere"), [(1.0, True), (0.0, False)])
def test_joint__exchanges_boxes_between_all_images_that_have_a_target(
    monkeypatch, tiny_config, make_data, consistency, everywhere
):
    eligible = []

    def seen(images, eligible_B, *others):
        eligible.append(eligible_B)
        return cutmix(images, eligible_B, *others)

    monkeypatch.setattr("ssmae.learner.cutmix", seen)
    data = make_data()
    learner = Learner(data, tiny_config, build(tiny_config.model, NAMES, seed=0), torch.device("cpu"), seed=0)
    pseudo_labels = np.where(np.arange(len(data.images)) % 2, 3, NO_LABEL)
    learner.use_pseudo_labels(pseudo_labels)
    learner.joint({"consistency": consistency, "reconstruction": 0.0})
    assert eligible[0].any()
    assert eligible[0].all().item() is everywhere


def test_steps__take_as_many_images_as_their_phase_says(monkeypatch, tiny_config, make_data):
    counts = []

    def seen(images, *others):
        counts.append(len(images))
        return weak_view(images, *others)

    monkeypatch.setattr("ssmae.learner.weak_view", seen)
    schedule = replace(tiny_config.schedule, reconstruct_batch=48, unlabelled_batch=24)
    config = replace(tiny_config, schedule=schedule)
    learner = Learner(make_data(), config, build(tiny_config.model, NAMES, seed=0), torch.device("cpu"), seed=0)
    weights = {"consistency": 1.0, "reconstruction": 1.0}
    for step in (learner.reconstruct, lambda: learner.labels(weights), lambda: learner.joint(weights)):
        step()
    assert counts == [48, 24, 24]
