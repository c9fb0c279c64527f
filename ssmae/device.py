"""Where the learner runs: device, precision, threads and torch's own randomness. Must never import trainer."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from ssmae.config import Precision
from ssmae.errors import InvalidConfig


def choose_device(name: str) -> torch.device:
    """The device that a configuration names.

    Raises:
        InvalidConfig: unknown, or a GPU where there is none.
    """
    if name not in ("auto", "cpu", "cuda"):
        raise InvalidConfig("RoundConfig.device", "auto, cpu or cuda", name)
    if name == "cuda" and not torch.cuda.is_available():
        raise InvalidConfig("RoundConfig.device", "auto or cpu, because torch finds no GPU here", name)
    return torch.device("cuda" if name != "cpu" and torch.cuda.is_available() else "cpu")


def device_of(model: torch.nn.Module) -> torch.device:
    """Where the weights are."""
    return next(model.parameters()).device


def check_compiler() -> None:
    """Refuse `compile` where it cannot work: what it makes for a GPU is built by a C compiler, at the first step.

    Raises:
        InvalidConfig: there is none.
    """
    names = [os.environ["CC"]] if os.environ.get("CC") else ["cc", "gcc", "clang"]
    if not any(shutil.which(name) for name in names):
        raise InvalidConfig(
            "RoundConfig.compile", f"false, because there is no C compiler ({', '.join(names)})", "true"
        )


def is_mixed(device: torch.device, precision: Precision) -> bool:
    """Whether matrix products are taken in bfloat16: on a GPU that has it, not on a CPU, unless told otherwise.

    A GPU from before 2020 only imitates it, which is slower than full precision.
    """
    if precision is Precision.AUTO:
        return device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
    return precision is Precision.MIXED


def mixed_precision(device: torch.device, precision: Precision = Precision.AUTO) -> torch.autocast:
    """A block in which `is_mixed` holds."""
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=is_mixed(device, precision))


@contextmanager
def threads(wanted: int) -> Iterator[None]:
    """A block with so many CPU threads; 0 leaves them as they are."""
    before = torch.get_num_threads()
    if wanted:
        torch.set_num_threads(wanted)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def own_randomness(seed: int, device: torch.device) -> Iterator[None]:
    """Stochastic depth in timm draws from torch's global generators: seed them for a block, then give them back."""
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        # Not torch.manual_seed: it seeds every GPU, also those whose generators are not given back.
        torch.default_generator.manual_seed(seed)
        if device.type == "cuda":
            torch.cuda.manual_seed(seed)
        yield
