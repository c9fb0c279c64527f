"""The teacher: a slowly moving mean of the student's weights, and how far its predictions are trusted.

Must never import trainer or data.

Dimensions: B images, C classes.
"""

from __future__ import annotations

import copy

import torch

from ssmae.model import SSMAE


class Teacher:
    """Exponential moving average of a student. Source: mean teacher, 1703.01780, section 2."""

    def __init__(self, student: SSMAE, decay: float) -> None:
        self.model = copy.deepcopy(student).eval().requires_grad_(requires_grad=False)
        self._decay, self._updates = decay, 0

    @torch.no_grad()
    def follow(self, student: SSMAE) -> None:
        """One step towards the student: theta' = d theta' + (1 - d) theta, d = min(decay, (1 + t) / (10 + t)).

        The rising momentum lets the teacher forget the initial weights quickly.
        """
        decay = min(self._decay, (1 + self._updates) / (10 + self._updates))
        self._updates += 1
        for mine, theirs in zip(self.model.parameters(), student.parameters(), strict=True):
            mine.lerp_(theirs, 1 - decay)


class SoftWeight:
    """How much a teacher's prediction counts, by its confidence relative to the running mean.

    w = exp(-max(mu - c, 0)² * n² / (2 var)), n = 2; mu and var are running moments of the confidence c.

    Source: SoftMatch, 2301.10921, equation 6 and algorithm 1.
    """

    def __init__(self, classes: int, momentum: float = 0.99) -> None:
        self._mean, self._variance, self._momentum = 1 / classes, 1.0, momentum

    def of(self, probabilities_BC: torch.Tensor) -> torch.Tensor:
        """Weights in [0, 1], shape (B,); updates the running moments."""
        confidence_B = probabilities_BC.max(dim=1).values
        variance, mean = torch.var_mean(confidence_B, correction=0)
        keep = self._momentum
        self._mean = keep * self._mean + (1 - keep) * float(mean)
        self._variance = keep * self._variance + (1 - keep) * float(variance)
        below_B = (self._mean - confidence_B).clamp(min=0)
        return torch.exp(-below_B.square() * 4 / (2 * max(self._variance, 1e-8)))
