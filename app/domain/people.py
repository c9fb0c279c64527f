"""What a person may do: roles in rising order, and how disagreement between people is settled."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """What an account may do; every role may do what those before it may."""

    ANNOTATOR = "annotator"
    LEAD = "lead"
    ADMIN = "admin"

    def covers(self, needed: Role) -> bool:
        """Whether this role is the needed one or a higher one."""
        order = list(Role)
        return order.index(self) >= order.index(needed)

    @property
    def label(self) -> str:
        """What somebody of this role does: "an annotator labels and …"."""
        return _ROLE_LABELS[self]

    @property
    def article(self) -> str:
        """The word before it."""
        return "a" if self is Role.LEAD else "an"


_ROLE_LABELS = {
    Role.ANNOTATOR: "labels and reviews in the projects shared with them",
    Role.LEAD: "also runs these projects: rounds, imports, settings, decisions on disputed images",
    Role.ADMIN: "also sees every project, and manages people",
}


class Adjudication(StrEnum):
    """Which label an image has while people disagree about it."""

    MAJORITY = "majority"
    LEAD = "lead"

    @property
    def label(self) -> str:
        """The rule in a sentence."""
        return _ADJUDICATION_LABELS[self]


_ADJUDICATION_LABELS = {
    Adjudication.MAJORITY: "the class that most people chose; of a tie, the latest answer, until somebody else decides",
    Adjudication.LEAD: "none, until a lead decides",
}
