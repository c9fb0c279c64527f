"""Audit of what was accepted: people look at random pseudo-labels until the error rate is proven, and stop when it is.

The strongest guarantee and the cheapest: it needs no validation sample and no assumption on training, only that the
images are drawn at random from the accepted set, which must be frozen meanwhile. With replacement, so that the bound is
exact; an image that comes up again costs nobody a second look, its answer counts again. If the audit fails, raise the
threshold and audit what is left with a new sample and half the delta.

Dimensions: K accepted images.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil, exp, log

import numpy as np
from numpy.typing import NDArray

from ssmae.errors import InvalidConfig, InvalidData
from ssmae.gate import wording
from ssmae.gate.bounds import check_open_unit

BET = 5.0
"""The audit bets that the error rate is this many times below alpha; the bet decides how soon it ends, not whether
what it proves is true."""

_LARGEST_EXPONENT = 700.0  # of a double


@dataclass(frozen=True)
class Audit:
    """State of an audit; `answer` gives the next one. It may be stopped and looked at after any answer.

    `e_value` is a product of likelihood ratios, one a drawn image. If the true error rate is alpha or more, its mean
    never exceeds 1 whatever came before, so the probability that it *ever* reaches 1/delta is at most delta (Ville).

    Attributes:
        alpha: the error rate to be excluded.
        delta: probability of certifying although the error rate is alpha or more, at any time.
        right: answers so far that agreed with the pseudo-label.
        wrong: answers so far that did not.
        error_bound: the error rate is below this with probability 1 - delta, at all times together; falls from 1.

    Source: betting and Ville's inequality, 2010.09686; for audits of a finite set, 2107.11323; for risk control,
    2409.15844.
    """

    alpha: float = 0.05
    delta: float = 0.05
    right: int = 0
    wrong: int = 0
    error_bound: float = 1.0

    def __post_init__(self) -> None:
        """Refuse levels that are no probabilities.

        Raises:
            InvalidConfig: alpha or delta is not strictly between 0 and 1.
        """
        check_open_unit("alpha", self.alpha)
        check_open_unit("delta", self.delta)

    def answer(self, *, is_right: bool) -> Audit:
        """The audit after one more drawn image was looked at.

        Source: betting, 2010.09686; for audits of a finite set, 2107.11323.
        """
        right, wrong = (self.right + 1, self.wrong) if is_right else (self.right, self.wrong + 1)
        bound = min(self.error_bound, _excluded_from(right, wrong, self.delta))
        return replace(self, right=right, wrong=wrong, error_bound=bound)

    @property
    def certified(self) -> bool:
        """Whether the error rate was ever proven to be below alpha; later answers do not take that back.

        Source: Ville's inequality, as in 2010.09686.
        """
        return self.error_bound <= self.alpha

    @property
    def e_value(self) -> float:
        """Evidence against an error rate of alpha or more, as it stands; 1/delta proves it wrong.

        Source: likelihood ratios as bets, 2010.09686; for risk control, 2409.15844.
        """
        return exp(min(self._log_e_value, _LARGEST_EXPONENT))

    @property
    def clean_answers_needed(self) -> int:
        """Right answers in a row that would certify; 0 once certified.

        Source: own; people want to know how long an audit may still take.
        """
        if self.certified:
            return 0
        return max(1, ceil((-log(self.delta) - self._log_e_value) / _log_right(self.alpha)))

    @property
    def sentence(self) -> str:
        """Where the audit stands, in plain words."""
        if self.certified:
            return wording.audit_certified(self.right, self.wrong, self.alpha, self.delta)
        return wording.audit_open(self.right, self.wrong, self.clean_answers_needed, self.alpha, self.delta)

    @property
    def _log_e_value(self) -> float:
        return self.right * _log_right(self.alpha) - self.wrong * log(BET)


def audit_sample(accepted_index_K: NDArray[np.int64], count: int, seed: int) -> NDArray[np.int64]:
    """Draw images to look at, uniformly and with replacement.

    A longer draw with the same seed begins with the shorter one, so an audit that needs more answers goes on where it
    stopped.

    Args:
        accepted_index_K: the accepted images, in an order that stays the same.
        count: how many to draw.
        seed: the draw depends on it and on the arguments alone.

    Returns:
        int64, shape (count,), images in the order in which they are to be looked at.

    Raises:
        InvalidData: nothing was accepted.
        InvalidConfig: count is negative.

    Source: audits of a finite set by random draws, 2107.11323.
    """
    if not len(accepted_index_K):
        raise InvalidData("An audit needs at least one accepted pseudo-label. Got none.")
    if count < 0:
        raise InvalidConfig("count", "at least 0", count)
    drawn = np.random.default_rng(seed).random(count) * len(accepted_index_K)
    return accepted_index_K[drawn.astype(np.int64)]


def _log_right(alpha: float) -> float:
    """What one right answer adds to the logarithm of the e-value."""
    return log((1 - alpha / BET) / (1 - alpha))


def _excluded_from(right: int, wrong: int, delta: float) -> float:
    """The smallest alpha that these answers exclude: where the e-value, which rises with alpha, is 1/delta."""
    if not right:
        return 1.0
    exponent = (wrong * log(BET) - log(delta)) / right
    return 1.0 if exponent > _LARGEST_EXPONENT else (exp(exponent) - 1) / (exp(exponent) - 1 / BET)
