"""The gate within a round: what it was asked, what it answered, and which pseudo-labels teach because of it.

A check freezes a snapshot: the teacher's scores at that moment and the threshold that they were judged by. A snapshot
that was let in stays in force until a later check lets in another one; a later check that proves nothing leaves it
alone, because its own certificate still holds. Only the guard, when the loss on the validation sample got worse while
it taught, discards it. Must never import trainer.

Dimensions: N images of the stream, V validation images, W views.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, fields
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ssmae import tensor_file
from ssmae.config import GateConfig
from ssmae.data import RoundData
from ssmae.gate import ClassEvidence, GateDecision, build_gate, build_guard, in_force, validation_losses
from ssmae.proposals import Proposals, Scores, evidence, propose, teaching_labels


class Gating:
    """The gate of one round, its decisions, and the snapshot in force.

    Attributes:
        decisions: the answers so far, in order.
    """

    def __init__(self, data: RoundData, config: GateConfig) -> None:
        self._data, self._wanted = data, config.checks
        self._gate, self._guard = build_gate(config), build_guard(config)
        self._scores: Scores | None = None
        self._losses_V: NDArray[np.float64] | None = None
        self.decisions: list[GateDecision] = []

    @property
    def checks(self) -> int:
        """How often this round asks: no check that could not open whatever the answers are."""
        return self._gate.affordable_checks(self._wanted, answered=len(self._data.validation_index_V))

    def ask(self, probabilities_WNC: NDArray[np.float32], *, checks: int) -> NDArray[np.int64]:
        """Judge the teacher as it is now.

        Args:
            probabilities_WNC: of every image of the stream, the weak view first.
            checks: how many the round makes in all.

        Returns:
            The pseudo-labels that teach from now on, int64 (N,), NO_LABEL where there is none.

        Source: SSMAE, 2601.20072 (validation opens the gate); that a snapshot is frozen is own: what teaches is what
        was judged.
        """
        data = self._data
        scores = Scores.of(probabilities_WNC, self._gate.score)
        decision = self._gate.decide(evidence(data, scores), checks=checks, earlier=self.decisions)
        has_label_V = data.validation_labels_V >= 0
        weak_VC = probabilities_WNC[0, data.validation_index_V[has_label_V]]
        losses_V = validation_losses(weak_VC, data.validation_labels_V[has_label_V])
        kept = in_force(self.decisions)
        if self._guard is not None and self._losses_V is not None and kept is not None:
            decision = self._guard.judge(decision, before_V=self._losses_V, now_V=losses_V)
        self._losses_V = losses_V
        self.decisions.append(decision)
        holds = in_force(self.decisions)
        if self._scores is None or holds is None or holds is not kept:
            self._scores = scores  # else what was frozen stays
        return teaching_labels(data, self._scores, holds)

    def released_labels(self) -> NDArray[np.int64]:
        """labels_N with the validation answers among them; only for after the last check.

        Source: own; answers that will not judge any more are worth most as labels.
        """
        labels_N = self._data.labels_N.copy()
        labels_N[self._data.validation_index_V] = self._data.validation_labels_V
        return labels_N

    def proposals(self, score: Callable[[], NDArray[np.float32]]) -> Proposals:
        """One for each image that nobody labelled: of the snapshot in force, else of the teacher as it is now.

        Args:
            score: gives probabilities_WNC of every image of the stream; called only if nothing is in force.

        Source: own; people are shown what taught, not what would teach by now.
        """
        holds = in_force(self.decisions)
        scores = self._scores if holds is not None else Scores.of(score(), self._gate.score)
        assert scores is not None  # a snapshot in force has scores
        return propose(self._data, scores, holds)

    def tensors(self) -> dict[str, torch.Tensor]:
        """The frozen scores and the last validation losses, for a half-way state; see `facts`."""
        kept: dict[str, NDArray[Any]] = {}
        if self._scores is not None:
            kept |= {f"gating.scores.{item.name}": getattr(self._scores, item.name) for item in fields(Scores)}
        if self._losses_V is not None:
            kept["gating.losses_V"] = self._losses_V
        return {name: torch.from_numpy(np.array(value)) for name, value in kept.items()}

    def facts(self) -> list[dict[str, Any]]:
        """The decisions, ready for JSON."""
        return [asdict(decision) for decision in self.decisions]

    def restore(self, tensors: dict[str, torch.Tensor], facts: list[dict[str, Any]]) -> None:
        """Carry on from `tensors()` and `facts()`."""
        self.decisions = [_decision(values) for values in facts]
        kept = tensor_file.part(tensors, "gating")
        if "losses_V" in kept:
            self._losses_V = kept["losses_V"].numpy()
        if scores := tensor_file.part(kept, "scores"):
            self._scores = Scores(**{name: value.numpy() for name, value in scores.items()})


def _decision(values: dict[str, Any]) -> GateDecision:
    classes = tuple(ClassEvidence(**one) for one in values["classes"])
    return GateDecision(**values | {"blocked": tuple(values["blocked"]), "classes": classes})
