"""What the screens and the command line show: plain frozen rows, computed from the database as it is now.

Accuracy is always that on the test split, with an exact 95 % interval; nothing here writes.
"""

from app.services.reports.accuracy import (
    Accuracy,
    CurvePoint,
    PoolsAt,
    learning_curve,
    newest_accuracy,
    pools_over_rounds,
)
from app.services.reports.agreement import Agreement, ClassAgreement, PairAgreement, agreement
from app.services.reports.comparison import Comparison, Difference, compare
from app.services.reports.disputes import Dispute, FlagRow, Opinion, Waiting, disputes, flags, opinions, waiting
from app.services.reports.forecast import LabelForecast, label_forecast
from app.services.reports.gate import GateClass, GateRow, gate_history
from app.services.reports.history import Act, Flag, History, Part, Use, history
from app.services.reports.next_step import NextStep, Situation, Target, next_step
from app.services.reports.overview import ImportRow, Overview, overview
from app.services.reports.people import LONGEST_SECONDS, SHARED, Day, Holder, Pace, QueueShare, pace, shares
from app.services.reports.preview import Preview, needed_validation, preview
from app.services.reports.quality import (
    ClassRow,
    Confusion,
    ImageRow,
    confusion,
    confusion_images,
    mistakes,
    per_class,
)
from app.services.reports.rounds import (
    Asked,
    Draft,
    EventRow,
    RoundDetails,
    RoundRow,
    draft,
    round_details,
    round_history,
)
from app.services.reports.training import LossPoint, Progress, TrainingCurve, progress_of, training_curve

__all__ = [
    "LONGEST_SECONDS",
    "SHARED",
    "Accuracy",
    "Act",
    "Agreement",
    "Asked",
    "ClassAgreement",
    "ClassRow",
    "Comparison",
    "Confusion",
    "CurvePoint",
    "Day",
    "Difference",
    "Dispute",
    "Draft",
    "EventRow",
    "Flag",
    "FlagRow",
    "GateClass",
    "GateRow",
    "History",
    "Holder",
    "ImageRow",
    "ImportRow",
    "LabelForecast",
    "LossPoint",
    "NextStep",
    "Opinion",
    "Overview",
    "Pace",
    "PairAgreement",
    "Part",
    "PoolsAt",
    "Preview",
    "Progress",
    "QueueShare",
    "RoundDetails",
    "RoundRow",
    "Situation",
    "Target",
    "TrainingCurve",
    "Use",
    "Waiting",
    "agreement",
    "compare",
    "confusion",
    "confusion_images",
    "disputes",
    "draft",
    "flags",
    "gate_history",
    "history",
    "label_forecast",
    "learning_curve",
    "mistakes",
    "needed_validation",
    "newest_accuracy",
    "next_step",
    "opinions",
    "overview",
    "pace",
    "per_class",
    "pools_over_rounds",
    "preview",
    "progress_of",
    "round_details",
    "round_history",
    "shares",
    "training_curve",
    "waiting",
]
