"""Two rules that promise nothing, to compare with: that of the SSMAE paper, and no gate at all.

Source: 2601.20072 (rule and ablation), which asks every epoch and on the test split; here the rule gets a validation
sample that the model does not learn from, and the checks that the round makes.

Dimensions: W views, N images, C classes, V validation images.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ssmae.errors import InvalidConfig
from ssmae.gate import wording
from ssmae.gate.bounds import FloatArray
from ssmae.gate.decision import GateDecision
from ssmae.gate.evidence import ValidationEvidence
from ssmae.gate.levels import Level, level_from
from ssmae.gate.scores import smallest_scores


@dataclass(frozen=True, kw_only=True)
class _ConfidentGate:
    """What the two have in common: an image is confident if its class has a high probability on every view."""

    confidence: float = 0.95

    def __post_init__(self) -> None:
        """Refuse what is no share.

        Raises:
            InvalidConfig: the confidence is not within 0 to 1.
        """
        _check_share("confidence", self.confidence)

    def score(self, probabilities_WNC: NDArray[np.floating]) -> tuple[FloatArray, NDArray[np.intp]]:
        """Smallest over views; see `smallest_scores`.

        Source: SSMAE, 2601.20072.
        """
        return smallest_scores(probabilities_WNC)

    def affordable_checks(self, wanted: int, *, answered: int) -> int:  # noqa: ARG002 - of the protocol
        """As many as wanted: it asks for no number of answers."""
        return wanted

    def _level(self, evidence: ValidationEvidence) -> Level:
        # "Above" becomes "at least": the rule asks for more than the confidence, thresholds are inclusive.
        return level_from(float(np.nextafter(self.confidence, np.inf)), evidence)


@dataclass(frozen=True, kw_only=True)
class PointEstimateGate(_ConfidentGate):
    """The SSMAE paper's rule: open if the confident validation images are accurate enough; how many does not matter.

    What is wrong with it: one lucky image opens it; an accuracy measured on a sample is above the true one in about
    half of all samples, so where the model is about as good as asked for the gate is open half of the time; asked again
    and again on one sample it opens sooner or later; and even if the estimate were exact it lets in 30 % errors.

    Attributes:
        opens_at: accuracy of the confident validation images from which it is open.
        confidence: an image is confident if the probability of its class is above this on every view.
    """

    opens_at: float = 0.70

    def __post_init__(self) -> None:
        """Refuse what are no shares.

        Raises:
            InvalidConfig: a value is not within 0 to 1.
        """
        super().__post_init__()
        _check_share("opens_at", self.opens_at)

    def decide(
        self, evidence: ValidationEvidence, *, checks: int = 1, earlier: Sequence[GateDecision] = ()
    ) -> GateDecision:
        """Compare the accuracy of the confident validation images with `opens_at`; closed if there is none.

        Args:
            evidence: answers and scores.
            checks: how many checks the round may make in all.
            earlier: the round's decisions so far, in order.

        Raises:
            InvalidConfig: the round has made all its checks.

        Source: SSMAE, 2601.20072, with the departures that the module's docstring names.
        """
        level = self._level(evidence)
        is_open = level.n > 0 and (level.n - level.errors) / level.n >= self.opens_at
        reason = wording.estimated(level, self.confidence, self.opens_at, is_open=is_open)
        return _without_promise(level, reason, 1 - self.opens_at, checks, earlier, is_open=is_open)


@dataclass(frozen=True, kw_only=True)
class AlwaysOpenGate(_ConfidentGate):
    """No gate: every confident image with one class on all views is accepted. The ablation of SSMAE without a gate.

    Attributes:
        confidence: an image is confident if the probability of its class is above this on every view.
    """

    def decide(
        self, evidence: ValidationEvidence, *, checks: int = 1, earlier: Sequence[GateDecision] = ()
    ) -> GateDecision:
        """Open, whatever the answers are.

        Args:
            evidence: answers, for people, and scores.
            checks: how many checks the round may make in all.
            earlier: the round's decisions so far, in order.

        Raises:
            InvalidConfig: the round has made all its checks.

        Source: SSMAE, 2601.20072, its ablation without a gate.
        """
        level = self._level(evidence)
        return _without_promise(level, wording.never_closed(level, self.confidence), 1.0, checks, earlier, is_open=True)


def _without_promise(
    level: Level, reason: str, alpha: float, checks: int, earlier: Sequence[GateDecision], *, is_open: bool
) -> GateDecision:
    if not len(earlier) < checks:
        raise InvalidConfig("check", f"within 1 to checks={checks}", len(earlier) + 1)
    return GateDecision(
        is_open=is_open,
        threshold=level.threshold if is_open else None,
        coverage=level.coverage if is_open else 0.0,
        bound=None,
        errors=level.errors,
        n=level.n,
        alpha=alpha,
        delta=1.0,
        check=len(earlier) + 1,
        reason=reason,
        # Nothing was ever proven of what an earlier check let in, so nothing is left once the estimate is bad.
        discards=not is_open,
    )


def _check_share(name: str, value: float) -> None:
    if not 0 <= value <= 1:
        raise InvalidConfig(name, "within 0 to 1", value)
