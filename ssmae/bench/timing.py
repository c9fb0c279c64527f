"""Images a second, measured in blocks of steps; workloads that are compared take turns.

A busy machine is slow for a while and fast for a while. Blocks of two workloads that alternate suffer alike, so the
ratio within a pair of neighbours is worth more than two medians taken one after the other. The device is waited for at
the end of a block and nowhere else.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

import torch

from ssmae.errors import NonFiniteLoss

BLOCKS, FEWEST_BLOCKS = 21, 3
"""Blocks that a measurement is divided into; fewer where a single step takes longer than a block."""


@dataclass(frozen=True)
class Workload:
    """Something to be timed.

    Attributes:
        name: for a refusal.
        images: drawn by one step.
        step: does one step without waiting for the device; gives a scalar on it that must be finite.
    """

    name: str
    images: int
    step: Callable[[], torch.Tensor]


@dataclass(frozen=True)
class Block:
    """Some steps in a row, timed.

    Attributes:
        seconds: from the first call until the device was done.
        processor_seconds: of all threads of this process; on a GPU, what the host needed to send the work ahead.
    """

    seconds: float
    processor_seconds: float


@dataclass(frozen=True)
class Timing:
    """What one workload's blocks took, in order."""

    images_a_block: int
    blocks: tuple[Block, ...]

    @property
    def images_per_second(self) -> float:
        """Median over the blocks."""
        return self.images_a_block / median(block.seconds for block in self.blocks)

    @property
    def quartiles(self) -> tuple[float, float]:
        """Images a second that a quarter of the blocks did not reach, and that a quarter exceeded."""
        return _quartiles([self.images_a_block / block.seconds for block in self.blocks])


@dataclass(frozen=True)
class Ratio:
    """How many times as fast one workload is as another, in pairs of neighbouring blocks.

    Attributes:
        by_clock: median over the pairs.
        quartiles: a quarter of the pairs are below the first, a quarter above the second.
        by_processor: the same median for processor time; other programs on the machine hardly touch it.
    """

    by_clock: float
    quartiles: tuple[float, float]
    by_processor: float

    @classmethod
    def of(cls, ours: Timing, other: Timing) -> Ratio:
        """Above 1 where ours is faster. Both have as many blocks, of as many images."""
        pairs = list(zip(ours.blocks, other.blocks, strict=True))
        clock = [theirs.seconds / mine.seconds for mine, theirs in pairs]
        processor = [theirs.processor_seconds / mine.processor_seconds for mine, theirs in pairs]
        return cls(median(clock), _quartiles(clock), median(processor))


def run(workload: Workload, steps: int, device: torch.device) -> Block:
    """Time some steps.

    Raises:
        NonFiniteLoss: the last of them gave a number that is not finite: what is timed would be no training.
    """
    clock, processor = time.perf_counter(), time.process_time()
    for _ in range(steps):
        value = workload.step()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    block = Block(time.perf_counter() - clock, time.process_time() - processor)
    if not math.isfinite(number := float(value)):
        raise NonFiniteLoss(workload.name, steps - 1, {"total": number}, [])
    return block


def take_turns(workloads: Sequence[Workload], seconds: float, device: torch.device) -> list[Timing]:
    """Time workloads, a block of one and then a block of the next, over and over.

    Args:
        workloads: warmed up (their first steps build buffers and compile), with as many images a step each.
        seconds: for each of them, about; three blocks of one step each are always made.
        device: that they run on.

    Returns:
        One for each workload, all of as many blocks of as many steps.
    """
    steps, took = 1, 0.0
    while (took := run(workloads[0], steps, device).seconds) < seconds / BLOCKS / 4:
        steps *= 2
    steps_a_block = max(1, round(steps * seconds / BLOCKS / took))
    blocks = max(FEWEST_BLOCKS, min(BLOCKS, round(seconds * steps / took / steps_a_block)))
    timed = [[run(workload, steps_a_block, device) for workload in workloads] for _ in range(blocks)]
    return [
        Timing(workload.images * steps_a_block, tuple(column))
        for workload, column in zip(workloads, zip(*timed, strict=True), strict=True)
    ]


def _quartiles(values: list[float]) -> tuple[float, float]:
    ordered = sorted(values)
    quarter = (len(ordered) - 1) // 4
    return ordered[quarter], ordered[-1 - quarter]
