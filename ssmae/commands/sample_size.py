"""How many images judge the gate: what it needs, as far as a folder can give it, or a refusal that says what to do."""

from __future__ import annotations

from ssmae.config import GateConfig
from ssmae.errors import InvalidData
from ssmae.gate import required_validation_size


def sample_size(asked: int | None, left: int, gate: GateConfig) -> int:
    """The size of the validation sample.

    Args:
        asked: `--validation`; None for as many as all checks of the gate need, or else as few checks as there are
            images for, at least one.
        left: images that it can be drawn from.
        gate: of the round.

    Raises:
        InvalidData: fewer are left than that.
    """
    if asked is not None:
        return _checked(asked, left, gate)
    sizes = [needed(gate, checks) for checks in range(gate.checks, 0, -1)]
    return next((size for size in sizes if size <= left), None) or _checked(sizes[-1], left, gate)


def needed(gate: GateConfig, checks: int) -> int:
    """Answers without which the last of so many checks could never open."""
    return required_validation_size(gate.alpha, gate.delta, checks, check=checks)


def _checked(size: int, left: int, gate: GateConfig) -> int:
    if size <= left:
        return size
    one = needed(gate, 1)
    single = f"`--validation {one}` is enough for a single check" if one <= left else f"a single check needs {one}"
    raise InvalidData(
        f"{size} images must be left to judge the gate. Got {left}: {single}, `--validation 0` keeps the gate closed, "
        "and fewer `--labels-per-class` leave more."
    )
