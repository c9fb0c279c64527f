"""How good the encoder is, read in three ways: a linear probe, nearest neighbours, fine-tuning.

Each learns from the labels of a training part and answers for a held-out part; the held-out labels are looked at once,
to count the right answers.
"""

from ssmae.readouts.fine_tuning import fine_tune, labels_only
from ssmae.readouts.frozen import linear_probe, nearest_neighbours
from ssmae.readouts.readout import Readout

__all__ = ["Readout", "fine_tune", "labels_only", "linear_probe", "nearest_neighbours"]
