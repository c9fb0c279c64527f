"""The optimiser leaves good weights alone when a number goes bad, and carries on bitwise from its state."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from ssmae.model import build
from ssmae.optimiser import Optimiser, parameter_groups

NAMES = tuple("0123456789")


def weights_of(model):
    return {name: value.clone() for name, value in model.state_dict().items()}


def changed(model, before):
    return [name for name, value in model.state_dict().items() if not torch.equal(before[name], value)]


@pytest.fixture
def student(tiny_config):
    return build(tiny_config.model, NAMES, seed=0)


def loss_of(student, factor=1.0):
    images = torch.rand(4, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    return factor * torch.nn.functional.cross_entropy(student.classify(images), torch.arange(4))


@pytest.mark.parametrize("factor", [float("nan"), float("inf")])
def test_step__changes_nothing_once_a_loss_is_not_finite(student, tiny_config, factor):
    optimiser = Optimiser(student, tiny_config.schedule)
    optimiser.step(loss_of(student), 1e-3)
    before = weights_of(student)
    moments = {name: value.clone() for name, value in optimiser.state().items()}
    optimiser.step(loss_of(student, factor), 1e-3)
    optimiser.step(loss_of(student), 1e-3)  # the host has not looked yet: still nothing
    assert changed(student, before) == []
    assert all(torch.equal(moments[name], value) for name, value in optimiser.state().items())
    assert optimiser.is_bad


def test_step__gives_the_norm_before_clipping(student, tiny_config):
    optimiser = Optimiser(student, replace(tiny_config.schedule, clip=1e-3))
    norm = optimiser.step(loss_of(student), 1e-3)
    clipped = torch.stack([weight.grad.norm() for weight in student.parameters() if weight.grad is not None]).norm()
    assert norm > 0.1
    assert clipped == pytest.approx(1e-3, rel=1e-3)


def test_restore__continues_bitwise(student, tiny_config):
    other = build(tiny_config.model, NAMES, seed=1)
    first, second = (Optimiser(each, tiny_config.schedule) for each in (student, other))
    for _ in range(3):
        first.step(loss_of(student), 1e-3)
    other.load_state_dict(weights_of(student))
    second.restore({name: value.clone() for name, value in first.state().items()})
    for optimiser, model in ((first, student), (second, other)):
        optimiser.step(loss_of(model), 1e-3)
    assert changed(other, weights_of(student)) == []


def test_parameter_groups__decay_matrices_only(student, tiny_config):
    decayed, others = parameter_groups(student, tiny_config.schedule)
    assert decayed["weight_decay"] == tiny_config.schedule.weight_decay
    assert others["weight_decay"] == 0
    names = {id(weight): name for name, weight in student.named_parameters()}
    kept = {names[id(weight)] for weight in others["params"]}
    assert {"encoder.pos_embed", "decoder.mask_token", "encoder.head.bias"} <= kept
    assert "encoder.head.weight" not in kept


def test_parameter_groups__slow_the_lower_layers_and_miss_no_weight(student, tiny_config):
    groups = parameter_groups(student, replace(tiny_config.schedule, layer_decay=0.5))
    scale = {id(weight): group.get("lr_scale", 1.0) for group in groups for weight in group["params"]}
    assert len(scale) == len(list(student.parameters()))
    names = {name: scale[id(weight)] for name, weight in student.named_parameters()}
    assert names["encoder.head.weight"] == 1
    assert names["encoder.blocks.1.attn.qkv.weight"] == 2 * names["encoder.blocks.0.attn.qkv.weight"]
    assert names["encoder.patch_embed.proj.weight"] < names["encoder.blocks.0.attn.qkv.weight"]
    assert names["decoder.embed.weight"] == 1
