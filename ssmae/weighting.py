"""How much a teacher's prediction counts for consistency, by its confidence.

Running moments are tensors on the device and change with every batch, without a word to the host. Must never import
trainer or data.

Dimensions: B images, C classes.
"""

from __future__ import annotations

import torch
from torch import nn

from ssmae.config import LossConfig, Weighting

MOMENTUM = 0.99
"""Of the running moments. The papers' 0.999 suits their 2^20 steps, not a round of a thousand."""


class FixedThreshold(nn.Module):
    """1 where the likeliest class has at least the threshold. Source: FixMatch, 2001.07685, equation 4."""

    def __init__(self, threshold: float) -> None:
        super().__init__()
        self._threshold = threshold

    def forward(self, probabilities_BC: torch.Tensor) -> torch.Tensor:
        """Weights 0 or 1, shape (B,).

        Source: FixMatch, 2001.07685, equation 4.
        """
        return (probabilities_BC.amax(dim=1) >= self._threshold).float()


class AdaptiveThresholds(nn.Module):
    """1 where the likeliest class has at least a threshold of its own, which rises as the model gets surer.

    tau_c = (p_c / max p) * tau, with tau the running mean of the confidence and p that of the probabilities.

    Source: FreeMatch, 2205.07246, self-adaptive thresholding (global and local).
    """

    tau: torch.Tensor
    mean_C: torch.Tensor

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.register_buffer("tau", torch.tensor(1 / classes))
        self.register_buffer("mean_C", torch.full((classes,), 1 / classes))

    def forward(self, probabilities_BC: torch.Tensor) -> torch.Tensor:
        """Weights 0 or 1, shape (B,); updates the running means first.

        Source: FreeMatch, 2205.07246, self-adaptive thresholding (global and local).
        """
        confidence_B, class_B = probabilities_BC.max(dim=1)
        self.tau.lerp_(confidence_B.mean(), 1 - MOMENTUM)
        self.mean_C.lerp_(probabilities_BC.mean(dim=0), 1 - MOMENTUM)
        threshold_C = self.mean_C / self.mean_C.amax() * self.tau
        return (confidence_B >= threshold_C[class_B]).float()


class SoftWeight(nn.Module):
    """The less sure the teacher is compared with its running mean, the less it counts.

    w = exp(-max(mu - c, 0)² * n² / (2 var)), n = 2; mu and var are running moments of the confidence c.

    Source: SoftMatch, 2301.10921, truncated Gaussian weighting and algorithm 1.
    """

    mean: torch.Tensor
    variance: torch.Tensor

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(1 / classes))
        self.register_buffer("variance", torch.tensor(1.0))

    def forward(self, probabilities_BC: torch.Tensor) -> torch.Tensor:
        """Weights in [0, 1], shape (B,); updates the running moments first.

        Source: SoftMatch, 2301.10921, truncated Gaussian weighting and algorithm 1.
        """
        confidence_B = probabilities_BC.amax(dim=1)
        variance, mean = torch.var_mean(confidence_B, correction=0)
        self.mean.lerp_(mean, 1 - MOMENTUM)
        self.variance.lerp_(variance, 1 - MOMENTUM)
        below_B = (self.mean - confidence_B).clamp(min=0)
        return torch.exp(-below_B.square() * 4 / (2 * self.variance.clamp(min=1e-8)))


class Alignment(nn.Module):
    """Evens out how often each class is predicted: p'_c = p_c / mean_c, normalised.

    Keeps the few classes that a model learns first from swallowing the others. It assumes that every class is about as
    common as the others, which is why it can be switched off.

    Source: distribution alignment, ReMixMatch 1911.09785, section 3.1, towards a uniform marginal as in SoftMatch
    2301.10921 (uniform alignment).
    """

    mean_C: torch.Tensor

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.register_buffer("mean_C", torch.full((classes,), 1 / classes))

    def forward(self, probabilities_BC: torch.Tensor) -> torch.Tensor:
        """Aligned probabilities, shape (B, C); updates the running mean first.

        Source: ReMixMatch, 1911.09785, section 3.1; SoftMatch, 2301.10921 (uniform alignment).
        """
        self.mean_C.lerp_(probabilities_BC.mean(dim=0), 1 - MOMENTUM)
        aligned_BC = probabilities_BC / self.mean_C.clamp(min=1e-6)
        return aligned_BC / aligned_BC.sum(dim=1, keepdim=True)


def weighting(config: LossConfig, classes: int) -> nn.Module:
    """The configured weighting, for a number of classes; call it with probabilities (B, C) to get weights (B,)."""
    if config.consistency_weighting is Weighting.FIXED:
        return FixedThreshold(config.consistency_threshold)
    if config.consistency_weighting is Weighting.ADAPTIVE:
        return AdaptiveThresholds(classes)
    return SoftWeight(classes)
