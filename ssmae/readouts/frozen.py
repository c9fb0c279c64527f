"""Readouts that leave the encoder as it is and look at its embeddings: linear probe and nearest neighbours.

Dimensions: N images of the training part, H held-out images, P held-out images at a time, K neighbours, D width of the
embedding, C classes.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from ssmae.errors import InvalidConfig, InvalidData
from ssmae.readouts.readout import Readout, check_classes, check_embeddings

FOLDS = 5
REGULARISATIONS = (1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0)
"""Inverse strengths C that the probe may choose from."""
NEIGHBOURS, NEIGHBOUR_TEMPERATURE = 20, 0.07
"""As in 2104.14294 and 1805.01978."""
_SIMILARITIES_AT_ONCE = 4_000_000


def linear_probe(
    embeddings_ND: NDArray[np.floating],
    labels_N: NDArray[np.integer],
    held_out_HD: NDArray[np.floating],
    held_out_labels_H: NDArray[np.integer],
    *,
    seed: int,
) -> Readout:
    """Multinomial logistic regression on standardised embeddings.

    Means, spreads and the strength of the L2 penalty come from the training part alone, the last by stratified
    cross-validation of the log loss (5 folds, fewer where a class has fewer labels).

    Args:
        embeddings_ND: the encoder's, for the training part.
        labels_N: their classes.
        held_out_HD: embeddings to answer for.
        held_out_labels_H: only counted against.
        seed: of the folds.

    Raises:
        InvalidData: a part is empty, lengths or widths differ, a value is not finite, fewer than two classes, or a
            class with a single label (it could not be cross-validated).

    Source: logistic regression with a validated penalty, CLIP, 2103.00020, appendix A.3; here by cross-validation
    instead of a validation split, because labels are few.
    """
    check_embeddings(embeddings_ND, held_out_HD)
    counts = check_classes(labels_N, len(embeddings_ND))
    if counts.min() < 2:
        raise InvalidData(f"A linear probe needs two labels of each class. Got a class with {counts.min()}.")
    folds = StratifiedKFold(int(min(FOLDS, counts.min())), shuffle=True, random_state=seed)
    probe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
    search = GridSearchCV(
        probe, {"logisticregression__C": REGULARISATIONS}, scoring="neg_log_loss", cv=folds, error_score="raise"
    )
    # So small a problem waits for its threads: 5 s become minutes on a busy machine of two cores.
    with threadpool_limits(1):
        search.fit(np.asarray(embeddings_ND, np.float64), labels_N)
    return Readout.of(search.predict(np.asarray(held_out_HD, np.float64)), held_out_labels_H)


def nearest_neighbours(
    embeddings_ND: NDArray[np.floating],
    labels_N: NDArray[np.integer],
    held_out_HD: NDArray[np.floating],
    held_out_labels_H: NDArray[np.integer],
    *,
    neighbours: int = NEIGHBOURS,
) -> Readout:
    """Vote of the nearest labelled embeddings, each with weight exp(cosine similarity / 0.07).

    Args:
        embeddings_ND: the encoder's, for the training part.
        labels_N: their classes.
        held_out_HD: embeddings to answer for, compared a few at a time to bound the memory.
        held_out_labels_H: only counted against.
        neighbours: K; all of the training part where that is smaller. Ties go to the lower class index.

    Raises:
        InvalidData: a part is empty, lengths or widths differ, a value is not finite, fewer than two classes.
        InvalidConfig: no neighbour.

    Source: 1805.01978, section 3.4 (weights); DINO, 2104.14294, section 3.2 (20 neighbours).
    """
    check_embeddings(embeddings_ND, held_out_HD)
    check_classes(labels_N, len(embeddings_ND))
    if neighbours < 1:
        raise InvalidConfig("neighbours", "at least 1", neighbours)
    classes_C, class_N = np.unique(labels_N, return_inverse=True)
    unit_ND, answers = _unit(embeddings_ND), []
    nearest = min(neighbours, len(unit_ND))
    for part_PD in np.array_split(_unit(held_out_HD), -(-len(held_out_HD) * len(unit_ND) // _SIMILARITIES_AT_ONCE)):
        similarity_PN = part_PD @ unit_ND.T
        index_PK = np.argpartition(-similarity_PN, nearest - 1, axis=1)[:, :nearest]
        weight_PK = np.exp(np.take_along_axis(similarity_PN, index_PK, axis=1) / NEIGHBOUR_TEMPERATURE)
        votes_PC = np.zeros((len(part_PD), len(classes_C)))
        np.add.at(votes_PC, (np.arange(len(part_PD))[:, None], class_N[index_PK]), weight_PK)
        answers.append(classes_C[votes_PC.argmax(axis=1)])
    return Readout.of(np.concatenate(answers), held_out_labels_H)


def _unit(rows_ND: NDArray[np.floating]) -> NDArray[np.float32]:
    """Rows of length one; a row of zeros has no direction and stays, similar to nothing."""
    lengths_N1 = np.linalg.norm(rows_ND, axis=1, keepdims=True)
    return np.asarray(rows_ND / np.maximum(lengths_N1, np.finfo(np.float32).tiny), np.float32)
