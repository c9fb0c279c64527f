"""AdamW for student and decoder, in one fused kernel, that leaves the weights alone once a number is not finite.

Must never import trainer.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from timm.optim import param_groups_layer_decay  # type: ignore[attr-defined]  # imported there, not in __all__
from torch import nn

from ssmae.config import ScheduleConfig
from ssmae.model import SSMAE

NO_DECAY = ("pos_embed", "mask_token")


class Optimiser:
    """AdamW with clipping; refuses a step without asking the host.

    Whether loss and gradient are finite is known on the device only; reading it back at every step would make the
    host wait for the GPU. The fused kernel takes the answer as a tensor instead and skips the update. The flag stays
    up: from the first bad step on no weight changes, until the host looks and stops the round.
    """

    def __init__(self, student: SSMAE, schedule: ScheduleConfig) -> None:
        self._weights = list(student.parameters())
        device = self._weights[0].device
        self._adamw = torch.optim.AdamW(parameter_groups(student, schedule), betas=(0.9, 0.95), fused=True)
        self._clip = schedule.clip or math.inf
        self.is_bad = torch.zeros((), device=device)
        self._adamw.found_inf = self.is_bad  # type: ignore[attr-defined]  # the hook that torch's GradScaler uses

    def step(self, total: torch.Tensor, learning_rate: float) -> torch.Tensor:
        """One update from a loss, or none if it or its gradient is not finite.

        Args:
            total: the weighted loss, a scalar with a graph.
            learning_rate: of this step.

        Returns:
            Norm of the gradient before clipping, a scalar on the device.

        Source: AdamW, 1711.05101; clipping by the norm, 1211.5063; a bad step left out, as by torch's GradScaler.
        """
        self._adamw.zero_grad(set_to_none=True)
        total.backward()  # type: ignore[no-untyped-call]
        norm = nn.utils.clip_grad_norm_(self._weights, self._clip)
        is_finite = torch.isfinite(norm) & torch.isfinite(total.detach())
        self.is_bad.copy_(torch.maximum(self.is_bad, (~is_finite).float()))
        for group in self._adamw.param_groups:
            group["lr"] = learning_rate * group.get("lr_scale", 1.0)
        self._adamw.step()
        return norm

    def state(self) -> dict[str, torch.Tensor]:
        """Moments and step counts, by place and name."""
        state = self._adamw.state_dict()["state"]
        return {f"{place}.{name}": value for place, each in state.items() for name, value in each.items()}

    def restore(self, state: dict[str, torch.Tensor]) -> None:
        """Carry on from `state()`."""
        each: dict[int, dict[str, torch.Tensor]] = {}
        for key, value in state.items():
            place, name = key.split(".", 1)
            each.setdefault(int(place), {})[name] = value
        self._adamw.load_state_dict({"state": each, "param_groups": self._adamw.state_dict()["param_groups"]})


def parameter_groups(student: SSMAE, schedule: ScheduleConfig) -> list[dict[str, Any]]:
    """No decay on biases, norms, tokens and positions; lower layers slower if `layer_decay` is below 1.

    Source: MAE, 2111.06377, appendix A (AdamW, layer-wise decay when fine-tuning), BEiT 2106.08254.
    """
    if schedule.layer_decay < 1:
        encoder = param_groups_layer_decay(
            student.encoder, schedule.weight_decay, no_weight_decay_list=NO_DECAY, layer_decay=schedule.layer_decay
        )
        decayed, others = _divided(student.decoder)
    else:
        encoder = []
        decayed, others = _divided(student)
    return [
        *encoder,
        {"params": decayed, "weight_decay": schedule.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]


def _divided(module: nn.Module) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    decayed: list[nn.Parameter] = []
    others: list[nn.Parameter] = []
    for name, weight in module.named_parameters():
        (decayed if weight.ndim >= 2 and not name.endswith(NO_DECAY) else others).append(weight)
    return decayed, others
