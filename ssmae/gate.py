"""May pseudo-labels teach? The gate answers from people's answers on a validation sample, with a finite-sample bound.

Promise: the probability that more than `alpha` of the accepted pseudo-labels are wrong is at most `delta`, whatever
the model is, as long as the validation images are a uniform random sample of the unlabelled pool and were treated by
training exactly like the rest of it. NumPy and SciPy only: never import torch, a database or a screen here.

Source: Learn-then-Test with multi-start fixed-sequence testing (2110.01052); exact binomial tail; delta spending over
repeated checks by counting earlier outcomes (1506.02629). The paper behind SSMAE (2601.20072) opens at a point
estimate of 70 % instead; we depart from it because one lucky image would open that gate.

Dimensions: V validation images, U images of the unlabelled pool, W views, N images, C classes.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, isfinite

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, betaincinv

from ssmae.errors import InvalidConfig, InvalidData

FloatArray = NDArray[np.float64]

COVERAGE_LEVELS = (10, 25, 40, 55, 70, 85)
"""Percentages of the pool that may be accepted, strictest first; whole numbers, so that products are exact."""

CHAIN_STARTS = (10, 25, 55)
"""Levels at which a chain of tests may begin; several starts because a single strict one has no power."""

ROUNDING = 1e-6
"""A mean of single-precision probabilities may exceed one by this much."""


@dataclass(frozen=True, eq=False)
class ValidationEvidence:
    """What people said about the validation sample, beside the scores of the pool.

    Scores come from `consistency_scores` or an equal computation, the same one for validation and pool; 0 means that
    the views disagreed. There is deliberately no way to build this from a test split.

    Attributes:
        scores_V: score of each answered validation image, in [0, 1].
        is_correct_V: whether the person's class is the model's.
        pool_scores_U: score of every image of the unlabelled pool, the validation images among them.
    """

    scores_V: FloatArray
    is_correct_V: NDArray[np.bool_]
    pool_scores_U: FloatArray

    def __post_init__(self) -> None:
        """Take read-only copies and refuse what cannot be evidence.

        Raises:
            InvalidData: not one-dimensional, lengths differ, a score is not finite or outside [0, 1], or the
                answers are not booleans.
        """
        for name in ("scores_V", "pool_scores_U"):
            object.__setattr__(self, name, _checked_scores(name, getattr(self, name)))
        answers = np.array(self.is_correct_V)
        if answers.dtype != np.bool_ and answers.size:
            raise InvalidData(f"is_correct_V must hold booleans. Got {answers.dtype}.")
        if answers.shape != self.scores_V.shape:
            raise InvalidData(f"is_correct_V must have shape {self.scores_V.shape} like scores_V. Got {answers.shape}.")
        answers = answers.astype(np.bool_)
        answers.setflags(write=False)
        object.__setattr__(self, "is_correct_V", answers)


@dataclass(frozen=True)
class GateDecision:
    """Open or closed, and why.

    Only `is_open` and `threshold` may steer training: a later check of the same round relies on having been told no
    more than which level passed. The other numbers are for people.

    Attributes:
        is_open: whether pseudo-labels may be accepted.
        threshold: accept exactly the images whose score is at least this (always above 0); None when closed.
        coverage: share of the pool that is accepted so; 0 when closed.
        bound: Clopper-Pearson upper bound of the error at the threshold, at the confidence its test used. When
            closed, that of the tested level that came closest; None when nothing was tested. What is guaranteed is
            `alpha`, not this figure: the level was chosen after looking.
        errors: validation images at that level that the model got wrong.
        n: validation images at that level.
        alpha: largest error rate allowed.
        delta: what this check spends of the probability of being wrong.
        check: which check of the round this was, from 1.
        reason: one plain sentence.
    """

    is_open: bool
    threshold: float | None
    coverage: float
    bound: float | None
    errors: int
    n: int
    alpha: float
    delta: float
    check: int
    reason: str


@dataclass(frozen=True)
class _Level:
    """One candidate threshold with its evidence."""

    threshold: float
    coverage: float
    errors: int
    n: int


@dataclass(frozen=True)
class LearnThenTestGate:
    """The gate that is used: opens at the largest coverage whose error is proven to be at most `alpha`.

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
        _check_open_unit("alpha", self.alpha)
        _check_open_unit("delta", self.delta)

    def decide(self, evidence: ValidationEvidence, *, check: int, checks: int) -> GateDecision:
        """Test the thresholds that cover 10 to 85 % of the pool and take the widest proven one.

        Each chain tests its levels in a fixed order and stops at the first that fails; the chains share the check's
        delta. Thresholds come from the pool's scores, which carry no answers, so choosing them costs nothing.

        Args:
            evidence: answers and scores; may be empty, which leaves the gate closed.
            check: which check of the round this is, from 1.
            checks: how many the round may make in all.

        Raises:
            InvalidConfig: check is not within 1 to checks.

        Source: 2110.01052, fixed-sequence testing with several starts; union bound over the chains.
        """
        spent = delta_of_check(self.delta, check=check, checks=checks)
        answered = len(evidence.scores_V)
        starts = _affordable_starts(answered, self.alpha, spent)
        if not starts:
            needed = required_validation_size(self.alpha, self.delta, checks, check=check)
            return self._closed(spent, check, _too_few(answered, needed, self.alpha, self.delta))
        ranked_U = np.sort(evidence.pool_scores_U)[::-1]
        if not ranked_U.size:
            return self._closed(spent, check, "Closed: the unlabelled pool is empty, so there is nothing to accept.")
        if ranked_U[0] <= 0:
            reason = "Closed: no unlabelled image got the same class on all its views, so there is nothing to accept."
            return self._closed(spent, check, reason)

        share = spent / len(starts)
        proven: list[_Level] = []
        tested: list[_Level] = []
        for start in starts:
            for percent in COVERAGE_LEVELS[COVERAGE_LEVELS.index(start) :]:
                level = _level(percent, ranked_U, evidence)
                tested.append(level)
                if binomial_tail(level.errors, level.n, self.alpha) > share:
                    break
                proven.append(level)
        if not proven:
            nearest = min(tested, key=lambda level: error_upper_bound(level.errors, level.n, share))
            return self._closed(spent, check, _unproven(nearest, self.alpha, share), nearest, share)
        best = max(proven, key=lambda level: level.coverage)
        bound = error_upper_bound(best.errors, best.n, share)
        reason = _proven(best, bound, self.alpha, self.delta)
        return GateDecision(
            True, best.threshold, best.coverage, bound, best.errors, best.n, self.alpha, spent, check, reason
        )

    def _closed(
        self, spent: float, check: int, reason: str, nearest: _Level | None = None, share: float = 1.0
    ) -> GateDecision:
        errors, n = (nearest.errors, nearest.n) if nearest else (0, 0)
        bound = error_upper_bound(errors, n, share) if nearest else None
        return GateDecision(False, None, 0.0, bound, errors, n, self.alpha, spent, check, reason)


def consistency_scores(probabilities_WNC: NDArray[np.floating]) -> tuple[FloatArray, NDArray[np.intp]]:
    """The one number a pseudo-label is judged by, and the class it proposes.

    Args:
        probabilities_WNC: class probabilities of every view, the weak view first.

    Returns:
        (scores_N, predicted_N): mean over views of the probability of the weak view's class, 0 where any view's
        likeliest class differs.

    Raises:
        InvalidData: wrong number of dimensions, or no view, or no class.
    """
    if probabilities_WNC.ndim != 3 or not probabilities_WNC.shape[0] or not probabilities_WNC.shape[2]:
        raise InvalidData(f"probabilities_WNC must have shape (views, images, classes). Got {probabilities_WNC.shape}.")
    classes_WN = probabilities_WNC.argmax(axis=2)
    predicted_N = classes_WN[0]
    of_predicted_WN = np.take_along_axis(probabilities_WNC, predicted_N[None, :, None], axis=2)[:, :, 0]
    is_consistent_N = (classes_WN == predicted_N).all(axis=0)
    return np.where(is_consistent_N, of_predicted_WN.mean(axis=0, dtype=np.float64), 0.0), predicted_N


def binomial_tail(errors: int, n: int, rate: float) -> float:
    """P(at most `errors` errors among n independent images whose error rate is `rate`).

    For a sample without replacement this is slightly too large, which errs on the safe side.
    """
    return 1.0 if errors >= n else float(betainc(n - errors, errors + 1, 1.0 - rate))


def error_upper_bound(errors: int, n: int, delta: float) -> float:
    """Clopper-Pearson: the error rate is below this with probability 1 - delta; 1 when nothing was seen."""
    return 1.0 if errors >= n else float(betaincinv(errors + 1, n - errors, 1.0 - delta))


def smallest_sample(errors: int, alpha: float, delta: float) -> int:
    """Smallest n for which `errors` errors among n still prove an error rate of at most alpha.

    Raises:
        InvalidConfig: alpha or delta is not strictly between 0 and 1.
    """
    _check_open_unit("alpha", alpha)
    _check_open_unit("delta", delta)
    low, high = errors, errors + 1
    while binomial_tail(errors, high, alpha) > delta:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if binomial_tail(errors, middle, alpha) > delta else (low, middle)
    return high


def delta_of_check(delta: float, *, check: int, checks: int) -> float:
    """What one check may spend so that a round with several keeps its promise.

    The model at a later check depends on the answers only through which level, or none, passed at each earlier one:
    a factor of (levels + 1) per earlier check.

    Raises:
        InvalidConfig: check is not within 1 to checks.

    Source: 1506.02629 (description length), 1502.04585.
    """
    if not 1 <= check <= checks:
        raise InvalidConfig("check", f"within 1 to checks={checks}", check)
    return delta / (checks * float(len(COVERAGE_LEVELS) + 1) ** (check - 1))


def required_validation_size(alpha: float, delta: float, checks: int, *, check: int = 1) -> int:
    """Answered validation images without which the gate stays closed at a check, whatever the answers are.

    Raises:
        InvalidConfig: alpha or delta is not strictly between 0 and 1, or check is not within 1 to checks.
    """
    needed = smallest_sample(1, alpha, delta_of_check(delta, check=check, checks=checks))
    return -(-100 * needed // CHAIN_STARTS[-1])


def affordable_checks(alpha: float, delta: float, wanted: int, *, answered: int) -> int:
    """The most checks, `wanted` at the most, of which even the last could open with so many answers; at least one.

    A check that could not open whatever the answers are would only take back what an earlier one let in. The number of
    answers says nothing about their content, so choosing by it costs nothing.

    Raises:
        InvalidConfig: alpha or delta is not strictly between 0 and 1, or wanted is not positive.
    """
    for checks in range(wanted, 1, -1):
        if required_validation_size(alpha, delta, checks, check=checks) <= answered:
            return checks
    return 1


def _affordable_starts(answered: int, alpha: float, spent: float) -> tuple[int, ...]:
    """As many chain starts as the sample can feed, the widest ones; each must survive one error."""
    for chains in range(len(CHAIN_STARTS), 0, -1):
        starts = CHAIN_STARTS[-chains:]
        if starts[0] * answered >= 100 * smallest_sample(1, alpha, spent / chains):
            return starts
    return ()


def _level(percent: int, ranked_U: FloatArray, evidence: ValidationEvidence) -> _Level:
    """The threshold that accepts this percentage of the pool, ties included, but never a score of 0."""
    threshold = ranked_U[-(-percent * ranked_U.size // 100) - 1]
    if threshold <= 0:
        threshold = ranked_U[ranked_U > 0][-1]
    is_accepted_V = evidence.scores_V >= threshold
    n = int(is_accepted_V.sum())
    errors = n - int(evidence.is_correct_V[is_accepted_V].sum())
    return _Level(float(threshold), float((ranked_U >= threshold).mean()), errors, n)


def _proven(level: _Level, bound: float, alpha: float, delta: float) -> str:
    return (
        f"Open: of {_images(level.n)} at confidence {_confidence(level.threshold)} or above {_wrong(level.errors)} "
        f"(upper bound {_at_most(bound)}), so with {_percent(1 - delta)} certainty at most the allowed "
        f"{_percent(alpha)} of the accepted pseudo-labels are wrong."
    )


def _unproven(level: _Level, alpha: float, share: float) -> str:
    confidence = _confidence(level.threshold)
    if not level.n:
        return (
            f"Closed: no validation image reached confidence {confidence}, so nothing is known about images above it."
        )
    return (
        f"Closed: of {_images(level.n)} at confidence {confidence} or above {_wrong(level.errors)}, so up to "
        f"{_at_most(error_upper_bound(level.errors, level.n, share))} of the pseudo-labels accepted there could be "
        f"wrong (allowed: {_percent(alpha)})."
    )


def _too_few(answered: int, needed: int, alpha: float, delta: float) -> str:
    have = (
        "no validation image is answered yet" if not answered else f"only {_images(answered)} {_are(answered)} answered"
    )
    return (
        f"Closed: {have}, and {needed - answered} more {_are(needed - answered)} needed before an error of at most "
        f"{_percent(alpha)} can be proven with {_percent(1 - delta)} certainty."
    )


def _images(count: int) -> str:
    return f"{count} validation image{'' if count == 1 else 's'}"


def _are(count: int) -> str:
    return "is" if count == 1 else "are"


def _wrong(errors: int) -> str:
    return {0: "none was wrong", 1: "one was wrong"}.get(errors, f"{errors} were wrong")


def _percent(share: float) -> str:
    """To two decimals, without idle zeros."""
    return f"{100 * share:.2f}".rstrip("0").rstrip(".") + " %"


def _at_most(share: float) -> str:
    """To one decimal, rounded up: a bound must not look better than it is."""
    return f"{ceil(1000 * share - ROUNDING) / 10:.1f}".removesuffix(".0") + " %"


def _confidence(threshold: float) -> str:
    """Two decimals, more where two would round up to certainty."""
    decimals = 2
    while decimals < 6 and threshold < 1 and float(f"{threshold:.{decimals}f}") >= 1:
        decimals += 1
    return f"{threshold:.{decimals}f}"


def _check_open_unit(name: str, value: float) -> None:
    if not (isfinite(value) and 0 < value < 1):
        raise InvalidConfig(name, "strictly between 0 and 1", value)


def _checked_scores(name: str, scores: object) -> FloatArray:
    checked = np.array(scores, dtype=np.float64)
    if checked.ndim != 1:
        raise InvalidData(f"{name} must have one dimension. Got shape {checked.shape}.")
    if not np.isfinite(checked).all() or (checked < 0).any() or (checked > 1 + ROUNDING).any():
        wrong = checked[~((checked >= 0) & (checked <= 1 + ROUNDING))][0]
        raise InvalidData(f"{name} must lie within [0, 1]. Got {wrong}.")
    checked.setflags(write=False)
    return checked
