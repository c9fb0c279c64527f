"""A second reason to close: the loss on the validation sample got worse while accepted pseudo-labels taught.

The gate's bound speaks of accepted pseudo-labels. It says nothing of what they do to the model: it may learn from them
to be sure of itself where it is wrong. The guard looks at that, and may only close, never open, so it takes nothing
from the gate's promise at its own check. Training learns whether it tripped; later checks pay for that
(`spending.TRIPPED`). Where no pseudo-label taught since the check before there is nothing to take back, and the loss
may rise for another reason (a young model becomes sure of itself, though it is right more often): it is not asked.
So a round with evidence for a single check has none; after its check the validation answers teach and judge no more.

Dimensions: V validation images, C classes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr

from ssmae.errors import InvalidData
from ssmae.gate import wording
from ssmae.gate.bounds import FloatArray, check_open_unit
from ssmae.gate.decision import GateDecision
from ssmae.gate.spending import TRIPPED

SMALLEST_PROBABILITY = 1e-6
"""No single image may cost more than the negative logarithm of this, about 13.8."""


@dataclass(frozen=True)
class LossGuard:
    """Closes when the mean loss rose significantly, image by image.

    Attributes:
        level: how often it may trip although the loss did not get worse, per check.
    """

    level: float = 0.05

    def __post_init__(self) -> None:
        """Refuse a level that is no probability.

        Raises:
            InvalidConfig: not strictly between 0 and 1.
        """
        check_open_unit("level", self.level)

    def judge(
        self, decision: GateDecision, *, before_V: NDArray[np.floating], now_V: NDArray[np.floating]
    ) -> GateDecision:
        """The decision as it is, or closed, with everything that earlier checks let in taken back.

        One-sided paired t-test: the same images, before and now.

        Args:
            decision: of this check, open or closed.
            before_V: loss of each validation image at the check before, from `validation_losses`.
            now_V: its loss now, in the same order.

        Raises:
            InvalidData: lengths differ, or a loss is not finite.

        Source: own; the gate's bound says nothing of what accepted labels do to the model. The test: Student,
        Biometrika 6 (1908).
        """
        before_V, now_V = np.asarray(before_V, np.float64), np.asarray(now_V, np.float64)
        if before_V.shape != now_V.shape or before_V.ndim != 1:
            raise InvalidData(f"now_V must have shape {before_V.shape} like before_V. Got {now_V.shape}.")
        if not (np.isfinite(before_V).all() and np.isfinite(now_V).all()):
            raise InvalidData("Validation losses must be finite. Got NaN or infinity.")
        chance = _chance_of_such_a_rise(now_V - before_V)
        if chance > self.level:
            return decision
        reason = wording.got_worse(len(now_V), float(before_V.mean()), float(now_V.mean()))
        return replace(
            decision,
            is_open=False,
            threshold=None,
            coverage=0.0,
            reason=reason,
            blocked=(),
            classes=(),
            discards=True,
            weight=TRIPPED,
        )


def validation_losses(probabilities_VC: NDArray[np.floating], labels_V: NDArray[np.integer]) -> FloatArray:
    """Cross-entropy of each validation image, (V,), bounded so that one hopeless image cannot outweigh all others.

    Args:
        probabilities_VC: of the weak view, rows sum to one.
        labels_V: the human answers, 0 to C - 1.

    Raises:
        InvalidData: the two do not fit together.

    Source: own; the guard compares image by image, and no single image may decide.
    """
    if probabilities_VC.ndim != 2 or labels_V.shape != probabilities_VC.shape[:1]:
        got = f"{probabilities_VC.shape} and {labels_V.shape}"
        raise InvalidData(f"probabilities_VC and labels_V must have shapes (V, C) and (V,). Got {got}.")
    of_label_V = np.take_along_axis(probabilities_VC, labels_V[:, None], axis=1)[:, 0].astype(np.float64)
    return -np.log(np.maximum(of_label_V, SMALLEST_PROBABILITY))


def _chance_of_such_a_rise(rise_V: FloatArray) -> float:
    """P-value that the mean is not above 0; 1 where there is too little to say."""
    if len(rise_V) < 2 or rise_V.mean() <= 0:
        return 1.0
    spread = float(rise_V.std(ddof=1))
    if not spread:
        return 0.0
    return float(stdtr(len(rise_V) - 1, -rise_V.mean() * np.sqrt(len(rise_V)) / spread))
