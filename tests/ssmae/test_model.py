"""The network: timm's names, an encoder that sees visible patches only, a head without opinions."""

from __future__ import annotations

import pytest
import timm
import torch

from ssmae.config import Masking, ModelConfig
from ssmae.errors import InvalidConfig
from ssmae.masking import draw_mask
from ssmae.model import build, sine_cosine_table, timm_arguments

TINY = ModelConfig(image_size=8, patch_size=2, embed_dim=32, depth=2, heads=2, decoder_dim=16, decoder_heads=2)
NAMES = ("a", "b", "c")


def some_mask(batch=3):
    return draw_mask(Masking.RANDOM, batch, 4, 0.75, torch.Generator().manual_seed(0))


def test_build__has_the_parameter_names_of_timm():
    reference = timm.create_model(**timm_arguments(TINY, 3))
    reference.load_state_dict(build(TINY, NAMES, seed=0).encoder.state_dict(), strict=True)


def test_build__depends_on_the_seed_alone_and_leaves_the_global_generator():
    torch.manual_seed(1)
    first = build(TINY, NAMES, seed=5).state_dict()
    after = torch.rand(1)
    torch.manual_seed(1)
    assert torch.equal(torch.rand(1), after)
    second, third = build(TINY, NAMES, seed=5).state_dict(), build(TINY, NAMES, seed=6).state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not all(torch.equal(first[name], third[name]) for name in first)


def test_classify__of_a_fresh_model_gives_every_class_the_same_probability():
    probabilities = build(TINY, NAMES, seed=0).classify(torch.rand(2, 3, 8, 8)).softmax(dim=1)
    assert torch.allclose(probabilities, torch.full((2, 3), 1 / 3))


def test_reconstruct__cannot_see_the_masked_patches():
    model, mask = build(TINY, NAMES, seed=0).eval(), some_mask()
    images = torch.rand(3, 3, 8, 8)
    hidden = mask.is_masked.reshape(3, 1, 4, 4).repeat_interleave(2, 2).repeat_interleave(2, 3)
    changed = torch.where(hidden, torch.rand(3, 3, 8, 8), images)
    assert not torch.equal(images, changed)
    assert torch.equal(model.reconstruct(images, mask), model.reconstruct(changed, mask))


def test_encode_visible__of_everything_equals_timms_own_features():
    model = build(TINY, NAMES, seed=0).eval()
    mask = draw_mask(Masking.RANDOM, 3, 4, 0.06, torch.Generator().manual_seed(0))
    images = torch.rand(3, 3, 8, 8)
    assert mask.ids_keep.shape == (3, 15)
    everything = torch.arange(16).expand(3, 16)
    tokens = model.encode_visible(images, type(mask)(everything, everything, torch.zeros(3, 16, dtype=torch.bool)))
    assert torch.allclose(tokens, model.encoder.forward_features((images - 0.5) / 0.5), atol=1e-6)


def test_sine_cosine_table__tells_every_place_apart():
    table = sine_cosine_table(30, 5)[0]
    assert table.shape == (25, 30)
    assert torch.cdist(table, table).fill_diagonal_(1).min() > 0.1


@pytest.mark.parametrize("name", ["no_such_model", "resnet18", "vit_base_patch16_dinov3"])
def test_build__refuses_what_is_no_plain_vision_transformer(name):
    with pytest.raises(InvalidConfig):
        build(ModelConfig(encoder=name, image_size=32, patch_size=16), NAMES, seed=0)
