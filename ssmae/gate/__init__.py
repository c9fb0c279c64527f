"""May pseudo-labels teach? The gate answers from people's answers on a validation sample, with a finite-sample bound.

Promise of `LearnThenTestGate`: over all checks of a round together, the probability that more than `alpha` of the
pseudo-labels that any of them accepted are wrong is at most `delta`, whatever the model is, as long as the validation
images are a uniform random sample of the sampling frame and were treated by training exactly like the rest of it. The
accepted images of the validation sample count among the accepted. NumPy and SciPy only: never import torch, a database
or a screen here.

Source: Learn-then-Test with multi-start fixed-sequence testing (2110.01052); exact binomial tail; delta spending over
repeated checks by counting earlier outcomes (1506.02629). The paper behind SSMAE (2601.20072) opens at a point
estimate of 70 % instead; we depart from it because one lucky image would open that gate. `PointEstimateGate` is there
to compare with.
"""

from ssmae.gate.audit import Audit, audit_sample
from ssmae.gate.bounds import binomial_tail, error_upper_bound, excess_tail, holm, smallest_sample
from ssmae.gate.decision import ClassEvidence, GateDecision, in_force
from ssmae.gate.evidence import PredictedClasses, ValidationEvidence
from ssmae.gate.guard import LossGuard, validation_losses
from ssmae.gate.learn_then_test import LearnThenTestGate
from ssmae.gate.levels import CHAIN_STARTS, COVERAGE_LEVELS
from ssmae.gate.rules import Gate, build_gate, build_guard
from ssmae.gate.scores import consistency_scores, smallest_scores
from ssmae.gate.spending import affordable_checks, delta_left, delta_of_check, required_validation_size
from ssmae.gate.unproven import AlwaysOpenGate, PointEstimateGate

__all__ = [
    "CHAIN_STARTS",
    "COVERAGE_LEVELS",
    "AlwaysOpenGate",
    "Audit",
    "ClassEvidence",
    "Gate",
    "GateDecision",
    "LearnThenTestGate",
    "LossGuard",
    "PointEstimateGate",
    "PredictedClasses",
    "ValidationEvidence",
    "affordable_checks",
    "audit_sample",
    "binomial_tail",
    "build_gate",
    "build_guard",
    "consistency_scores",
    "delta_left",
    "delta_of_check",
    "error_upper_bound",
    "excess_tail",
    "holm",
    "in_force",
    "required_validation_size",
    "smallest_sample",
    "smallest_scores",
    "validation_losses",
]
