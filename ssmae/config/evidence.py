"""How many human answers the gate needs at the least: the gate asks for them, and the server says so beforehand.

Standard library only: the server must not import the gate.
"""

from __future__ import annotations

from ssmae.errors import InvalidConfig

WIDEST_START = 55
"""The widest percentage of the sampling frame, hence of the sample, at which the gate may begin to test."""

BLOCKING_SHARE = 0.03
"""Share of a check's delta for blocks. Blocks need overwhelming evidence anyway, and the logarithm of their share is
what counts; the chains hardly miss it."""


def chains_share(spent: float) -> float:
    """What is left of a check's delta for its chains of levels; blocks have their share even if no class is bad.

    Source: own; by the union bound over blocks and chains any shares will do, and blocks need little.
    """
    return (1 - BLOCKING_SHARE) * spent


def required_answers(alpha: float, spent: float) -> int:
    """Answered validation images without which a check that spends so much stays closed, whatever the answers are.

    So many that, where the widest chain begins, a single error among n would still prove the error rate:
    P(at most one error among n) <= what the chains may spend.

    Raises:
        InvalidConfig: alpha or spent is not strictly between 0 and 1.

    Source: own; how many answers a check needs must be known before anybody is asked.
    """
    for name, value in (("alpha", alpha), ("delta", spent)):
        if not 0 < value < 1:
            raise InvalidConfig(name, "strictly between 0 and 1", value)
    n = 2
    while (1 - alpha) ** n + n * alpha * (1 - alpha) ** (n - 1) > chains_share(spent):
        n += 1
    return -(-100 * n // WIDEST_START)
