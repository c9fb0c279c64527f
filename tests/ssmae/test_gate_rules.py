"""Every gate a configuration can name: what all of them must keep, and the rule of the SSMAE paper in its own words."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ssmae.config import GateConfig, GateRule
from ssmae.errors import InvalidConfig
from ssmae.gate import (
    AlwaysOpenGate,
    GateDecision,
    LearnThenTestGate,
    LossGuard,
    PointEstimateGate,
    ValidationEvidence,
    build_gate,
    build_guard,
    in_force,
)
from tests.ssmae.gate_cases import NOTHING, evidence, evidences

EVERY_RULE = pytest.mark.parametrize("rule", list(GateRule))


def test_build_gate__takes_its_settings_from_the_configuration() -> None:
    config = GateConfig(alpha=0.2, delta=0.1, opens_at=0.8, confidence=0.9)
    gates = {rule: build_gate(GateConfig.from_dict(config.to_dict() | {"rule": rule})) for rule in GateRule}
    assert gates == {
        GateRule.LEARN_THEN_TEST: LearnThenTestGate(0.2, 0.1),
        GateRule.POINT_ESTIMATE: PointEstimateGate(opens_at=0.8, confidence=0.9),
        GateRule.ALWAYS_OPEN: AlwaysOpenGate(confidence=0.9),
    }


def test_build_guard__only_beside_the_rule_that_proves_its_bound_and_only_if_asked_for() -> None:
    assert build_guard(GateConfig()) == LossGuard()
    assert build_guard(GateConfig(loss_guard=False)) is None
    assert build_guard(GateConfig(rule=GateRule.POINT_ESTIMATE)) is None
    assert build_guard(GateConfig(rule=GateRule.ALWAYS_OPEN)) is None


@EVERY_RULE
def test_every_gate__scores_zero_where_views_disagree_and_takes_the_weak_views_class(rule) -> None:
    views_WNC = np.random.default_rng(0).dirichlet(np.ones(3), (3, 200)).astype(np.float32)
    scores_N, predicted_N = build_gate(GateConfig(rule=rule)).score(views_WNC)
    classes_WN = views_WNC.argmax(axis=2)
    assert predicted_N.tolist() == classes_WN[0].tolist()
    assert ((scores_N > 0) == (classes_WN == classes_WN[0]).all(axis=0)).all()
    assert (scores_N <= views_WNC.max(axis=(0, 2)) + 1e-6).all()


@EVERY_RULE
@given(case=evidences(), checks=st.integers(1, 3))
@settings(deadline=None)
def test_every_gate__says_what_it_accepts_and_why(rule, case: ValidationEvidence, checks: int) -> None:
    gate = build_gate(GateConfig(rule=rule, alpha=0.3, delta=0.4, confidence=0.5))
    decisions: list[GateDecision] = []
    for check in range(1, checks + 1):
        decision = gate.decide(case, checks=checks, earlier=decisions)
        assert decision.check == check
        assert re.match(r"(Open|Closed): \S", decision.reason)
        assert decision.reason.startswith("Open") == decision.is_open
        assert decision.reason.endswith(".")
        if decision.is_open:
            assert decision.threshold is not None
            assert case.classes is not None
            assert decision.threshold > 0
            is_accepted_F = case.frame_scores_F >= decision.threshold
            is_accepted_F &= ~np.isin(case.classes.of_frame_F, decision.blocked)
            assert decision.coverage == pytest.approx(is_accepted_F.mean())
            is_accepted_V = case.scores_V >= decision.threshold
            assert (decision.n, decision.errors) == (is_accepted_V.sum(), (is_accepted_V & ~case.is_correct_V).sum())
        else:
            assert (decision.threshold, decision.coverage, decision.blocked) == (None, 0.0, ())
        decisions.append(decision)
    with pytest.raises(InvalidConfig, match=f"within 1 to checks={checks}"):
        gate.decide(case, checks=checks, earlier=decisions)


@pytest.mark.parametrize("rule", [GateRule.LEARN_THEN_TEST, GateRule.POINT_ESTIMATE])
def test_every_gate_that_can_close__is_closed_without_evidence(rule) -> None:
    assert not build_gate(GateConfig(rule=rule)).decide(NOTHING).is_open


def test_point_estimate__one_lucky_image_opens_it() -> None:
    decision = PointEstimateGate().decide(evidence(1, 0, score=0.96))
    assert decision.is_open
    assert decision.reason == (
        "Open: 1 of 1 validation image confident above 0.95 on all views was right (100 %, asked for: 70 %). "
        "Nothing is proven about the others."
    )
    assert (decision.delta, decision.bound) == (1.0, None)


def test_point_estimate__opens_from_exactly_seventy_per_cent_and_closes_below() -> None:
    gate = PointEstimateGate()
    assert gate.decide(evidence(10, 3)).is_open
    assert gate.decide(evidence(110, 33)).is_open
    closed = gate.decide(evidence(10, 4))
    assert not closed.is_open
    assert "6 of 10 validation images confident above 0.95 on all views were right (60 %" in closed.reason


def test_point_estimate__asks_for_more_than_the_confidence_on_every_view() -> None:
    views_WNC = np.array([[[0.99, 0.01]] * 3, [[0.96, 0.04], [0.95, 0.05], [0.94, 0.06]]])
    gate = PointEstimateGate()
    scores_N, _ = gate.score(views_WNC)
    decision = gate.decide(ValidationEvidence(scores_N, np.ones(3, bool), scores_N))
    assert decision.threshold is not None
    assert (scores_N >= decision.threshold).tolist() == [True, False, False]


def test_point_estimate__closing_takes_back_what_it_had_let_in() -> None:
    gate = PointEstimateGate()
    first = gate.decide(evidence(10, 0), checks=2)
    second = gate.decide(evidence(10, 9), checks=2, earlier=[first])
    assert in_force([first, second]) is None


def test_always_open__accepts_the_confident_whatever_people_said() -> None:
    decision = AlwaysOpenGate().decide(evidence(10, 10))
    assert decision.is_open
    assert decision.coverage == 1.0
    assert decision.reason == (
        "Open: every image confident above 0.95 on all views is accepted; there is no gate. "
        "Of 10 validation images of that kind 10 were wrong."
    )
    assert AlwaysOpenGate().decide(NOTHING).is_open


def test_rules_that_prove_nothing__need_no_answers_to_be_asked_often() -> None:
    assert PointEstimateGate().affordable_checks(5, answered=0) == 5
    assert AlwaysOpenGate().affordable_checks(5, answered=0) == 5


@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan")])
def test_rules_that_prove_nothing__refuse_what_is_no_share(value: float) -> None:
    with pytest.raises(InvalidConfig, match="within 0 to 1"):
        PointEstimateGate(opens_at=value)
    with pytest.raises(InvalidConfig, match="within 0 to 1"):
        AlwaysOpenGate(confidence=value)
