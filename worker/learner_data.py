"""What the learner may see of a snapshot, and what the manifest owes to who reads it.

Dimensions: N images of the stream (train and validation), V validation images.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from app.domain.pools import Split
from app.services.snapshots import UNLABELLED, SnapshotRows
from ssmae.data import ImageStore, RoundData


def learner_data(rows: SnapshotRows, stream_N: NDArray[np.int64], images: ImageStore) -> RoundData:
    """What the learner may see of a snapshot: no test image, and validation labels only as the gate's evidence.

    Args:
        rows: the snapshot.
        stream_N: positions of the training and validation images in it.
        images: those images, in that order.
    """
    class_index_N = rows.class_index_N[stream_N].astype(np.int64)
    is_validation_N = np.isin(stream_N, rows.where(Split.VALIDATION))
    validation_index_V = np.flatnonzero(rows.judges_N[stream_N])
    return RoundData(
        images=images,
        labels_N=np.where(is_validation_N, UNLABELLED, class_index_N),
        validation_index_V=validation_index_V,
        # One that judges without a label was skipped: the learner takes it for an error, whatever the model says.
        validation_labels_V=class_index_N[validation_index_V],
        class_names=tuple(rows.class_names),
        in_frame_N=None if rows.in_frame_N is None else rows.in_frame_N[stream_N],
    )


def frame_notes(rows: SnapshotRows) -> list[str]:
    """What the manifest says of the validation sample's frame, if it is not known although the sample judges."""
    if rows.in_frame_N is not None or not rows.judges_N.any():
        return []
    sentence = (
        "It is not known which images the validation sample was drawn from, because it is older than the record of "
        "that: the gate's answer was applied to every image without a label. The next draw keeps the record."
    )
    return [sentence]
