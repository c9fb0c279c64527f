"""Numbers and times in the words that every page uses."""

from __future__ import annotations

from datetime import UTC, datetime

from app.services.reports import Accuracy
from ssmae.config import StartFrom


def percent(share: float | None) -> str:
    """One decimal, or a dash."""
    return "–" if share is None else f"{100 * share:.1f} %"


def interval(accuracy: Accuracy) -> str:
    """For instance "88.0 % to 95.6 %"; a dash when nothing was measured."""
    return f"{percent(accuracy.low)} to {percent(accuracy.high)}" if accuracy.n else "–"


def duration(seconds: float | None) -> str:
    """For instance "1 min 5 s"; a dash for None."""
    if seconds is None:
        return "–"
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def ago(at: datetime) -> str:
    """For instance "5 min ago"."""
    seconds = max(0.0, (datetime.now(UTC) - at).total_seconds())
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{int(seconds // size)} {unit} ago"
    return "just now"


def started(start: StartFrom, parent_number: int | None) -> str:
    """Where a round's weights came from."""
    match start:
        case StartFrom.LAST:
            return f"resumed round {parent_number}" if parent_number is not None else "resumed an earlier round"
        case StartFrom.SCRATCH:
            return "from scratch"
        case StartFrom.CHECKPOINT:
            return "from a checkpoint file"


def gate_word(is_open: bool | None) -> str:  # noqa: FBT001 - three states of one thing
    """Open, closed, or never asked."""
    return "–" if is_open is None else "open" if is_open else "closed"


def plain(text: str) -> str:
    """A name without meaning for Markdown."""
    return "".join(f"\\{one}" if one in "\\`*_{}[]()#+-.!|:~<>$" else one for one in text)
