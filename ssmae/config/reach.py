"""Which settings contradict each other although each is allowed. Standard library only."""

from __future__ import annotations

from ssmae.config.choices import GateRule, Weighting
from ssmae.config.sections import RoundConfig


def unreachable(config: RoundConfig, *, classes: int) -> tuple[str, ...]:
    """A sentence if nothing can be as sure as the configuration asks, because smoothed labels teach to be less sure.

    A model that fits labels smoothed by e gives its class 1 - e + e / C; thresholds above that let nothing in.

    Args:
        config: of the round.
        classes: their number C.
    """
    loss, gate = config.loss, config.gate
    reached = 1 - loss.label_smoothing + loss.label_smoothing / classes
    asked = [loss.consistency_threshold] if loss.consistency_weighting is Weighting.FIXED else []
    asked += [gate.confidence] if gate.rule is not GateRule.LEARN_THEN_TEST else []
    if not asked or max(asked) <= reached:
        return ()
    sentence = (
        f"Hardly any image can reach the confidence of {max(asked):g} that is asked for: labels smoothed by "
        f"{loss.label_smoothing:g} teach a confidence of {reached:.2f}. Set loss.label_smoothing to 0."
    )
    return (sentence,)
