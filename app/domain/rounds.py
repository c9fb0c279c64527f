"""The life of a round and of its selection."""

from __future__ import annotations

from enum import StrEnum


class RoundStatus(StrEnum):
    """Where a round stands. A draft collects answers; the other statuses belong to training."""

    DRAFT = "draft"
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


ROUND_TRANSITIONS: dict[RoundStatus, frozenset[RoundStatus]] = {
    RoundStatus.DRAFT: frozenset({RoundStatus.QUEUED, RoundStatus.CANCELLED}),
    RoundStatus.QUEUED: frozenset({RoundStatus.RUNNING, RoundStatus.CANCELLED}),
    RoundStatus.RUNNING: frozenset(
        {RoundStatus.SUCCEEDED, RoundStatus.FAILED, RoundStatus.CANCELLED, RoundStatus.QUEUED}
    ),
    RoundStatus.SUCCEEDED: frozenset(),
    RoundStatus.FAILED: frozenset({RoundStatus.QUEUED}),
    RoundStatus.CANCELLED: frozenset(),
}

ACTIVE = frozenset({RoundStatus.QUEUED, RoundStatus.RUNNING})
"""A project has at most one round in these."""


class SelectionStatus(StrEnum):
    """Whether the images of a draft have been chosen yet."""

    PENDING = "pending"
    READY = "ready"
    FAILED = "failed"


class ImportStatus(StrEnum):
    """Where an import stands; an interrupted one is resumed by importing the same source again."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


class LabelUse(StrEnum):
    """What an import does with the classes that come with its images."""

    LABELS = "labels"
    SEALED = "sealed"
    HINTS = "hints"
    IGNORED = "ignored"

    @property
    def label(self) -> str:
        """Plain words for a person."""
        return _LABEL_USES[self]


_LABEL_USES = {
    LabelUse.LABELS: "as labels: they are correct, train on them",
    LabelUse.SEALED: "sealed: known to the server, shown to no one, to try strategies with a simulated annotator",
    LabelUse.HINTS: "as hints: shown beside the image, never trained on",
    LabelUse.IGNORED: "not at all: only the class names are kept",
}
