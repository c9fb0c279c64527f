"""Predictions do not depend on how they were batched, and leave the model as it was."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ssmae.config import AugmentConfig
from ssmae.data import ImageStore
from ssmae.errors import InvalidData, Stopped
from ssmae.inference import predict, predict_views
from ssmae.model import build


@pytest.fixture
def model(tiny_config):
    made = build(tiny_config.model, ("a", "b", "c"), seed=0).train()
    with torch.no_grad():
        made.encoder.get_parameter("head.weight").normal_(generator=torch.Generator().manual_seed(1))
    return made


def test_predict__does_not_depend_on_the_batch_size(model, digits):
    images = ImageStore(digits[0][:50])
    whole, parts = predict(model, images), predict(model, images, batch=7)
    assert np.allclose(whole.probabilities_NC, parts.probabilities_NC, atol=1e-6)
    assert np.allclose(whole.embeddings_ND, parts.embeddings_ND, atol=1e-5)
    assert model.training


def test_predict__of_no_images_is_empty_but_has_its_shape(model):
    nothing = predict(model, ImageStore(np.zeros((0, 3, 8, 8), np.uint8)))
    assert nothing.probabilities_NC.shape == (0, 3)
    assert nothing.embeddings_ND.shape == (0, 32)


def test_predict__refuses_images_of_another_size(model):
    with pytest.raises(InvalidData, match=r"8 pixels wide\. Got 16"):
        predict(model, ImageStore(np.zeros((1, 3, 16, 16), np.uint8)))


def test_predict__can_be_stopped_between_two_batches(model, digits):
    answers = iter([False, False, True])
    with pytest.raises(Stopped, match="after 20 of 50"):
        predict(model, ImageStore(digits[0][:50]), batch=10, should_stop=lambda: next(answers))


def test_predict_views__begins_with_the_image_itself(model, digits):
    images = ImageStore(digits[0][:30])
    views = predict_views(
        model, images.on(torch.device("cpu")), AugmentConfig(), 2, torch.Generator().manual_seed(0), batch=8
    )
    assert views.shape == (3, 30, 3)
    assert np.allclose(views[0], predict(model, images).probabilities_NC, atol=1e-6)
    assert not np.allclose(views[1], views[2])
