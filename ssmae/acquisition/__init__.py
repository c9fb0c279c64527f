"""Which images to ask people about next: scores per image, and the choice of a whole selection from them.

NumPy only, with scikit-learn behind `clustering`; never import torch, a database or a screen here. Every selection
holds a share drawn uniformly whatever the strategy: it keeps blind spots visible and lets a random baseline be read
off later.

To add a strategy: a member of `config.Acquisition`, a function of `Request` in `strategies`, and its line in the table
there.
"""

from ssmae.acquisition.request import COLD_START, NEEDS_EMBEDDINGS, Pick
from ssmae.acquisition.scores import entropy_scores, margin_scores
from ssmae.acquisition.selection import select
from ssmae.clustering import pixel_embeddings

__all__ = ["COLD_START", "NEEDS_EMBEDDINGS", "Pick", "entropy_scores", "margin_scores", "pixel_embeddings", "select"]
