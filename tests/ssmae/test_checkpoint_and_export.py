"""Files that outlive the process: what is written comes back, elsewhere too, and what does not fit is refused."""

from __future__ import annotations

import json
import textwrap
from dataclasses import replace
from typing import Any

import numpy as np
import onnxruntime
import pytest
import timm
import torch
from safetensors.torch import save_file

import ssmae.export
from ssmae.checkpoint import load_checkpoint, load_encoder_state, save_checkpoint
from ssmae.data import ImageStore
from ssmae.errors import CheckpointMismatch
from ssmae.export import ExportMismatch, write_onnx, write_timm
from ssmae.inference import predict
from ssmae.model import build, timm_arguments
from ssmae.results import EncoderState
from ssmae.resume import start_model

NAMES = ("zero", "one", "drei")


@pytest.fixture
def model(tiny_config):
    made = build(tiny_config.model, NAMES, seed=0).eval()
    with torch.no_grad():  # an untrained head says the same of every image
        made.encoder.get_parameter("head.weight").normal_(generator=torch.Generator().manual_seed(1))
    return made


@pytest.fixture
def images(digits):
    return ImageStore(digits[0][:7])


def test_checkpoint__comes_back_whole(tmp_path, model, images, tiny_config):
    student = EncoderState.of(model)
    student = replace(student, weights={name: value + 1 for name, value in student.weights.items()})
    save_checkpoint(tmp_path / "round.safetensors", model, student, tiny_config)
    loaded = load_checkpoint(tmp_path / "round.safetensors")
    assert loaded.config == tiny_config
    assert loaded.model.class_names == NAMES
    assert loaded.versions["torch"] == torch.__version__
    assert set(loaded.student.weights) == set(student.weights)
    assert all(torch.equal(loaded.student.weights[name], value) for name, value in student.weights.items())
    assert loaded.student.head is not None
    assert student.head is not None
    assert loaded.student.head.class_names == NAMES
    assert torch.equal(loaded.student.head.weight_CD, student.head.weight_CD)
    assert torch.equal(loaded.student.head.bias_C, student.head.bias_C)
    expected, got = predict(model, images), predict(loaded.model, images)
    assert np.array_equal(expected.probabilities_NC, got.probabilities_NC)
    assert [path.name for path in tmp_path.iterdir()] == ["round.safetensors"]


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"", "readable"), (b"pickle \x80\x04", "readable"), (None, "readable")],
)
def test_load_checkpoint__refuses_what_is_no_safetensors_file(tmp_path, content, words):
    path = tmp_path / "broken.safetensors"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CheckpointMismatch, match=words):
        load_checkpoint(path)


def test_load_checkpoint__refuses_another_format_version(tmp_path, model):
    header = json.dumps({"format_version": 99})
    save_file(dict(model.encoder.state_dict()), tmp_path / "new.safetensors", metadata={"ssmae": header})
    with pytest.raises(CheckpointMismatch, match=r"format version from 1 to 2\. Got 99"):
        load_checkpoint(tmp_path / "new.safetensors")


def test_load_checkpoint__reads_a_file_of_version_1_without_the_students_head(tmp_path, model, images, tiny_config):
    student = EncoderState.of(build(tiny_config.model, NAMES, seed=9))
    header = {"format_version": 1, "config": tiny_config.to_dict(), "class_names": NAMES, "versions": {"torch": "2.11"}}
    tensors = {f"model.{name}": value for name, value in model.state_dict().items()}
    tensors |= {f"student.{name}": value for name, value in student.weights.items()}
    save_file(tensors, tmp_path / "old.safetensors", metadata={"ssmae": json.dumps(header)})

    loaded = load_checkpoint(tmp_path / "old.safetensors")

    assert loaded.student.head is None
    assert set(loaded.student.weights) == set(student.weights)
    expected, got = predict(model, images), predict(loaded.model, images)
    assert np.array_equal(expected.probabilities_NC, got.probabilities_NC)
    assert not start_model(tiny_config, ("x", "y"), loaded.student, seed=3).encoder.get_parameter("head.weight").any()


def test_load_checkpoint__lists_the_names_that_are_missing(tmp_path, model, tiny_config):
    header = json.dumps({"format_version": 1, "config": tiny_config.to_dict(), "class_names": NAMES, "versions": {}})
    weights = {f"model.{name}": value for name, value in model.state_dict().items() if name != "encoder.head.bias"}
    save_file(weights, tmp_path / "part.safetensors", metadata={"ssmae": header})
    with pytest.raises(CheckpointMismatch, match=r"- missing     encoder\.head\.bias"):
        load_checkpoint(tmp_path / "part.safetensors")


def test_load_encoder_state__takes_plain_timm_weights(tmp_path, model, tiny_config):
    save_file(dict(model.encoder.state_dict()), tmp_path / "timm.safetensors")
    state = load_encoder_state(tmp_path / "timm.safetensors")
    assert state.head is None
    started = start_model(tiny_config, ("x", "y"), state, seed=3)
    expected, got = model.encoder.state_dict(), started.encoder.state_dict()
    assert all(torch.equal(got[name], value) for name, value in expected.items() if not name.startswith("head."))


def test_load_encoder_state__takes_a_pretrained_transformer_with_a_class_token(tmp_path, tiny_config):
    arguments = timm_arguments(tiny_config.model, classes=1000) | {
        "class_token": True,
        "global_pool": "token",
        "fc_norm": None,
    }
    pretrained = timm.create_model(**arguments)
    for parameter in pretrained.parameters():  # also those that timm begins with zeros and ones
        torch.nn.init.normal_(parameter)
    save_file(pretrained.state_dict(), tmp_path / "timm.safetensors")
    started = start_model(tiny_config, ("x", "y"), load_encoder_state(tmp_path / "timm.safetensors"), seed=3).encoder
    theirs, ours = pretrained.state_dict(), started.state_dict()
    assert torch.equal(ours["pos_embed"], theirs["pos_embed"][:, 1:])
    assert torch.equal(ours["fc_norm.weight"], theirs["norm.weight"])
    same = {name for name in ours if name in theirs and name not in {"pos_embed", "head.weight", "head.bias"}}
    assert {name.split(".")[0] for name in same} == {"patch_embed", "blocks"}
    assert all(torch.equal(ours[name], theirs[name]) for name in same)


def test_write_timm__is_reproduced_by_the_ten_lines_of_its_documentation(tmp_path, model, images, monkeypatch):
    write_timm(model, tmp_path)
    lines = ssmae.export.__doc__.split("exactly these):\n")[1]
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(textwrap.dedent(lines), names)
    expected = predict(model, images).probabilities_NC
    with torch.inference_mode():
        got = names["classify"](images.images_NCHW).numpy()
    assert np.abs(got - expected).max() < 1e-6
    assert len([line for line in lines.splitlines() if line.strip()]) <= 10
    assert names["config"]["class_names"] == list(NAMES)


def test_write_timm__leaves_the_global_generator_of_torch_alone(tmp_path, model):
    before = torch.get_rng_state()
    write_timm(model, tmp_path)
    assert torch.equal(torch.get_rng_state(), before)


def test_write_timm__removes_files_from_which_timm_builds_another_network(tmp_path, model, monkeypatch):
    monkeypatch.setattr(ssmae.export, "timm_arguments", lambda *given: timm_arguments(*given) | {"depth": 1})
    with pytest.raises(ExportMismatch, match="must take the weights"):
        write_timm(model, tmp_path)
    assert not list(tmp_path.iterdir())
    monkeypatch.setattr(ssmae.export, "timm_arguments", lambda *given: timm_arguments(*given) | {"act_layer": "relu"})
    with pytest.raises(ExportMismatch, match="must agree within"):
        write_timm(model, tmp_path)
    assert not list(tmp_path.iterdir())


def test_write_onnx__gives_our_probabilities_for_any_batch(tmp_path, model, images):
    write_onnx(model, tmp_path / "classifier.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "classifier.onnx", providers=["CPUExecutionProvider"])
    expected = predict(model, images).probabilities_NC
    for batch in (1, 7):
        got = session.run(None, {"images": images.images_NCHW[:batch].astype(np.float32)})[0]
        assert np.abs(got - expected[:batch]).max() < 1e-4
    assert json.loads(session.get_modelmeta().custom_metadata_map["class_names"]) == list(NAMES)


def test_write_onnx__keeps_the_earlier_file_where_the_new_one_disagrees_with_torch(tmp_path, model, monkeypatch):
    (tmp_path / "classifier.onnx").write_bytes(b"of an earlier export")
    monkeypatch.setattr(ssmae.export, "TOLERANCE", -1.0)
    with pytest.raises(ExportMismatch, match="must agree"):
        write_onnx(model, tmp_path / "classifier.onnx")
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"of an earlier export"]


def test_write_onnx__does_not_give_out_a_classifier_of_nan(tmp_path, model):
    with torch.no_grad():
        model.encoder.head.bias[0] = torch.nan
    with pytest.raises(ExportMismatch, match="difference of nan"):
        write_onnx(model, tmp_path / "classifier.onnx")
    assert not list(tmp_path.iterdir())
