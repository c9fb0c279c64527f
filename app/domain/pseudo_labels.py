"""The life of a pseudo-label."""

from __future__ import annotations

from enum import StrEnum


class PseudoLabelStatus(StrEnum):
    """Where a label proposed by the model stands."""

    PROPOSED = "proposed"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    REVIEWED = "reviewed"
    REVOKED = "revoked"
    SUPERSEDED = "superseded"
    EXPIRED = "expired"


_S = PseudoLabelStatus

PSEUDO_LABEL_TRANSITIONS: dict[PseudoLabelStatus, frozenset[PseudoLabelStatus]] = {
    _S.PROPOSED: frozenset({_S.ACCEPTED, _S.REJECTED, _S.EXPIRED}),
    _S.ACCEPTED: frozenset({_S.REVOKED, _S.SUPERSEDED, _S.EXPIRED}),
    _S.REJECTED: frozenset({_S.REVIEWED, _S.EXPIRED}),
    _S.REVIEWED: frozenset({_S.REJECTED, _S.EXPIRED}),
    _S.REVOKED: frozenset({_S.ACCEPTED, _S.SUPERSEDED, _S.EXPIRED}),
    _S.SUPERSEDED: frozenset({_S.ACCEPTED, _S.REVOKED, _S.EXPIRED}),
    _S.EXPIRED: frozenset(),
}
