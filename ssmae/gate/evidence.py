"""What a gate may look at. There is deliberately no way to build it from a test split.

Dimensions: V validation images, F images of the sampling frame, the validation images among them, T images taken out of
the frame after the sample was drawn, C classes.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ssmae.errors import InvalidData
from ssmae.gate.bounds import FloatArray

ROUNDING = 1e-6
"""A mean of single-precision probabilities may exceed one by this much."""


@dataclass(frozen=True, eq=False)
class PredictedClasses:
    """Which class the model proposes for each image.

    Attributes:
        names: the C classes, in the order of their indices.
        of_sample_V: class index of each answered validation image.
        of_frame_F: class index of every image of the sampling frame.
        of_taken_T: class index of every image taken out of it.
    """

    names: tuple[str, ...]
    of_sample_V: NDArray[np.int64]
    of_frame_F: NDArray[np.int64]
    of_taken_T: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))

    def __post_init__(self) -> None:
        """Take read-only copies and refuse what are no class indices.

        Raises:
            InvalidData: not one-dimensional, not whole numbers, or without a name.
        """
        for name in ("of_sample_V", "of_frame_F", "of_taken_T"):
            given = np.asarray(getattr(self, name))
            is_whole = np.issubdtype(given.dtype, np.integer) or not given.size
            if given.ndim != 1 or not is_whole:
                raise InvalidData(f"{name} must hold class indices. Got {given.dtype} of shape {given.shape}.")
            if given.size and not 0 <= given.min() <= given.max() < len(self.names):
                got = f"{given.min()} to {given.max()}"
                raise InvalidData(f"{name} must lie within 0 to {len(self.names) - 1}. Got {got}.")
            object.__setattr__(self, name, _read_only(given.astype(np.int64)))


@dataclass(frozen=True, eq=False)
class ValidationEvidence:
    """What people said about the validation sample, beside the scores of the frame it was drawn from.

    Scores come from the gate's own `score`, the same one for validation and frame; 0 means that the views disagreed.

    Attributes:
        scores_V: score of each answered validation image, in [0, 1].
        is_correct_V: whether the person's class is the model's.
        frame_scores_F: score of every image of the sampling frame, the validation images among them.
        taken_scores_T: score of every image that was in the frame when the sample was drawn and has a training label by
            now. The sample still speaks of them, the gate lets none of them in: were they the easy ones, what is left
            is harder than the sample says, so a level must prove more the more of them it covers (`share_left`).
        classes: what the model proposes, for what is said of single classes; None says nothing of them.
    """

    scores_V: FloatArray
    is_correct_V: NDArray[np.bool_]
    frame_scores_F: FloatArray
    classes: PredictedClasses | None = None
    taken_scores_T: FloatArray = field(default_factory=lambda: np.zeros(0))

    def __post_init__(self) -> None:
        """Take read-only copies and refuse what cannot be evidence.

        Raises:
            InvalidData: not one-dimensional, lengths differ, a score is not finite or outside [0, 1], or the
                answers are not booleans.
        """
        for name in ("scores_V", "frame_scores_F", "taken_scores_T"):
            object.__setattr__(self, name, _checked_scores(name, getattr(self, name)))
        answers = np.array(self.is_correct_V)
        if answers.dtype != np.bool_ and answers.size:
            raise InvalidData(f"is_correct_V must hold booleans. Got {answers.dtype}.")
        if answers.shape != self.scores_V.shape:
            raise InvalidData(f"is_correct_V must have shape {self.scores_V.shape} like scores_V. Got {answers.shape}.")
        object.__setattr__(self, "is_correct_V", _read_only(answers.astype(np.bool_)))
        if self.classes is None:
            return
        got, expected = (
            (len(self.classes.of_sample_V), len(self.classes.of_frame_F), len(self.classes.of_taken_T)),
            (len(self.scores_V), len(self.frame_scores_F), len(self.taken_scores_T)),
        )
        if got != expected:
            raise InvalidData(f"classes must name one class a score: {expected}. Got {got}.")


def share_left(kept: int, taken: int) -> float:
    """Share of the images that the sample speaks of which may still be accepted; 1 if there were none.

    Source: own; images that get a training label leave the frame after the sample was drawn.
    """
    return kept / (kept + taken) if kept + taken else 1.0


def _read_only(array: NDArray[np.generic]) -> NDArray[np.generic]:
    array.setflags(write=False)
    return array


def _checked_scores(name: str, scores: object) -> NDArray[np.generic]:
    checked = np.array(scores, dtype=np.float64)
    if checked.ndim != 1:
        raise InvalidData(f"{name} must have one dimension. Got shape {checked.shape}.")
    if not np.isfinite(checked).all() or (checked < 0).any() or (checked > 1 + ROUNDING).any():
        wrong = checked[~((checked >= 0) & (checked <= 1 + ROUNDING))][0]
        raise InvalidData(f"{name} must lie within [0, 1]. Got {wrong}.")
    return _read_only(checked)
