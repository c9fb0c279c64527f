"""What the gate, the guard and the audit tell people, in sentences. Numbers of bounds are rounded up, never down."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

from ssmae.gate.decision import ClassEvidence, GateDecision
from ssmae.gate.evidence import ROUNDING
from ssmae.gate.levels import Level


def proven(level: Level, bound: float, alpha: float, delta: float) -> str:
    """Open, with proof."""
    return (
        f"Open: of {_images(level.n)} at confidence {_confidence(level.threshold)} or above {_wrong(level.errors)} "
        f"(upper bound {_at_most(bound)}), so with {_percent(1 - delta)} certainty at most the allowed "
        f"{_percent(alpha)} of the accepted pseudo-labels are wrong."
    )


def left_out(blocked: Sequence[ClassEvidence], names: Sequence[str]) -> str:
    """Which classes are blocked, to be appended; empty if none is."""
    if not blocked:
        return ""
    found = [f"{names[one.class_index]} ({one.errors} of {one.n} wrong)" for one in blocked]
    listed = " and ".join([", ".join(found[:-1]), found[-1]] if len(found) > 1 else found)
    return f" Left out, because they are wrong more often than that: {listed}."


def unproven(level: Level, alpha: float, share: float) -> str:
    """Closed: the level that came closest, tested at `share`."""
    confidence = _confidence(level.threshold)
    if not level.n:
        return (
            f"Closed: no validation image reached confidence {confidence}, so nothing is known about images above it."
        )
    return (
        f"Closed: of {_images(level.n)} at confidence {confidence} or above {_wrong(level.errors)}, so up to "
        f"{_at_most(level.error_bound(share))} of the pseudo-labels accepted there could be "
        f"wrong (allowed: {_percent(alpha)})."
    )


def too_few(answered: int, needed: int | None, alpha: float, delta: float) -> str:
    """Closed whatever the answers are; `needed` None if no number of them would do."""
    if needed is None:
        return "Closed: what earlier checks told has used up what may be spent; only a new round can open it."
    have = (
        "no validation image is answered yet" if not answered else f"only {_images(answered)} {_are(answered)} answered"
    )
    return (
        f"Closed: {have}, and {needed - answered} more {_are(needed - answered)} needed before an error of at most "
        f"{_percent(alpha)} can be proven with {_percent(1 - delta)} certainty."
    )


def nothing_to_accept(frame: int) -> str:
    """Closed: no image of the frame has a score above 0."""
    if not frame:
        return "Closed: the unlabelled pool is empty, so there is nothing to accept."
    return "Closed: no unlabelled image got the same class on all its views, so there is nothing to accept."


def stays(holds: GateDecision | None) -> str:
    """What remains although this check is closed, to be appended; empty if nothing does."""
    return f" What check {holds.check} let in stays in force." if holds else ""


def got_worse(images: int, before: float, now: float) -> str:
    """Closed by the guard."""
    return (
        f"Closed: on {_images(images)} the mean loss rose from {before:.3f} to {now:.3f} since the check before, "
        "so whatever was let in is taken back."
    )


def estimated(level: Level, confidence: float, opens_at: float, *, is_open: bool) -> str:
    """Open or closed by the SSMAE paper's rule."""
    if not level.n:
        return f"Closed: no validation image is confident above {confidence:g} on all its views."
    right = level.n - level.errors
    return (
        f"{'Open' if is_open else 'Closed'}: {right} of {_images(level.n)} confident above {confidence:g} on all "
        f"views {_were(right)} right ({_percent(right / level.n)}, asked for: {_percent(opens_at)}). "
        "Nothing is proven about the others."
    )


def never_closed(level: Level, confidence: float) -> str:
    """Open because there is no gate."""
    seen = f" Of {_images(level.n)} of that kind {_wrong(level.errors)}." if level.n else ""
    return f"Open: every image confident above {confidence:g} on all views is accepted; there is no gate.{seen}"


def audit_certified(right: int, wrong: int, alpha: float, delta: float) -> str:
    """The audit has proven what it was to prove."""
    return (
        f"Certified: of {_drawn(right + wrong)} {_wrong(wrong)}, so with {_percent(1 - delta)} certainty at most "
        f"{_percent(alpha)} of all that were accepted are wrong."
    )


def audit_open(right: int, wrong: int, needed: int, alpha: float, delta: float) -> str:
    """The audit goes on."""
    seen = f"of {_drawn(right + wrong)} {_wrong(wrong)}" if right + wrong else "nothing was looked at yet"
    return (
        f"Not certified: {seen}; {needed} right answer{'' if needed == 1 else 's'} in a row would show with "
        f"{_percent(1 - delta)} certainty that at most {_percent(alpha)} of all that were accepted are wrong."
    )


def _images(count: int) -> str:
    return f"{count} validation image{'' if count == 1 else 's'}"


def _drawn(count: int) -> str:
    return f"{count} pseudo-label{'' if count == 1 else 's'} drawn at random"


def _are(count: int) -> str:
    return "is" if count == 1 else "are"


def _were(count: int) -> str:
    return "was" if count == 1 else "were"


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
