"""What a round would train on if it were queued now, and whether its gate could open."""

from __future__ import annotations

from dataclasses import dataclass

from app.db.queries import images, rounds
from app.db.unit_of_work import UnitOfWork
from app.domain.pools import Pool, Split
from app.services import validation
from ssmae.config import GateConfig, GateRule, required_answers


@dataclass(frozen=True, kw_only=True)
class Preview:
    """What a round would train on if it were queued now.

    Attributes:
        judging: validation images that would judge the gate: those up to which the sample was answered in turn.
        skipped: those of them without a label; each counts as an error.
        gate: how the gate decides.
        needed: judging images without which the gate stays closed whatever was answered.
        parent_number: the round whose encoder "last" would resume; None if there is none.
    """

    training: int
    validation: int
    judging: int
    skipped: int
    test: int
    unlabelled: int
    excluded: int
    gate: GateConfig
    needed: int
    parent_number: int | None

    @property
    def labels(self) -> int:
        """Training plus validation labels."""
        return self.training + self.validation

    @property
    def can_open(self) -> bool:
        """Whether the gate has a chance to open, whatever the answers are."""
        return self.gate.rule is not GateRule.LEARN_THEN_TEST or self.judging >= self.needed

    @property
    def gate_sentence(self) -> str:
        """Whether pseudo-labels have a chance in this round, and by which rule."""
        match self.gate.rule:
            case GateRule.ALWAYS_OPEN:
                return "There is no gate: every confident pseudo-label is accepted, and nothing is proven about them."
            case GateRule.POINT_ESTIMATE:
                return (
                    f"The gate opens if {self.gate.opens_at:.0%} of the confident validation images are right; that "
                    "proves nothing about the pseudo-labels that it lets in."
                )
            case GateRule.LEARN_THEN_TEST:
                return " ".join([self._evidence, *self._out_of_turn])

    @property
    def _evidence(self) -> str:
        skips = f", {self.skipped} of them by a skip, which counts as an error" if self.skipped else ""
        if self.can_open:
            return (
                f"{self.judging} validation images are answered{skips}; {self.needed} are enough for the gate to open "
                "if the model is good."
            )
        return (
            f"The gate will stay closed: {self.judging} of at least {self.needed} validation images are answered"
            f"{skips}. The model will still learn from the labels and from every image, but its own labels will not be "
            "accepted."
        )

    @property
    def _out_of_turn(self) -> list[str]:
        extra = self.validation - (self.judging - self.skipped)
        if not extra:
            return []
        return [f"Answered out of turn: {extra} more, which judge once the sample is answered up to them."]


def preview(uow: UnitOfWork, project_id: int, gate: GateConfig) -> Preview:
    """What a round would train on now, and whether its gate could open."""
    counts = uow.recent(images.pool_counts, project_id)
    parent = rounds.last_succeeded(uow.session, project_id)
    draft = rounds.draft(uow.session, project_id)
    judges = validation.judges(uow, draft.id) if draft else []
    return Preview(
        training=counts.get((Split.TRAIN, Pool.LABELLED), 0),
        validation=counts.get((Split.VALIDATION, Pool.LABELLED), 0),
        judging=len(judges),
        skipped=sum(not one.is_labelled for one in judges),
        test=counts.get((Split.TEST, Pool.LABELLED), 0),
        unlabelled=sum(
            count
            for (split, pool), count in counts.items()
            if split is not Split.TEST and pool in {Pool.UNLABELLED, Pool.PSEUDO_LABELLED}
        ),
        excluded=sum(count for (_, pool), count in counts.items() if pool is Pool.EXCLUDED),
        gate=gate,
        needed=needed_validation(gate),
        parent_number=parent.number if parent else None,
    )


def needed_validation(gate: GateConfig) -> int:
    """Answered validation images without which the gate stays closed, whatever the answers are.

    Enough for a single check: a round that has too few answers for several makes one.
    """
    return required_answers(gate.alpha, gate.delta)
