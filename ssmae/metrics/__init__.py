"""How good is it, how sure may we be, and how many more labels: statistics on people's answers.

The web server imports this package, so it must stay light: NumPy and scipy.special only, never torch, scikit-learn,
scipy.optimize or scipy.stats (each costs a page a fifth of a second or more). Choosing which answers to compare with is
the caller's duty: the test split for accuracy shown, never for a decision of the learner.
"""

from ssmae.metrics.accuracy import accuracy_interval, interval_half_width
from ssmae.metrics.calibration import (
    CALIBRATION_BINS,
    ReliabilityBin,
    expected_calibration_error,
    fit_temperature,
    reliability,
    with_temperature,
)
from ssmae.metrics.comparison import mcnemar
from ssmae.metrics.learning_curve import (
    LEAST_ROUNDS,
    LEAST_SPAN,
    Forecast,
    PowerLaw,
    can_forecast,
    forecast_labels,
    label_span,
)

__all__ = [
    "CALIBRATION_BINS",
    "LEAST_ROUNDS",
    "LEAST_SPAN",
    "Forecast",
    "PowerLaw",
    "ReliabilityBin",
    "accuracy_interval",
    "can_forecast",
    "expected_calibration_error",
    "fit_temperature",
    "forecast_labels",
    "interval_half_width",
    "label_span",
    "mcnemar",
    "reliability",
    "with_temperature",
]
