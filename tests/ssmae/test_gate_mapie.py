"""The gate held against MAPIE's risk control, an independent implementation of Learn-then-Test."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from mapie.risk_control import BinaryClassificationController, BinaryRisk, FWERFixedSequenceTesting, control_fwer
from mapie.risk_control.methods import compute_hoeffding_bentkus_p_value

from ssmae.config import chains_share
from ssmae.gate import COVERAGE_LEVELS, LearnThenTestGate, binomial_tail, holm
from tests.ssmae.gate_cases import Project, project

ERROR_AMONG_ACCEPTED = BinaryRisk(
    risk_occurrence=lambda y_true, y_pred: y_pred.ravel() != y_true.ravel(),
    risk_condition=lambda _, y_pred: y_pred.ravel() == 1,
    higher_is_better=False,
)
# MAPIE starts its chains at equal distances, which are ours for one chain (55, 70, 85) and for two (25 and 55 of five).
STARTS = {100: (55, 1), 300: (25, 2)}


def thresholds(case: Project, start: int) -> np.ndarray:
    """Of the coverages from `start` upwards: the grid that both are given."""
    ranked_F = np.sort(case.scores_F)[::-1]
    return np.array([ranked_F[percent * len(ranked_F) // 100 - 1] for percent in COVERAGE_LEVELS if percent >= start])


def counts(case: Project, picked: np.ndarray, thresholds_T: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Errors and validation images at each threshold."""
    is_accepted_TV = case.scores_F[picked] >= thresholds_T[:, None]
    return (is_accepted_TV & ~case.is_correct_F[picked]).sum(axis=1), is_accepted_TV.sum(axis=1)


def mapie_p_values(errors_T: np.ndarray, n_T: np.ndarray, alpha: float) -> np.ndarray:
    # It recovers the number of errors by rounding n * rate up: keep the rate from rounding beyond it.
    rate_T = np.nextafter(errors_T / n_T, 0)
    return compute_hoeffding_bentkus_p_value(rate_T, n_T.astype(float), alpha, binary=True)[:, 0]


@pytest.mark.parametrize("alpha", [0.02, 0.1, 0.3])
def test_binomial_tail__is_mapies_p_value(alpha: float) -> None:
    for n in (1, 7, 46, 150, 400):
        errors = np.arange(int(alpha * n) + 1)
        theirs = mapie_p_values(errors, np.full(len(errors), n), alpha)
        assert [binomial_tail(int(count), n, alpha) for count in errors] == pytest.approx(theirs, rel=1e-9)


@pytest.mark.parametrize("answered", STARTS)
def test_decide__accepts_what_mapies_fixed_sequence_testing_accepts(answered: int) -> None:
    start, chains = STARTS[answered]
    gate = LearnThenTestGate(alpha=0.10, delta=0.05)
    ours, theirs = [], []
    for seed in range(300):
        generator = np.random.default_rng(seed)
        case = project(generator, error=generator.uniform(0.02, 0.4), sharpness=4.0)
        picked = generator.choice(len(case.scores_F), answered, replace=False)
        thresholds_T = thresholds(case, start)
        p_values_T = mapie_p_values(*counts(case, picked, thresholds_T), gate.alpha)
        valid = control_fwer(p_values_T, chains_share(gate.delta), FWERFixedSequenceTesting(chains))
        theirs.append(thresholds_T[valid].min() if len(valid) else None)
        ours.append(gate.decide(case.evidence(picked)).threshold)
    assert ours == theirs
    assert 50 < sum(threshold is None for threshold in ours) < 250


def test_decide__accepts_what_mapies_controller_accepts_from_end_to_end() -> None:
    gate = LearnThenTestGate(alpha=0.10, delta=0.05)
    compared = 0
    for seed in range(200):
        generator = np.random.default_rng(seed)
        case = project(generator, error=generator.uniform(0.02, 0.4), sharpness=4.0)
        picked = generator.choice(len(case.scores_F), 100, replace=False)
        thresholds_T = thresholds(case, 55)
        controller = BinaryClassificationController(
            lambda scores: np.stack([1 - scores, scores], axis=1),
            ERROR_AMONG_ACCEPTED,
            target_level=gate.alpha,
            confidence_level=1 - chains_share(gate.delta),
            best_predict_param_choice="recall",
            list_predict_params=thresholds_T,
            fwer_method="fixed_sequence",
        )
        with warnings.catch_warnings():  # where nothing is proven, and where errors do not become rarer with the score
            warnings.simplefilter("ignore", UserWarning)
            controller.calibrate(case.scores_F[picked], case.is_correct_F[picked].astype(int))
        errors_T, n_T = counts(case, picked, thresholds_T)
        p_values_T = mapie_p_values(errors_T, n_T, gate.alpha)
        assert controller.p_values is not None
        if not np.allclose(controller.p_values[:, 0], p_values_T) or (np.diff(errors_T / n_T) < 0).any():
            continue  # its rounding took one error for two, or it turned the sequence round, having seen the answers
        compared += 1
        valid = controller.valid_predict_params
        assert gate.decide(case.evidence(picked)).threshold == (float(valid.min()) if len(valid) else None)
    assert compared > 50


@pytest.mark.parametrize("delta", [0.01, 0.05, 0.2])
def test_holm__is_mapies(delta: float) -> None:
    generator = np.random.default_rng(0)
    for _ in range(200):
        p_values_H = generator.beta(0.3, 3, generator.integers(1, 12))
        ours = holm(p_values_H, np.zeros(len(p_values_H)), delta)
        assert np.flatnonzero(ours).tolist() == control_fwer(p_values_H, delta, "bonferroni_holm").tolist()
