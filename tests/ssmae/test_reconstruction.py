"""Reconstruction pictures change nothing that the encoder saw, and pixels are the inverse of the loss's target."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ssmae.config import LossConfig
from ssmae.data import ImageStore
from ssmae.errors import InvalidData, Stopped
from ssmae.losses import patchify
from ssmae.model import build
from ssmae.reconstruction import HIDDEN_GREY, predicted_pixels, reconstructions


@pytest.fixture
def model(tiny_config):
    return build(tiny_config.model, ("a", "b"), seed=0).train()


def hidden_pixels(is_masked_NL: np.ndarray, patch: int) -> np.ndarray:
    """The mask in pixels, shape (N, 1, H, W)."""
    side = round(is_masked_NL.shape[1] ** 0.5)
    return is_masked_NL.reshape(-1, 1, side, side).repeat(patch, 2).repeat(patch, 3)


@pytest.mark.parametrize("normalise", [True, False])
def test_reconstructions__keep_what_was_visible_byte_for_byte(model, digits, normalise):
    images = ImageStore(digits[0][:20])
    found = reconstructions(model, images, LossConfig(normalise_target=normalise), seed=0)
    hidden = np.broadcast_to(hidden_pixels(found.is_masked_NL, 2), images.images_NCHW.shape)
    assert found.is_masked_NL.mean() == 0.75
    assert (found.originals_NCHW == images.images_NCHW).all()
    assert (found.masked_NCHW[~hidden] == images.images_NCHW[~hidden]).all()
    assert (found.masked_NCHW[hidden] == HIDDEN_GREY).all()
    assert (found.filled_NCHW[~hidden] == images.images_NCHW[~hidden]).all()
    assert (found.filled_NCHW[hidden] != HIDDEN_GREY).mean() > 0.9
    assert model.training


def test_reconstructions__depend_on_the_seed_alone(model, digits):
    images = ImageStore(digits[0][:10])
    first, again, other = (reconstructions(model, images, LossConfig(), seed=seed) for seed in (1, 1, 2))
    assert (first.filled_NCHW == again.filled_NCHW).all()
    assert (first.is_masked_NL != other.is_masked_NL).any()


def test_predicted_pixels__undo_the_normalised_target(digits):
    images_BCHW = torch.from_numpy(digits[0][:5]).float() / 255
    patches_BLP = patchify(images_BCHW, 2)
    variance, mean = torch.var_mean(patches_BLP, dim=-1, keepdim=True, correction=0)
    target_BLP = (patches_BLP - mean) / (variance + 1e-6).sqrt()
    assert torch.allclose(predicted_pixels(target_BLP, images_BCHW, 2, normalised=True), patches_BLP, atol=1e-6)
    assert torch.equal(predicted_pixels(patches_BLP, images_BCHW, 2, normalised=False), patches_BLP)


def test_reconstructions__of_no_images_are_empty(model):
    found = reconstructions(model, ImageStore(np.zeros((0, 3, 8, 8), np.uint8)), LossConfig(), seed=0)
    assert found.filled_NCHW.shape == (0, 3, 8, 8)


def test_reconstructions__refuse_images_of_another_size(model):
    with pytest.raises(InvalidData, match=r"8 pixels wide\. Got 16"):
        reconstructions(model, ImageStore(np.zeros((1, 3, 16, 16), np.uint8)), LossConfig(), seed=0)


def test_reconstructions__can_be_stopped_between_two_batches(model, digits):
    answers = iter([False, False, True])
    with pytest.raises(Stopped, match="after 20 of 50"):
        reconstructions(
            model, ImageStore(digits[0][:50]), LossConfig(), seed=0, batch=10, should_stop=lambda: next(answers)
        )
