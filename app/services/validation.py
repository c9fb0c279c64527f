"""The validation sample of a round: how it is drawn, what it is drawn from, and which of its images judge.

The sample is drawn when a draft's selection is published: uniformly, without replacement, from the training images
without a label that the selection leaves over. Exactly these images are its **sampling frame**, and the gate's bound
speaks of no others. What is outside of it:

- images that are imported, or brought back from exclusion, after the draw;
- images of the selection, also those that are left unanswered: they were chosen because they are hard;
- images that had a label when the sample was drawn, should it be taken back;
- images that leave the test split later.

Who is in the frame cannot be worked out afterwards from any of the present columns, and a flag on every image would
rewrite a million rows at each draw. So the draw itself writes the list down once, as a file under its own hash, and
the draft names it. Drawing again makes another frame along with another sample; a draft without a sample has none.

Images of the frame that get a label elsewhere before the round is queued stay in the frame. They teach, and cannot be
accepted any more. The sample is one of the frame as it was drawn, though: if the images taken out were easy ones, what
is left is harder than the sample says. The learner sees which they are (in the frame, and with a training label), and
its gate assumes that they were the easy ones.
"""

from __future__ import annotations

import hashlib
import io
import random
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from app.db.queries import rounds
from app.db.unit_of_work import UnitOfWork
from app.domain.pools import Pool
from app.domain.validation import Sampled, judging
from app.storage import Storage, frame_key


def draw(frame_ids: Sequence[int], size: int, *, seed: int, version: int) -> list[int]:
    """A uniform sample without replacement, in random order.

    Args:
        frame_ids: the images to draw from.
        size: how many are wanted; all of them if there are fewer.
        seed: of the draft.
        version: how often the draft was drawn again; another version is an independent draw.
    """
    # A text, because only a single number or text may seed this generator.
    return random.Random(f"{seed}/{version}").sample(frame_ids, min(size, len(frame_ids)))


def keep_frame(storage: Storage, frame_ids: Sequence[int]) -> str:
    """Write down what a sample was drawn from.

    Args:
        storage: where to.
        frame_ids: the images, in ascending order of their ids.

    Returns:
        The frame's digest; the same images give the same one.
    """
    ids_F = np.array(frame_ids, dtype=np.int64)
    digest = hashlib.sha256(ids_F.tobytes()).hexdigest()
    buffer = io.BytesIO()
    # Steps from id to id are mostly 1: a million images take a quarter of a megabyte instead of eight.
    np.savez_compressed(buffer, steps=np.diff(ids_F, prepend=0))
    storage.write(frame_key(digest), buffer.getvalue())
    return digest


def frame(storage: Storage, digest: str) -> NDArray[np.int64]:
    """Ids of the images that a sample was drawn from, ascending.

    Raises:
        NotFound: the file is gone.
    """
    with np.load(storage.existing(frame_key(digest)), allow_pickle=False) as file:
        ids_F: NDArray[np.int64] = np.cumsum(file["steps"], dtype=np.int64)
    return ids_F


def judges(uow: UnitOfWork, round_id: int) -> list[Sampled]:
    """The images of a round's validation sample that would judge its gate now, in the order of the draw."""
    sample = [
        Sampled(
            image_id=row.image_id,
            is_labelled=row.pool is Pool.LABELLED,
            is_answered_in_turn=row.is_answered_in_turn,
            is_skipped=row.is_skipped,
            is_excluded=row.pool is Pool.EXCLUDED,
        )
        for row in rounds.validation_sample(uow.session, round_id)
    ]
    return judging(sample)
