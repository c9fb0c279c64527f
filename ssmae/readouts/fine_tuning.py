"""The readout that trains the encoder on: fine-tuning, by the trainer of this package.

Dimensions: N images of the training part, T held-out images, C classes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ssmae.config import Head, RoundConfig
from ssmae.data import ImageStore, RoundData
from ssmae.held_out import HeldOut
from ssmae.inference import never
from ssmae.model import SSMAE
from ssmae.readouts.readout import Readout, check_classes, check_labels
from ssmae.results import EncoderState, Progress
from ssmae.trainer import train_round


def fine_tune(
    model: SSMAE,
    config: RoundConfig,
    images: ImageStore,
    labels_N: NDArray[np.int64],
    held_out: HeldOut,
    *,
    seed: int,
    on_progress: Callable[[Progress], None] = lambda _: None,
    should_stop: Callable[[], bool] = never,
) -> Readout:
    """Train a copy of the whole encoder under a fresh classifier on the labels alone.

    Args:
        model: where to start; it stays as it is.
        config: settings of the round that made it. Augmentation and optimiser are taken from it, and as many steps as
            its phases with labels have together; reconstruction, pseudo-labels and consistency are off.
        images: the training part, of the model's image size.
        labels_N: their classes, as indices of the model's class names.
        held_out: images to answer for; only counted.
        seed: of the order of the images and of the augmentation.
        on_progress: as for `train_round`.
        should_stop: as for `train_round`.

    Raises:
        InvalidData: a part is empty, lengths differ, fewer than two classes, images of another size.
        NonFiniteLoss: as from `train_round`.
        Stopped: `should_stop` said so.

    Source: end-to-end fine-tuning, MAE, 2111.06377, appendix A.1; with the settings of this package's rounds.
    """
    check_classes(labels_N, len(images))
    check_labels("held_out.classes_T", held_out.classes_T, len(held_out.images_TCHW))
    nobody = np.zeros(0, np.int64)
    data = RoundData(images, np.asarray(labels_N, np.int64), nobody, nobody, model.class_names)
    start = EncoderState.of(model)
    result = train_round(
        data, labels_only(config), seed=seed, start_state=start, on_progress=on_progress, should_stop=should_stop
    )
    return Readout.of(held_out.predicted(result.model, config, should_stop), held_out.classes_T)


def labels_only(config: RoundConfig) -> RoundConfig:
    """The same settings for supervised training alone, from an unshrunk encoder under a fresh classifier."""
    schedule = replace(
        config.schedule,
        reconstruct_steps=0,
        resume_reconstruct_steps=0,
        labels_steps=config.schedule.labels_steps + config.schedule.joint_steps,
        joint_steps=0,
        shrink=1.0,
        perturb=0.0,
        head=Head.FRESH,
    )
    return replace(config, loss=replace(config.loss, reconstruction_weight=0.0), schedule=schedule)
