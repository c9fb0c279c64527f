"""The work of `python -m ssmae bench`: images a second and memory of training and inference, on this machine.

Measured on images of noise: pre-training step, joint step and inference, and beside the pre-training step the plainest
PyTorch loop of the same network, block by block in turns. Compare figures of one run only.
"""

from __future__ import annotations

import argparse
import json
import platform
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from ssmae.bench.measuring import Measured, Report, measure
from ssmae.bench.memory import HOW
from ssmae.bench.workloads import Choice
from ssmae.commands.options import naming
from ssmae.config import Precision, Size
from ssmae.device import check_compiler, choose_device, is_mixed
from ssmae.errors import InvalidConfig
from ssmae.results import versions


def bench(arguments: argparse.Namespace) -> None:
    """Print a table for each network and, if asked, write every figure.

    Raises:
        InvalidConfig: an option out of range, a GPU where there is none, or a batch that does not fit into memory.
    """
    with naming(lambda _: "--device"):
        device = choose_device(arguments.device)
    _check(arguments, device)
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    machine = {"device": _device_name(device), "threads": torch.get_num_threads(), "versions": versions()}
    print(f"{machine['device']}, {machine['threads']} CPU threads, torch {torch.__version__}")
    reports = {}
    for name in arguments.size:
        choice = Choice(
            Size(name),
            device,
            arguments.batch or 0,
            arguments.labelled_batch or 0,
            Precision(arguments.precision),
            arguments.compile,
        )
        report = measure(choice, arguments.seconds)
        _print(name, report, device)
        reports[name] = _figures(report)
    print(f"memory: {HOW[device.type]}")
    if arguments.json:
        figures = {"machine": machine, "memory": HOW[device.type], "sizes": reports}
        arguments.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
        print(f"written to {arguments.json}")


def _check(arguments: argparse.Namespace, device: torch.device) -> None:
    for option, value in (("--batch", arguments.batch), ("--labelled-batch", arguments.labelled_batch)):
        if value is not None and not 1 <= value <= 65536:
            raise InvalidConfig(option, "1 to 65536 images", value)
    if not 0 < arguments.seconds <= 3600:
        raise InvalidConfig("--seconds", "more than 0, at most 3600", arguments.seconds)
    if arguments.threads < 0:
        raise InvalidConfig("--threads", "at least 0", arguments.threads)
    if arguments.compile and device.type != "cuda":
        raise InvalidConfig("--compile", "left out on a CPU, where the learner never compiles", arguments.compile)
    if arguments.compile:
        with naming(lambda _: "--compile"):
            check_compiler()


def _print(name: str, report: Report, device: torch.device) -> None:
    config, schedule = report.config, report.config.schedule
    print(
        f"\n{name}: {report.parameters / 1e6:.2f} M parameters, {config.model.image_size} pixels, patches of "
        f"{config.model.patch_size}, {config.loss.mask_ratio:.0%} masked, batch {schedule.unlabelled_batch} + "
        f"{schedule.labelled_batch} labelled, {'bfloat16' if is_mixed(device, config.precision) else 'full'} precision"
        f"{', compiled' if config.compile else ''}"
    )
    print(f"{'':<20}{'images/s':>10}{'quartiles':>20}{'memory':>11}{'GFLOP/image':>13}{'GFLOP/s':>10}")
    for row, measured in _rows(report).items():
        low, high = measured.timing.quartiles
        speed, work = measured.timing.images_per_second, measured.operations / 1e9
        memory = "unknown" if measured.peak_bytes is None else f"{measured.peak_bytes / 2**20:,.0f} MiB"
        spread = f"{_short(low)} to {_short(high)}"
        print(f"{row:<20}{_short(speed):>10}{spread:>20}{memory:>11}{work:>13.3g}{_short(speed * work):>10}")
    low, high = report.ratio.quartiles
    print(
        f"pre-training step against the plain loop: {report.ratio.by_clock:.2f} times as fast (quartiles of "
        f"{len(report.plain.timing.blocks)} pairs of blocks {low:.2f} to {high:.2f}; by processor time "
        f"{report.ratio.by_processor:.2f})"
    )


def _short(value: float) -> str:
    """Three digits, or all that stand before the point."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _rows(report: Report) -> dict[str, Measured]:
    return {
        "pre-training step": report.pretraining,
        "  plain loop": report.plain,
        "joint step": report.joint,
        "inference": report.inference,
    }


def _figures(report: Report) -> dict[str, Any]:
    """Everything that was measured, and the medians that follow from it."""
    figures = asdict(report)
    for name in ("pretraining", "plain", "joint", "inference"):
        figures[name]["images_per_second"] = getattr(report, name).timing.images_per_second
    return figures


def _device_name(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    path = Path("/proc/cpuinfo")
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
