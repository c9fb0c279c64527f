"""Numbers in sentences that the server itself says."""

from __future__ import annotations


def percent(share: float) -> str:
    """As many decimals as are needed, at most two: a target is said as it was set."""
    return f"{100 * share:.2f}".rstrip("0").rstrip(".") + " %"
