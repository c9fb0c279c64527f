"""A half-way state comes back bit by bit, for its own round alone."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest
import torch

import ssmae.midway
from ssmae.checkpoint import save_checkpoint
from ssmae.data import ImageStore, RoundData
from ssmae.device import threads
from ssmae.errors import CheckpointMismatch
from ssmae.midway import data_digests, load_midway, origin_of, save_midway
from ssmae.model import build
from ssmae.results import EncoderState
from tests.ssmae.conftest import mapped

TENSORS = {
    "student.weight": torch.randn(5, 3, generator=torch.Generator().manual_seed(0)),
    "student.transposed": torch.arange(6.0).reshape(2, 3).T,
    "generators.views": torch.Generator().manual_seed(7).get_state(),
    "labels_N": torch.tensor([-1, 2, 0]),
    "updates": torch.tensor(41),
    "half": torch.tensor([1.5, float("-inf")], dtype=torch.bfloat16),
    "empty": torch.zeros(0, 4),
}
FACTS = {"phase": "joint", "step": 12, "losses": [0.1, 1 / 3], "threshold": None}


@pytest.fixture
def origin(tiny_config, make_data):
    return origin_of(tiny_config, make_data(), seed=3, device="cpu")


@pytest.fixture
def path(tmp_path, origin):
    place = tmp_path / "half.safetensors"
    save_midway(place, TENSORS, FACTS, origin)
    return place


def test_midway__comes_back_bit_by_bit(path, origin):
    loaded = load_midway(path, origin)
    assert loaded.facts == FACTS
    assert set(loaded.tensors) == set(TENSORS)
    for name, value in TENSORS.items():
        assert loaded.tensors[name].dtype == value.dtype
        assert torch.equal(loaded.tensors[name], value)


def test_save_midway__replaces_the_one_before_and_leaves_nothing_else(path, origin):
    save_midway(path, {"updates": torch.tensor(42)}, {"step": 13}, origin)
    assert load_midway(path, origin).facts == {"step": 13}
    assert [place.name for place in path.parent.iterdir()] == [path.name]


def test_save_midway__one_that_fails_leaves_the_one_before(path, origin):
    with pytest.raises(TypeError, match="not JSON serializable"):
        save_midway(path, TENSORS, {"step": object()}, origin)
    assert load_midway(path, origin).facts == FACTS
    assert [place.name for place in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("share", [0.0, 0.001, 0.5, 0.999])
def test_load_midway__refuses_a_truncated_file(path, origin, share):
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(CheckpointMismatch, match=r"half\.safetensors is not a readable safetensors file"):
        load_midway(path, origin)


def test_load_midway__refuses_a_checkpoint(tmp_path, tiny_config, origin):
    model = build(tiny_config.model, ("a", "b"), seed=0)
    save_checkpoint(tmp_path / "whole.safetensors", model, EncoderState.of(model), tiny_config)
    with pytest.raises(CheckpointMismatch, match=r"whole\.safetensors must be the half-way state of a round"):
        load_midway(tmp_path / "whole.safetensors", origin)


def test_load_midway__refuses_another_format_version(path, origin, monkeypatch):
    monkeypatch.setattr(ssmae.midway, "FORMAT_VERSION", 7)
    with pytest.raises(CheckpointMismatch, match=r"must have format version 7\. Got 1"):
        load_midway(path, origin)


def test_load_midway__names_every_setting_that_differs(path, tiny_config, make_data):
    schedule = replace(tiny_config.schedule, joint_steps=9, learning_rate=1e-3)
    other = origin_of(replace(tiny_config, schedule=schedule), make_data(), seed=4, device="cpu")
    with pytest.raises(CheckpointMismatch) as refusal:
        load_midway(path, other)
    assert str(refusal.value).splitlines() == [
        "half.safetensors belongs to another round; remove it to begin this one anew.",
        "! config.schedule.joint_steps: expected 9, got 8",
        "! config.schedule.learning_rate: expected 0.001, got 0.003",
        "! seed: expected 4, got 3",
    ]


@pytest.mark.parametrize("place", ["device", "versions.torch"])
def test_load_midway__refuses_another_device_and_other_libraries(path, origin, place):
    *outer, last = place.split(".")
    (origin[outer[0]] if outer else origin)[last] = "another"
    with pytest.raises(CheckpointMismatch, match=rf"! {place}: expected another, got "):
        load_midway(path, origin)


def test_load_midway__refuses_another_number_of_threads(path, tiny_config, make_data):
    with threads(torch.get_num_threads() + 1), pytest.raises(CheckpointMismatch, match="! threads: expected "):
        load_midway(path, origin_of(tiny_config, make_data(), seed=3, device="cpu"))


def changed(data, field):
    """The same data with one value of one field changed."""
    value = getattr(data, field)
    match field:
        case "images":
            value = ImageStore(value.images_NCHW.copy())
            value.images_NCHW[100, 2, 3, 4] ^= 1
        case "labels_N" | "validation_labels_V":
            value = value.copy()
            value[0] = (value[0] + 1) % 10
        case "validation_index_V":
            value = value[::-1].copy()
        case "class_names":
            value = (*value[:-1], "nine")
        case "in_frame_N":
            value = np.ones(len(data.images), bool)
    return replace(data, **{field: value})


@pytest.mark.parametrize("field", [field.name for field in fields(RoundData)])
def test_load_midway__names_the_part_of_the_data_that_differs(path, tiny_config, make_data, field):
    other = origin_of(tiny_config, changed(make_data(), field), seed=3, device="cpu")
    with pytest.raises(CheckpointMismatch) as refusal:
        load_midway(path, other)
    (_, line) = str(refusal.value).splitlines()
    assert line.startswith(f"! data.{field}: expected ")


def test_data_digests__a_memory_map_is_the_same_data(tmp_path, make_data):
    data = make_data()
    assert data_digests(replace(data, images=mapped(data.images, tmp_path))) == data_digests(data)


def test_data_digests__of_a_large_store_whole_images_are_sampled(make_data, monkeypatch):
    monkeypatch.setattr(ssmae.midway, "WHOLE_BYTES", 50 * 3 * 8 * 8)  # of 200 images every fourth
    data = make_data()
    pixels = data.images.images_NCHW.copy()
    pixels[101] = 0
    assert data_digests(replace(data, images=ImageStore(pixels))) == data_digests(data)
    pixels[100, 2, 7, 7] ^= 1
    assert data_digests(replace(data, images=ImageStore(pixels))) != data_digests(data)
