"""Every patch is judged equally often, errors are in pixels, and what does not belong comes out on top."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from ssmae.anomaly import complementary_masks, percentiles, reconstruction_errors, unusualness
from ssmae.config import LossConfig, Masking
from ssmae.data import ImageStore
from ssmae.errors import InvalidData, Stopped
from ssmae.inference import predict
from ssmae.losses import patchify
from ssmae.model import build
from ssmae.trainer import train_round


@pytest.fixture
def blank_model(tiny_config):
    """A model that predicts zero for every pixel."""
    model = build(tiny_config.model, ("a", "b"), seed=0).train()
    with torch.no_grad():
        model.decoder.predict.weight.zero_()
    return model


@pytest.mark.parametrize("masking", Masking)
@pytest.mark.parametrize(
    ("side", "ratio", "nearest", "masks"),
    [(4, 0.75, 0.75, 4), (4, 0.5, 0.5, 4), (7, 0.6, 2 / 3, 6), (7, 0.25, 0.25, 4), (3, 0.95, 8 / 9, 9)],
)
def test_complementary_masks__hide_each_patch_equally_often(masking, side, ratio, nearest, masks):
    drawn = complementary_masks(masking, 6, side, ratio, torch.Generator().manual_seed(0))
    times_hidden = torch.stack([mask.is_masked for mask in drawn]).sum(dim=0)
    assert len(drawn) == masks
    assert len(times_hidden.unique()) == 1
    assert times_hidden[0, 0].item() / masks == pytest.approx(nearest)
    for mask in drawn:
        # A partition: what is kept is what is not masked.
        assert not mask.is_masked.gather(1, mask.ids_keep).any()
        assert (mask.is_masked.sum(dim=1) + mask.ids_keep.shape[1] == side * side).all()
        assert (mask.ids_restore.sort(dim=1).values == torch.arange(side * side)).all()


@pytest.mark.parametrize("batch", [None, 7])
def test_reconstruction_errors__are_in_pixels_and_count_each_patch_alike(blank_model, digits, batch):
    images = ImageStore(digits[0][:20])
    pixels_NCHW = torch.from_numpy(digits[0][:20]).float() / 255
    errors_N = reconstruction_errors(blank_model, images, LossConfig(normalise_target=False), seed=0, batch=batch)
    assert errors_N == pytest.approx(pixels_NCHW.square().mean(dim=(1, 2, 3)).numpy(), rel=1e-5)
    # With a normalised target, zero stands for the patch's own mean: what is left is its variance.
    errors_N = reconstruction_errors(blank_model, images, LossConfig(normalise_target=True), seed=0, batch=batch)
    variance_N = patchify(pixels_NCHW, 2).var(dim=2, correction=0).mean(dim=1)
    assert errors_N == pytest.approx(variance_N.numpy(), rel=1e-5)
    assert blank_model.training


def test_unusualness__ranks_digits_with_a_pasted_pattern_among_the_highest(tiny_config, make_data):
    data, generator = make_data(images=300, labels=0, validation=0), np.random.default_rng(0)
    pixels_NCHW, spoilt = data.images.images_NCHW.copy(), np.arange(5, 300, 30)
    for index in spoilt:
        row, column = generator.integers(0, 5, 2)
        pixels_NCHW[index, :, row : row + 4, column : column + 4] = 255 * (np.indices((4, 4)).sum(axis=0) % 2)
    images = ImageStore(pixels_NCHW)
    config = replace(tiny_config, schedule=replace(tiny_config.schedule, reconstruct_steps=40))
    model = train_round(replace(data, images=images), config, seed=0).model
    errors_N = reconstruction_errors(model, images, config.loss, seed=0)
    scores_N = unusualness(errors_N, predict(model, images).embeddings_ND)
    for ranked_N in (errors_N, scores_N):
        places_N = ranked_N.argsort().argsort()
        assert (places_N[spoilt] >= 270).mean() >= 0.9  # of 10 spoilt ones, at least 9 in the highest tenth


def test_reconstruction_errors__depend_on_the_seed_alone(tiny_config, digits):
    model, images = build(tiny_config.model, ("a", "b"), seed=0), ImageStore(digits[0][:10])
    first, again, other = (reconstruction_errors(model, images, LossConfig(), seed=seed) for seed in (1, 1, 2))
    assert (first == again).all()
    assert (first != other).any()


def test_reconstruction_errors__of_no_images_are_none(blank_model):
    nothing = ImageStore(np.zeros((0, 3, 8, 8), np.uint8))
    assert reconstruction_errors(blank_model, nothing, LossConfig(), seed=0).shape == (0,)


def test_reconstruction_errors__can_be_stopped_within_a_batch(blank_model, digits):
    answers = iter([False] * 5 + [True])
    with pytest.raises(Stopped, match="after 10 of 50"):
        reconstruction_errors(
            blank_model, ImageStore(digits[0][:50]), LossConfig(), seed=0, batch=10, should_stop=lambda: next(answers)
        )


def test_reconstruction_errors__refuse_images_of_another_size(blank_model):
    with pytest.raises(InvalidData, match=r"8 pixels wide\. Got 16"):
        reconstruction_errors(blank_model, ImageStore(np.zeros((1, 3, 16, 16), np.uint8)), LossConfig(), seed=0)


def test_percentiles__share_a_place_where_values_tie():
    assert percentiles(np.array([3.0, 1.0, 1.0, 9.0])).tolist() == [0.625, 0.25, 0.25, 0.875]


def test_unusualness__is_the_mean_of_both_places():
    # Three embeddings in a heap and one far away; the second image has the largest error.
    embeddings_ND = np.array([[0.0, 0.0], [0.1, 0.0], [0.0, 0.2], [5.0, 5.0]])
    scores_N = unusualness(np.array([0.1, 0.4, 0.2, 0.3]), embeddings_ND)
    assert scores_N[3] == pytest.approx((0.625 + 0.875) / 2)
    assert scores_N.argmax() == 3


def test_unusualness__refuses_what_does_not_fit():
    with pytest.raises(InvalidData, match=r"one row per error: 2\. Got 3"):
        unusualness(np.zeros(2), np.zeros((3, 4)))
    with pytest.raises(InvalidData, match="finite"):
        unusualness(np.array([0.0, np.nan]), np.zeros((2, 4)))
    with pytest.raises(InvalidData, match="finite"):
        unusualness(np.zeros(2), np.full((2, 4), np.inf))
