"""Where the learner runs, and what it refuses there."""

from __future__ import annotations

import pytest
import torch

from ssmae.config import Precision
from ssmae.device import check_compiler, choose_device, is_mixed, threads
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
