"""What a checkpoint says of the images that taught it, so that none of them judges it later.

Dimensions: U images without a label, A with one that was made use of.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ssmae.commands.options import TEST_SHARE
from ssmae.errors import InvalidData

_SHARE, _KNOWN, _TAUGHT, _ANSWERED = "held_out_below", "start_known", "taught_below", "answered"

UNKNOWN_PAST = "Note: it is not known which images taught these weights before; some of them may be held out here."


@dataclass(frozen=True)
class Past:
    """What a checkpoint says of the images that taught it, and the rounds that it began with.

    Attributes:
        test_share: none whose content has a number below this; None if it says nothing.
        is_known: whether that holds for what it began with, too.
        taught: the numbers below the share that taught nonetheless, without a label.
        answered: the numbers of the images whose label taught, or judged the gate.
    """

    test_share: float | None
    is_known: bool
    taught: frozenset[float] = frozenset()
    answered: frozenset[float] = frozenset()

    @classmethod
    def of(cls, remarks: dict[str, Any]) -> Past:
        """As `remarks` wrote it."""
        taught, answered = (frozenset(remarks.get(name, ())) for name in (_TAUGHT, _ANSWERED))
        return cls(remarks.get(_SHARE), bool(remarks.get(_KNOWN, False)), taught, answered)

    def remarks(self) -> dict[str, Any]:
        """For a checkpoint."""
        return {
            _SHARE: self.test_share,
            _KNOWN: self.is_known,
            _TAUGHT: sorted(self.taught),
            _ANSWERED: sorted(self.answered),
        }

    def after(self, test_share: float, unlabelled_U: NDArray[np.float64], answered_A: NDArray[np.float64]) -> Past:
        """What there is to say after one more round.

        Args:
            test_share: of that round.
            unlabelled_U: numbers of its images without a label.
            answered_A: numbers of those whose label taught or judged.
        """
        below = unlabelled_U[unlabelled_U < test_share].tolist()
        return Past(test_share, self.is_known, self.taught.union(below), self.answered.union(answered_A.tolist()))

    def share(self, asked: float | None) -> float:
        """The test share to divide a folder by.

        Args:
            asked: None for that of the past, or `TEST_SHARE`.

        Raises:
            InvalidData: that would hold out images that taught.
        """
        usual = TEST_SHARE if self.test_share is None else self.test_share
        share = usual if asked is None else asked
        if self.test_share is not None and share > self.test_share:
            raise InvalidData(
                f"The test share must be at most {self.test_share:g}, that of the checkpoint's training: else images "
                f"that taught it judge it. Got {share:g}."
            )
        return share


NO_PAST = Past(None, is_known=True)
"""Of a round that starts from scratch."""
