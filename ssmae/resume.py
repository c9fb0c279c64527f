"""Starting a round from the encoder of an earlier one. Must never import trainer."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from ssmae.config import RoundConfig
from ssmae.errors import CheckpointMismatch
from ssmae.model import SSMAE, build
from ssmae.results import EncoderState

_SHOWN = 12


def start_model(
    config: RoundConfig, class_names: tuple[str, ...], start_state: EncoderState | None, *, seed: int
) -> SSMAE:
    """A fresh model, or one that carries on from earlier weights under a fresh head.

    theta = shrink * theta_old + perturb * theta_fresh for encoder and decoder. A state without any decoder weights
    (from elsewhere) keeps the fresh decoder. Another set of classes is fine: the head is always new.

    Raises:
        CheckpointMismatch: a name or a shape does not fit; the message lists the differences.

    Source: shrink and perturb, 1910.08475, section 4.
    """
    model = build(config.model, class_names, seed=seed)
    if start_state is None:
        return model
    wanted = {name: value for name, value in model.state_dict().items() if not name.startswith("encoder.head.")}
    if not any(name.startswith("decoder.") for name in start_state.weights):
        wanted = {name: value for name, value in wanted.items() if not name.startswith("decoder.")}
    if difference := key_difference(wanted, start_state.weights):
        raise CheckpointMismatch(f"The checkpoint does not fit the configured network.\n{difference}")
    schedule = config.schedule
    with torch.no_grad():
        for name, value in wanted.items():
            value.mul_(schedule.perturb).add_(start_state.weights[name].to(value.dtype), alpha=schedule.shrink)
    return model


def key_difference(wanted: Mapping[str, torch.Tensor], got: Mapping[str, torch.Tensor]) -> str:
    """What is missing, unexpected or of another shape, a line each; empty if all fits."""
    lines = [f"- missing     {name} {tuple(wanted[name].shape)}" for name in sorted(set(wanted) - set(got))]
    lines += [f"+ unexpected  {name} {tuple(got[name].shape)}" for name in sorted(set(got) - set(wanted))]
    lines += [
        f"! shape       {name} expected {tuple(wanted[name].shape)}, got {tuple(got[name].shape)}"
        for name in sorted(set(wanted) & set(got))
        if wanted[name].shape != got[name].shape
    ]
    more = [f"... and {len(lines) - _SHOWN} more"] if len(lines) > _SHOWN else []
    return "\n".join(lines[:_SHOWN] + more)
