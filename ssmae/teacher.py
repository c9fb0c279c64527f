"""The teacher: a slowly moving mean of the student's weights. Must never import trainer or data."""

from __future__ import annotations

import copy

import torch
from torch.optim.swa_utils import get_ema_multi_avg_fn

from ssmae import tensor_file
from ssmae.model import SSMAE


class Teacher:
    """Exponential moving average of a student. Source: mean teacher, 1703.01780, section 2.

    Attributes:
        model: the mean, in evaluation mode, without gradients.
        updates: steps followed so far.
    """

    def __init__(self, student: SSMAE, decay: float) -> None:
        self.model = copy.deepcopy(student).eval().requires_grad_(requires_grad=False)
        self.updates = 0
        self._decay = decay
        self._mine, self._theirs = list(self.model.parameters()), list(student.parameters())

    @torch.no_grad()
    def follow(self) -> None:
        """One step towards the student: theta' = d theta' + (1 - d) theta, d = min(decay, (1 + t) / (10 + t)).

        The rising momentum lets the teacher forget the initial weights quickly. A decay of 0 copies the student.

        Source: mean teacher, 1703.01780, section 2; the rise of d as in TensorFlow's ExponentialMovingAverage.
        """
        decay = min(self._decay, (1 + self.updates) / (10 + self.updates))
        self.updates += 1
        get_ema_multi_avg_fn(decay)(self._mine, self._theirs, None)  # type: ignore[no-untyped-call]

    def state(self) -> dict[str, torch.Tensor]:
        """Weights and count of updates."""
        return {"updates": torch.tensor(self.updates)} | self.model.state_dict(prefix="model.")

    def restore(self, state: dict[str, torch.Tensor]) -> None:
        """Carry on from `state()`."""
        self.updates = int(state["updates"])
        self.model.load_state_dict(tensor_file.part(state, "model"))
