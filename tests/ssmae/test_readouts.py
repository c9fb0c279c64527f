"""Readouts against scikit-learn and by hand; none may see the held-out labels before it has answered."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.neighbors import KNeighborsClassifier

import ssmae.readouts.frozen
from ssmae.config import AugmentConfig
from ssmae.data import ImageStore
from ssmae.errors import InvalidConfig, InvalidData, Stopped
from ssmae.held_out import HeldOut
from ssmae.model import build
from ssmae.readouts import Readout, fine_tune, labels_only, linear_probe, nearest_neighbours

FROZEN = {
    "linear probe": lambda *parts: linear_probe(*parts, seed=0),
    "nearest neighbours": nearest_neighbours,
}


@pytest.fixture
def pixels(digits):
    """Pixels of real digits in the place of embeddings: 100 that teach, 200 that judge."""
    rows_ND = digits[0][:300, 0].reshape(300, -1).astype(np.float32)
    return rows_ND[:100], digits[1][:100], rows_ND[100:], digits[1][100:300]


def test_linear_probe__finds_the_one_direction_that_separates():
    generator = np.random.default_rng(0)
    labels_N = np.arange(80) % 2
    # The telling feature is a thousand times smaller than 15 noisy ones: without standardising it would be lost.
    features_ND = generator.normal(scale=1000, size=(80, 16))
    features_ND[:, 7] = np.where(labels_N, 1.0, -1.0) + generator.normal(scale=0.1, size=80)
    assert linear_probe(features_ND[:40], labels_N[:40], features_ND[40:], labels_N[40:], seed=0).accuracy == 1


def test_linear_probe__reads_digits_from_their_pixels(pixels):
    assert linear_probe(*pixels, seed=0).accuracy > 0.8


def test_nearest_neighbours__by_hand():
    # Two neighbours of class 1 at cosine 0.5 weigh 2 exp(0.5 / 0.07) = 2,530; one of class 0 at 0.9 weighs 382,000.
    embeddings_ND = np.array([[0.9, np.sqrt(0.19)], [0.5, np.sqrt(0.75)], [0.5, -np.sqrt(0.75)]])
    labels_N, asked_HD = np.array([0, 1, 1]), np.array([[2.0, 0.0]])
    assert nearest_neighbours(embeddings_ND, labels_N, asked_HD, np.array([0])).predicted_H.tolist() == [0]
    # At cosine 0.9 and 0.8 the two outweigh it: 382,000 against 382,000 + 91,600.
    embeddings_ND = np.array([[0.9, np.sqrt(0.19)], [0.9, -np.sqrt(0.19)], [0.8, -0.6]])
    assert nearest_neighbours(embeddings_ND, labels_N, asked_HD, np.array([0])).predicted_H.tolist() == [1]


def test_nearest_neighbours__only_as_many_as_asked_for_vote():
    embeddings_ND, labels_N = np.array([[1.0, 0.0], [0.99, 0.1], [0.99, -0.1]]), np.array([1, 0, 0])
    asked_HD, answer_H = np.array([[1.0, 0.0]]), np.array([1])
    assert nearest_neighbours(embeddings_ND, labels_N, asked_HD, answer_H, neighbours=1).correct == 1
    assert nearest_neighbours(embeddings_ND, labels_N, asked_HD, answer_H, neighbours=3).correct == 0


def test_nearest_neighbours__agrees_with_scikit_learn_however_it_is_cut(pixels, monkeypatch):
    weights = lambda distance: np.exp((1 - distance) / 0.07)  # noqa: E731 - scikit-learn wants a callable
    reference = KNeighborsClassifier(20, weights=weights, metric="cosine").fit(pixels[0], pixels[1])
    whole = nearest_neighbours(*pixels)
    assert (whole.predicted_H == reference.predict(pixels[2])).mean() > 0.99
    monkeypatch.setattr(ssmae.readouts.frozen, "_SIMILARITIES_AT_ONCE", 1000)
    assert (nearest_neighbours(*pixels).predicted_H == whole.predicted_H).all()


@pytest.mark.parametrize("read", FROZEN.values(), ids=FROZEN)
def test_readout__answers_before_it_sees_the_held_out_labels(read, pixels):
    embeddings_ND, labels_N, held_out_HD, answers_H = pixels
    honest, other = read(*pixels), read(embeddings_ND, labels_N, held_out_HD, (answers_H + 1) % 10)
    assert (honest.predicted_H == other.predicted_H).all()
    assert honest.correct > other.correct


@pytest.mark.parametrize("read", FROZEN.values(), ids=FROZEN)
@pytest.mark.parametrize(
    ("rows", "labels", "asked", "answers", "message"),
    [
        (np.ones((4, 2)), [0, 0, 0, 0], np.ones((1, 2)), [0], r"at least two classes\. Got 1"),
        (np.ones((0, 2)), [], np.ones((1, 2)), [0], "at least one image"),
        (np.ones((4, 2)), [0, 0, 1, 1], np.ones((0, 2)), [], "at least one image"),
        (np.ones((4, 2)), [0, 0, 1, 1], np.ones((1, 3)), [0], "one width"),
        (np.ones((4, 2)), [0, 1, 1], np.ones((1, 2)), [0], r"labels_N must be .* image: 4\. Got int64 of shape \(3,\)"),
        (np.eye(4, 2), [0, 0, 1, 1], np.ones((1, 2)), [0, 1], "held_out_labels_H must be"),
        (np.full((4, 2), np.nan), [0, 0, 1, 1], np.ones((1, 2)), [0], "finite"),
    ],
)
def test_readout__refuses_what_does_not_fit(read, rows, labels, asked, answers, message):
    with pytest.raises(InvalidData, match=message):
        read(rows, np.array(labels, np.int64), asked, np.array(answers, np.int64))


def test_linear_probe__refuses_a_class_that_cannot_be_cross_validated():
    with pytest.raises(InvalidData, match="two labels of each class"):
        linear_probe(np.eye(3), np.array([0, 0, 1]), np.eye(3), np.array([0, 0, 1]), seed=0)


def test_nearest_neighbours__refuses_to_ask_nobody():
    with pytest.raises(InvalidConfig, match="neighbours must be at least 1"):
        nearest_neighbours(np.eye(2), np.array([0, 1]), np.eye(2), np.array([0, 1]), neighbours=0)


def test_readout__gives_the_exact_interval():
    readout = Readout.of(np.array([1] * 90 + [0] * 10), np.ones(100, np.int64))
    assert readout.accuracy == 0.9
    assert readout.interval == pytest.approx((0.824, 0.951), abs=6e-4)


def test_fine_tune__teaches_a_copy_of_the_encoder(digits, tiny_config):
    images, answers = digits
    schedule = replace(tiny_config.schedule, labels_steps=40, joint_steps=10, labelled_batch=64)
    unchanged = AugmentConfig(shift=0, rotate=0, zoom=0, colour=0, cutout=0)
    config = replace(tiny_config, schedule=schedule, augment=unchanged)
    model = build(tiny_config.model, tuple("0123456789"), seed=0)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    parts = ImageStore(images[:300]), answers[:300], HeldOut(images[300:500], answers[300:500])
    readout = fine_tune(model, config, *parts, seed=0)
    assert readout.accuracy > 0.2  # chance is 0.1, give or take 0.02
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_fine_tune__answers_before_it_sees_the_held_out_labels(digits, tiny_config):
    images, answers = digits
    model = build(tiny_config.model, tuple("0123456789"), seed=0)
    teaching = ImageStore(images[:40]), answers[:40]
    honest, other = (
        fine_tune(model, tiny_config, *teaching, HeldOut(images[40:80], (answers[40:80] + turn) % 10), seed=0)
        for turn in (0, 1)
    )
    assert (honest.predicted_H == other.predicted_H).all()


def test_fine_tune__refuses_one_class_and_can_be_stopped(digits, tiny_config):
    images, answers = digits
    model = build(tiny_config.model, tuple("0123456789"), seed=0)
    one, held_out = np.flatnonzero(answers == 3)[:5], HeldOut(images[:5], answers[:5])
    with pytest.raises(InvalidData, match=r"at least two classes\. Got 1"):
        fine_tune(model, tiny_config, ImageStore(images[one]), answers[one], held_out, seed=0)
    with pytest.raises(Stopped):
        fine_tune(model, tiny_config, ImageStore(images[:40]), answers[:40], held_out, seed=0, should_stop=lambda: True)


def test_labels_only__spends_the_same_steps_on_labels_from_the_encoder_as_it_is(tiny_config):
    config = labels_only(replace(tiny_config, schedule=replace(tiny_config.schedule, shrink=0.4, perturb=0.1)))
    schedule = config.schedule
    assert (schedule.resume_reconstruct_steps, schedule.labels_steps, schedule.joint_steps) == (0, 16, 0)
    assert (schedule.shrink, schedule.perturb, config.loss.reconstruction_weight) == (1, 0, 0)
