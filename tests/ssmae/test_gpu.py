"""What only a GPU can show. Without one these tests are skipped: nothing can stand in for it.

make test ARGS="tests/ssmae/test_gpu.py -rs"
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from ssmae import images as images_module
from ssmae.__main__ import main
from ssmae.config import AugmentConfig, GateRule, LossConfig, Precision, RoundConfig, Size
from ssmae.data import ImageStore
from ssmae.errors import Stopped
from ssmae.inference import predict
from ssmae.model import build
from ssmae.trainer import train_round
from tests.ssmae.conftest import DIGIT_NAMES

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no GPU on this machine")

TOLERANCE = 1e-3
"""Of probabilities, between two runs of a GPU: it adds in an order of its own. `docs/method.md` says the same."""


@pytest.fixture
def gpu_config(tiny_config: RoundConfig) -> RoundConfig:
    """A round in which everything happens, in full precision."""
    return replace(
        tiny_config,
        model=replace(tiny_config.model, drop_path=0.3),
        loss=LossConfig(alignment=True),
        augment=AugmentConfig(flip=True, cutmix=0.5, tone=0.3),
        gate=replace(tiny_config.gate, rule=GateRule.ALWAYS_OPEN, confidence=0.1),
        device="cuda",
        precision=Precision.FULL,
    )


def stopping_after(questions: int):
    """A `should_stop` that says yes from then on."""
    asked = iter(range(questions))
    return lambda: next(asked, None) is None


@pytest.mark.parametrize("large", [False, True], ids=["on the device", "read ahead"])
def test_train_round__interrupted_on_a_gpu_ends_within_tolerance_of_the_whole(
    gpu_config, make_data, tmp_path, monkeypatch, large
):
    if large:
        monkeypatch.setattr(images_module, "ON_DEVICE_BYTES", 0)
    path = tmp_path / "midway.safetensors"
    whole = train_round(make_data(), gpu_config, seed=3)
    with pytest.raises(Stopped):
        train_round(make_data(), gpu_config, seed=3, should_stop=stopping_after(31), midway=path)
    continued = train_round(make_data(), gpu_config, seed=3, midway=path)
    difference = continued.predictions.probabilities_NC - whole.predictions.probabilities_NC
    assert np.abs(difference).max() < TOLERANCE


def test_train_round__in_bfloat16_on_a_gpu_ends_near_the_full_precision(gpu_config, make_data):
    full = train_round(make_data(), gpu_config, seed=0)
    mixed = train_round(make_data(), replace(gpu_config, precision=Precision.MIXED), seed=0)
    assert mixed.history[-1].losses["total"] == pytest.approx(full.history[-1].losses["total"], rel=0.05)


def test_train_round__compiled_ends_near_the_plain_one(gpu_config, make_data):
    still = replace(gpu_config, model=replace(gpu_config.model, drop_path=0.0))
    plain = train_round(make_data(), still, seed=0)
    compiled = train_round(make_data(), replace(still, compile=True), seed=0)
    assert compiled.history[-1].losses["total"] == pytest.approx(plain.history[-1].losses["total"], rel=0.02)


@pytest.mark.parametrize("large", [False, True], ids=["on the device", "in batches"])
def test_predict__on_a_gpu_says_what_the_cpu_says_and_gives_the_model_back(tiny_config, digits, monkeypatch, large):
    if large:
        monkeypatch.setattr(images_module, "ON_DEVICE_BYTES", 0)
    model, images = build(tiny_config.model, DIGIT_NAMES, seed=0), ImageStore(digits[0][:100])
    torch.nn.init.normal_(dict(model.encoder.named_parameters())["head.weight"])
    there = predict(model, images, batch=7, precision=Precision.FULL, device=torch.device("cuda"))
    assert next(model.parameters()).device.type == "cpu"
    assert np.abs(there.probabilities_NC - predict(model, images).probabilities_NC).max() < TOLERANCE


def test_build__leaves_the_generators_of_gpus_as_they_were(tiny_config):
    torch.cuda.manual_seed_all(5)
    expected = torch.rand(3, device="cuda")
    torch.cuda.manual_seed_all(5)
    build(tiny_config.model, DIGIT_NAMES, seed=0)
    assert torch.equal(torch.rand(3, device="cuda"), expected)


def test_bench__measures_every_workload(capsys):

    assert main(["bench", "--device", "cuda", "--size", str(Size.TINY32), "--seconds", "1"]) == 0
    assert "joint step" in capsys.readouterr().out
