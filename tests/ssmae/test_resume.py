"""Starting a round from the last one: what fits goes on, what does not is named, and classes may change."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from ssmae.config import Head
from ssmae.errors import CheckpointMismatch, InvalidData
from ssmae.model import build
from ssmae.results import EncoderState
from ssmae.resume import key_difference, new_classes, start_model

NAMES = ("cat", "dog", "owl")


@pytest.fixture
def keeping(tiny_config):
    """A round that keeps the classifier, and shrinks nothing."""
    return replace(tiny_config, schedule=replace(tiny_config.schedule, head=Head.KEEP))


@pytest.fixture
def state(tiny_config):
    """What a round left that has learnt three classes."""
    model = build(tiny_config.model, NAMES, seed=5)
    generator = torch.Generator().manual_seed(6)
    with torch.no_grad():  # a fresh classifier is zero
        for name in ("head.weight", "head.bias"):
            model.encoder.get_parameter(name).normal_(generator=generator)
    return EncoderState.of(model)


def head_of(model):
    return model.encoder.get_parameter("head.weight"), model.encoder.get_parameter("head.bias")


def test_start_model__a_fresh_head_has_no_opinion_whatever_the_classes_were(tiny_config, state):
    started = start_model(tiny_config, ("x", "y"), state, seed=3)
    assert all(not value.any() for value in head_of(started))
    assert new_classes(tiny_config, ("x", "y"), state) == ()


def test_start_model__a_kept_head_gives_the_probabilities_of_before(keeping, state, digits):
    before, after = build(keeping.model, NAMES, seed=0), start_model(keeping, NAMES, state, seed=3)
    before.load_state_dict(
        {**state.weights, "encoder.head.weight": state.head.weight_CD, "encoder.head.bias": state.head.bias_C}
    )
    images_BCHW = torch.from_numpy(digits[0][:50]).float() / 255
    with torch.inference_mode():
        assert torch.equal(after.eval().classify(images_BCHW), before.eval().classify(images_BCHW))


def test_start_model__a_new_class_leaves_the_order_of_the_others(keeping, state, digits):
    same, more = (start_model(keeping, names, state, seed=3).eval() for names in (NAMES, (*NAMES, "newt")))
    images_BCHW = torch.from_numpy(digits[0][:200]).float() / 255
    with torch.inference_mode():
        before_NC, after_NC = same.classify(images_BCHW).softmax(dim=1), more.classify(images_BCHW).softmax(dim=1)
    assert torch.equal(after_NC[:, :3].argsort(dim=1), before_NC.argsort(dim=1))
    assert (after_NC.argmax(dim=1) < 3).all()
    assert new_classes(keeping, (*NAMES, "newt"), state) == (3,)


def test_start_model__without_a_map_rows_follow_names(keeping, state):
    weight_CD, bias_C = head_of(start_model(keeping, ("owl", "newt", "cat"), state, seed=3))
    assert torch.equal(weight_CD[[0, 2]], state.head.weight_CD[[2, 0]])
    assert torch.equal(bias_C[[0, 2]], state.head.bias_C[[2, 0]])


def test_start_model__with_a_map_a_renamed_class_keeps_its_row_and_its_old_name_is_free(keeping, state):
    names, class_map = ("kitten", "cat"), (0, None, None)
    weight_CD, _ = head_of(start_model(keeping, names, state, seed=3, class_map=class_map))
    assert torch.equal(weight_CD[0], state.head.weight_CD[0])
    assert new_classes(keeping, names, state, class_map) == (1,)


def test_start_model__merges_by_the_map(keeping, state):
    weight_CD, bias_C = head_of(start_model(keeping, ("pet", "owl"), state, seed=3, class_map=(0, 0, 1)))
    assert torch.allclose(weight_CD[0], state.head.weight_CD[:2].mean(dim=0))
    assert torch.allclose(bias_C[0], state.head.bias_C[:2].logsumexp(dim=0))
    assert torch.equal(weight_CD[1], state.head.weight_CD[2])


def test_start_model__shrinks_and_perturbs_encoder_and_decoder_and_shrinks_a_kept_head(keeping, state):
    config = replace(keeping, schedule=replace(keeping.schedule, shrink=0.5, perturb=0.25))
    started, fresh = start_model(config, NAMES, state, seed=3), build(config.model, NAMES, seed=3)
    for name in ("encoder.blocks.0.mlp.fc1.weight", "decoder.embed.weight"):
        expected = 0.5 * state.weights[name] + 0.25 * fresh.get_parameter(name)
        assert torch.allclose(started.get_parameter(name), expected)
    assert all(
        torch.allclose(got, 0.5 * old)
        for got, old in zip(head_of(started), (state.head.weight_CD, state.head.bias_C), strict=True)
    )


def test_start_model__leaves_the_state_as_it_was(keeping, state):
    copies = {name: value.clone() for name, value in state.weights.items()}
    config = replace(keeping, schedule=replace(keeping.schedule, shrink=0.5))
    with torch.no_grad():
        for weight in start_model(config, NAMES, state, seed=3).parameters():
            weight.add_(1)
    assert all(torch.equal(value, copies[name]) for name, value in state.weights.items())


def test_start_model__lists_missing_unexpected_and_misshapen_names(tiny_config, state):
    weights = dict(state.weights)
    del weights["encoder.fc_norm.bias"]
    weights |= {"encoder.cls_token": torch.zeros(1, 1, 32), "encoder.fc_norm.weight": torch.zeros(7)}
    with pytest.raises(CheckpointMismatch) as refusal:
        start_model(tiny_config, NAMES, EncoderState(weights, None), seed=3)
    assert str(refusal.value).splitlines() == [
        "The checkpoint does not fit the configured network.",
        "- missing     encoder.fc_norm.bias (32,)",
        "+ unexpected  encoder.cls_token (1, 1, 32)",
        "! shape       encoder.fc_norm.weight expected (32,), got (7,)",
    ]


def test_key_difference__ends_with_how_many_lines_were_left_out():
    wanted = {f"layer{number:02}": torch.zeros(1) for number in range(20)}
    lines = key_difference(wanted, {}).splitlines()
    assert len(lines) == 13
    assert lines[-1] == "... and 8 more"


def test_start_model__keeping_a_head_that_is_not_there_is_refused(keeping, state):
    with pytest.raises(CheckpointMismatch, match=r"Got weights without a classifier: start with a fresh one"):
        start_model(keeping, NAMES, EncoderState(state.weights, state.model), seed=3)


def test_start_model__keeping_a_head_of_none_of_the_classes_is_refused(keeping, state):
    with pytest.raises(CheckpointMismatch, match=r"Expected one of \['x', 'y'\], got \['cat', 'dog', 'owl'\]"):
        start_model(keeping, ("x", "y"), state, seed=3)


def test_start_model__a_map_that_is_none_is_refused(keeping, state):
    with pytest.raises(InvalidData, match=r"one entry for each of the 3 old classes"):
        start_model(keeping, NAMES, state, seed=3, class_map=(0, 1))
