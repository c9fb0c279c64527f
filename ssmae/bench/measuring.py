"""One network on one device: how fast, how much memory, and how much faster than the plain loop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

from ssmae.bench.memory import PeakMemory
from ssmae.bench.operations import operations
from ssmae.bench.timing import Ratio, Timing, Workload, run, take_turns
from ssmae.bench.workloads import Bench, Choice, refusing_too_large
from ssmae.config import RoundConfig

WARM_UP_STEPS = 2
"""The first builds the optimiser's moments and compiles, the second holds everything at once."""


@dataclass(frozen=True)
class Measured:
    """One workload.

    Attributes:
        timing: of its blocks.
        peak_bytes: memory of weights, moments, activations and, on a GPU, the images; None if it cannot be known.
        operations: floating-point operations an image, a multiply-add counted as two.
    """

    timing: Timing
    peak_bytes: int | None
    operations: float


@dataclass(frozen=True)
class Report:
    """What was measured of one network.

    Attributes:
        config: batches, precision and everything else.
        parameters: of encoder, head and decoder.
        pretraining: a step of reconstruction, forward, backward, optimiser and teacher.
        plain: the same network trained by the plain loop, in turns with `pretraining`.
        joint: a step with labels, pseudo-labels and consistency as well.
        inference: `predict`.
        ratio: how many times as fast `pretraining` is as `plain`.
    """

    config: RoundConfig
    parameters: int
    pretraining: Measured
    plain: Measured
    joint: Measured
    inference: Measured
    ratio: Ratio


def measure(choice: Choice, seconds: float) -> Report:
    """Measure every workload of one network.

    Args:
        choice: network, device, batches, precision.
        seconds: for each of the four workloads, after warm-up.

    Raises:
        InvalidConfig: a batch that is out of range, or that does not fit into memory.
        NonFiniteLoss: a step gave a number that is not finite.
    """
    config, device = choice.config, choice.device
    unlabelled, labelled = config.schedule.unlabelled_batch, config.schedule.labelled_batch
    with refusing_too_large(unlabelled, device):
        bench = Bench(choice)
        model = bench.model()
        parameters = sum(weight.numel() for weight in model.parameters())
        cost = operations(model, config.loss.mask_ratio)
        del model
        pretraining, pretraining_bytes = _warmed_up(bench.pretraining, device)
        plain, plain_bytes = _warmed_up(bench.plain, device)
        ours, theirs = take_turns([pretraining, plain], seconds, device)
        del pretraining, plain
        joint, joint_bytes = _warmed_up(bench.joint, device)
        (together,) = take_turns([joint], seconds, device)
        del joint
        inference, inference_bytes = _warmed_up(bench.inference, device)
        (predicting,) = take_turns([inference], seconds, device)
    return Report(
        config,
        parameters,
        Measured(ours, pretraining_bytes, cost.reconstruct_trained),
        Measured(theirs, plain_bytes, cost.reconstruct_trained),
        Measured(together, joint_bytes, cost.joint(unlabelled, labelled)),
        Measured(predicting, inference_bytes, cost.classify),
        Ratio.of(ours, theirs),
    )


def _warmed_up(make: Callable[[], Workload], device: torch.device) -> tuple[Workload, int | None]:
    """A workload after its first steps, and the most memory that it held."""
    with PeakMemory(device) as memory:
        workload = make()
        run(workload, WARM_UP_STEPS, device)
    return workload, memory.peak_bytes
