"""The gate that is used: opens at the largest coverage whose error is proven to be at most `alpha`.

Dimensions: W views, N images, C classes, V validation images, F images of the sampling frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ssmae.config import chains_share, required_answers
from ssmae.gate import wording
from ssmae.gate.bounds import FloatArray, check_open_unit
from ssmae.gate.classes import judge_classes
from ssmae.gate.decision import GateDecision, in_force
from ssmae.gate.evidence import ValidationEvidence
from ssmae.gate.levels import Level, affordable_starts, reachable_levels, tested_levels
from ssmae.gate.scores import consistency_scores
from ssmae.gate.spending import affordable_checks, delta_left, outcome_weight


@dataclass(frozen=True)
class LearnThenTestGate:
    """Proves its bound; see the package's docstring for the promise.

    Attributes:
        alpha: largest error rate allowed among accepted pseudo-labels.
        delta: probability, over all checks of a round together, of letting in worse than that.
    """

    alpha: float = 0.10
    delta: float = 0.05

    def __post_init__(self) -> None:
        """Refuse levels that are no probabilities.

        Raises:
            InvalidConfig: alpha or delta is not strictly between 0 and 1.
        """
        check_open_unit("alpha", self.alpha)
        check_open_unit("delta", self.delta)

    def score(self, probabilities_WNC: NDArray[np.floating]) -> tuple[FloatArray, NDArray[np.intp]]:
        """Mean over views; see `consistency_scores`.

        Source: own; one number an image leaves the gate one knob.
        """
        return consistency_scores(probabilities_WNC)

    def affordable_checks(self, wanted: int, *, answered: int) -> int:
        """How many checks so many answers can feed; see the function of this name."""
        return affordable_checks(self.alpha, self.delta, wanted, answered=answered)

    def decide(
        self, evidence: ValidationEvidence, *, checks: int = 1, earlier: Sequence[GateDecision] = ()
    ) -> GateDecision:
        """Test the thresholds that cover 10 to 85 % of the frame, take the widest proven one, leave out bad classes.

        Each chain tests its levels in a fixed order and stops at the first that fails; the chains share what the check
        spends. Thresholds come from the frame's scores, which carry no answers, so choosing them costs nothing.

        Args:
            evidence: answers and scores; may be empty, which leaves the gate closed.
            checks: how many checks the round may make in all.
            earlier: the round's decisions so far, in order: what they told training is paid for.

        Raises:
            InvalidConfig: the round has made all its checks.

        Source: 2110.01052, fixed-sequence testing with several starts; union bound over the chains. For classes,
        see `judge_classes`; for several checks, `delta_left`.
        """
        spent = delta_left(self.delta, checks=checks, earlier=earlier)
        answered = len(evidence.scores_V)
        for_chains = chains_share(spent)
        starts = affordable_starts(answered, self.alpha, for_chains) if spent else ()
        if not starts:
            needed = required_answers(self.alpha, spent) if spent else None
            return self._closed(wording.too_few(answered, needed, self.alpha, self.delta), spent, earlier)
        ranked_F = np.sort(evidence.frame_scores_F)[::-1]
        if not ranked_F.size or ranked_F[0] <= 0:
            return self._closed(wording.nothing_to_accept(ranked_F.size), spent, earlier)

        share = for_chains / len(starts)
        proven, failed = tested_levels(starts, ranked_F, evidence, self.alpha, share)
        if not proven:
            nearest = min(failed, key=lambda level: level.error_bound(share))
            return self._closed(wording.unproven(nearest, self.alpha, share), spent, earlier, nearest, share)
        best = max(proven, key=lambda level: level.coverage)
        families = len(reachable_levels(starts))
        classes = judge_classes(
            best.threshold,
            evidence,
            alpha=self.alpha,
            certify=spent / families,
            block=(spent - for_chains) / families,
            confidence=1 - self.delta,
        )
        blocked = tuple(one for one in classes if one.is_blocked)
        names = evidence.classes.names if evidence.classes is not None else ()
        bound = best.error_bound(share)
        return GateDecision(
            is_open=True,
            threshold=best.threshold,
            coverage=best.coverage - sum(one.coverage for one in blocked),
            bound=bound,
            errors=best.errors,
            n=best.n,
            alpha=self.alpha,
            delta=spent,
            check=len(earlier) + 1,
            reason=wording.proven(best, bound, self.alpha, self.delta) + wording.left_out(blocked, names),
            blocked=tuple(one.class_index for one in blocked),
            classes=classes,
            weight=outcome_weight(len(blocked), len(names)),
        )

    def _closed(
        self,
        reason: str,
        spent: float,
        earlier: Sequence[GateDecision],
        nearest: Level | None = None,
        share: float = 1.0,
    ) -> GateDecision:
        errors, n = (nearest.errors, nearest.n) if nearest else (0, 0)
        return GateDecision(
            is_open=False,
            threshold=None,
            coverage=0.0,
            bound=nearest.error_bound(share) if nearest else None,
            errors=errors,
            n=n,
            alpha=self.alpha,
            delta=spent,
            check=len(earlier) + 1,
            reason=reason + wording.stays(in_force(earlier)),
            weight=outcome_weight(0, 0),
        )
