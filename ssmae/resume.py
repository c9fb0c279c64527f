"""Starting a round from the encoder of an earlier one, with or without its classifier. Must never import trainer.

Dimensions: C classes.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch

from ssmae.config import Head, RoundConfig
from ssmae.errors import CheckpointMismatch
from ssmae.head import ClassMap, appended, carry, check_map, same_names
from ssmae.model import SSMAE, build
from ssmae.results import EncoderState, HeadState

_SHOWN = 12


def start_model(
    config: RoundConfig,
    class_names: tuple[str, ...],
    start_state: EncoderState | None,
    *,
    seed: int,
    class_map: ClassMap | None = None,
) -> SSMAE:
    """A fresh model, or one that carries on from earlier weights.

    theta = shrink * theta_old + perturb * theta_fresh, for encoder, decoder and, if it is kept, classifier. A fresh
    classifier is zero, so a kept one is only shrunk: for the same embedding its probabilities become softer and the
    likeliest class stays. A state without any decoder weights (from elsewhere) keeps the fresh decoder.

    Args:
        config: `config.schedule` says how far to shrink and perturb, and whether the classifier goes on.
        class_names: the classes now; with a fresh classifier they may be any.
        start_state: what to carry on from; None starts from scratch.
        seed: of the fresh weights.
        class_map: for a kept classifier, which old class goes on as which new one (see `ssmae.head`); None follows the
            names.

    Raises:
        CheckpointMismatch: a name or a shape does not fit (the message lists the differences), or there is no
            classifier to keep, or by name none of its classes goes on.
        InvalidData: `class_map` is no map between these classes.

    Source: shrink and perturb, 1910.08475, section 4.
    """
    model = build(config.model, class_names, seed=seed)
    if start_state is None:
        return model
    old, fresh = dict(start_state.weights), ["encoder.head."]
    if config.schedule.head is Head.KEEP:
        head = _head_of(start_state)
        weight_CD, bias_C = carry(head, _checked(class_map, head, class_names), len(class_names))
        old |= {"encoder.head.weight": weight_CD, "encoder.head.bias": bias_C}
        fresh = []
    if not any(name.startswith("decoder.") for name in old):
        fresh.append("decoder.")
    wanted = {name: value for name, value in model.state_dict().items() if not name.startswith(tuple(fresh))}
    if difference := key_difference(wanted, old):
        raise CheckpointMismatch(f"The checkpoint does not fit the configured network.\n{difference}")
    with torch.no_grad():
        for name, value in wanted.items():
            value.mul_(config.schedule.perturb).add_(old[name].to(value.dtype), alpha=config.schedule.shrink)
    return model


def new_classes(
    config: RoundConfig,
    class_names: tuple[str, ...],
    start_state: EncoderState | None,
    class_map: ClassMap | None = None,
) -> tuple[int, ...]:
    """Classes that a started model has no learnt row of, though it has of others: those to imprint.

    The arguments are those of `start_model`, which must have accepted them.

    Returns:
        Class indices, ascending; none if the classifier is fresh as a whole.
    """
    if start_state is None or config.schedule.head is Head.FRESH:
        return ()
    return appended(_checked(class_map, _head_of(start_state), class_names), len(class_names))


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


def _head_of(state: EncoderState) -> HeadState:
    if state.head is None:
        raise CheckpointMismatch(
            "Keeping the classifier needs a checkpoint that holds one, of format version 2 or newer. Got weights "
            "without a classifier: start with a fresh one (schedule.head = fresh)."
        )
    return state.head


def _checked(class_map: ClassMap | None, head: HeadState, class_names: tuple[str, ...]) -> ClassMap:
    if class_map is not None:
        check_map(class_map, head.class_names, class_names)
        return class_map
    by_name = same_names(head.class_names, class_names)
    if all(target is None for target in by_name):
        raise CheckpointMismatch(
            f"Keeping the classifier needs a class that goes on. Expected one of {list(class_names)}, got "
            f"{list(head.class_names)}: give a class map, or start with a fresh one (schedule.head = fresh)."
        )
    return by_name
