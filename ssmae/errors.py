"""Everything the learner refuses, as classes.

A `SsmaeError` is something the caller can mend: its message says what was expected and what was got. Anything else
that escapes from this package is a bug.
"""


class SsmaeError(Exception):
    """Base class of every expected refusal of the learner."""


class InvalidConfig(SsmaeError):
    """A setting is outside what it may be."""

    def __init__(self, field: str, expected: str, got: object) -> None:
        self.field, self.expected, self.got = field, expected, got
        super().__init__(f"{field} must be {expected}. Got {got!r}.")


class InvalidData(SsmaeError):
    """Arrays handed to the learner do not fit together."""


class UnreadableImage(SsmaeError):
    """A file cannot be turned into pixels honestly."""


class NonFiniteLoss(SsmaeError):
    """A loss became NaN or infinite; raised before the optimiser step, so the weights are still the last good ones."""

    def __init__(self, phase: str, step: int, losses: dict[str, float], recent: list[float]) -> None:
        self.phase, self.step, self.losses, self.recent = phase, step, losses, recent
        super().__init__(
            f"The loss is not finite in phase {phase!r} at step {step}: {losses}. Last finite totals: {recent}. "
            "Lower the learning rate or switch mixed precision off."
        )


class CheckpointMismatch(SsmaeError):
    """A checkpoint does not fit the model: the message lists the missing and the unexpected keys."""


class Stopped(SsmaeError):
    """The caller asked the learner to stop; raised between two steps."""
