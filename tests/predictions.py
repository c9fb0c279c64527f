"""What a worker publishes of every image: a file of predictions for the rounds of a world."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

import numpy as np
from sqlalchemy import update

from app.db.models import Round
from app.services import predictions
from app.storage import round_key
from tests.world import World


def publish_predictions(
    world: World,
    round_id: int,
    probabilities: Mapping[int, Sequence[float]],
    embeddings: Mapping[int, Sequence[float]] | None = None,
) -> None:
    """Give a round that succeeded its file: probabilities of the project's classes by image id, and embeddings."""
    image_ids = sorted(probabilities)
    buffer = io.BytesIO()
    np.savez(
        buffer,
        image_ids=np.array(image_ids, dtype=np.int64),
        probabilities=np.array([probabilities[one] for one in image_ids], dtype=np.float16),
        embeddings=np.array([(embeddings or {}).get(one, (1.0, 0.0)) for one in image_ids], dtype=np.float16),
    )
    key = round_key(round_id, 1, predictions.FILE)
    world.storage.write(key, buffer.getvalue())
    with world.writing() as uow:
        uow.session.execute(update(Round).where(Round.id == round_id).values(files={predictions.FILE: key}))
