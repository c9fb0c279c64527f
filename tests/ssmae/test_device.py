"""Where the learner runs, and what it refuses there."""

from __future__ import annotations

import pytest
import torch

from ssmae.config import Precision
from ssmae.device import check_compiler, choose_device, is_mixed, own_randomness, threads
from ssmae.errors import InvalidConfig

CPU, GPU = torch.device("cpu"), torch.device("cuda")


def test_choose_device__refuses_what_is_not_there():
    with pytest.raises(InvalidConfig, match="auto, cpu or cuda"):
        choose_device("tpu")
    if not torch.cuda.is_available():
        with pytest.raises(InvalidConfig, match="torch finds no GPU"):
            choose_device("cuda")


@pytest.mark.parametrize("has_bfloat16", [True, False])
def test_is_mixed__by_itself_only_on_a_gpu_that_has_bfloat16(monkeypatch, has_bfloat16):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda *, including_emulation: has_bfloat16)
    assert is_mixed(GPU, Precision.AUTO) is has_bfloat16
    assert is_mixed(GPU, Precision.MIXED)
    assert not is_mixed(GPU, Precision.FULL)
    assert not is_mixed(CPU, Precision.AUTO)


def test_check_compiler__refuses_to_compile_without_one(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CC", raising=False)
    with pytest.raises(InvalidConfig, match=r"no C compiler \(cc, gcc, clang\)"):
        check_compiler()
    compiler = tmp_path / "gcc"
    compiler.write_text("#!/bin/sh\n")
    compiler.chmod(0o755)
    check_compiler()


def test_threads__gives_back_what_was_set():
    before = torch.get_num_threads()
    with threads(before + 1):
        assert torch.get_num_threads() == before + 1
    assert torch.get_num_threads() == before


def test_own_randomness__is_repeatable_and_gives_the_generators_back():
    before = torch.get_rng_state()
    drawn = []
    for seed in (3, 3, 4):
        with own_randomness(seed, CPU):
            drawn.append(torch.rand(4))
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])
    assert torch.equal(torch.get_rng_state(), before)


def test_own_randomness__of_a_round_on_a_cpu_leaves_every_gpu_alone(monkeypatch):
    monkeypatch.setattr(torch.cuda, "manual_seed", lambda seed: pytest.fail(f"seeded a GPU with {seed}"))
    monkeypatch.setattr(torch.cuda, "manual_seed_all", lambda seed: pytest.fail(f"seeded every GPU with {seed}"))
    with own_randomness(0, CPU):
        pass
