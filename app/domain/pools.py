"""Which pool an image is in, and who may learn from it."""

from __future__ import annotations

from enum import StrEnum


class Pool(StrEnum):
    """An image is in exactly one pool."""

    UNLABELLED = "unlabelled"
    PSEUDO_LABELLED = "pseudo_labelled"
    LABELLED = "labelled"
    EXCLUDED = "excluded"


POOL_TRANSITIONS: dict[Pool, frozenset[Pool]] = {
    Pool.UNLABELLED: frozenset({Pool.PSEUDO_LABELLED, Pool.LABELLED, Pool.EXCLUDED}),
    Pool.PSEUDO_LABELLED: frozenset({Pool.UNLABELLED, Pool.LABELLED, Pool.EXCLUDED}),
    Pool.LABELLED: frozenset({Pool.UNLABELLED, Pool.EXCLUDED}),
    Pool.EXCLUDED: frozenset({Pool.UNLABELLED}),
}


class Split(StrEnum):
    """Who may learn from an image: train teaches, validation judges the gate, test only reports."""

    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"
