"""A model judged on images that taught it nothing: its classifier, its encoder by several readouts, its calibration.

Dimensions: N images, H held-out images, L images whose label teaches the readouts, C classes, D width of the embedding.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ssmae.config import RoundConfig
from ssmae.data import ImageStore
from ssmae.errors import InvalidData
from ssmae.held_out import HeldOut
from ssmae.inference import Predictions, predict
from ssmae.metrics import ReliabilityBin, expected_calibration_error, fit_temperature, reliability, with_temperature
from ssmae.model import SSMAE
from ssmae.readouts import Readout, fine_tune, linear_probe, nearest_neighbours
from ssmae.results import Progress


@dataclass(frozen=True)
class Calibration:
    """How far confidence is from accuracy, with and without a temperature, on answers that did not choose it.

    Attributes:
        temperature: fitted to the first half of the held-out answers.
        fitted_on: answers of that half.
        measured_on: answers of the other half, of which the rest speaks.
        before: reliability as the model is.
        after: reliability at that temperature.
        error_before: expected calibration error as the model is.
        error_after: the same at that temperature.
    """

    temperature: float
    fitted_on: int
    measured_on: int
    before: tuple[ReliabilityBin, ...]
    after: tuple[ReliabilityBin, ...]
    error_before: float
    error_after: float


@dataclass(frozen=True)
class Evaluation:
    """What is known about a model.

    Attributes:
        readouts: by name, the model's own classifier first.
        calibration: of that classifier.
        predictions: the model's, for all images.
    """

    readouts: dict[str, Readout]
    calibration: Calibration
    predictions: Predictions


def evaluate(
    model: SSMAE,
    config: RoundConfig,
    images: ImageStore,
    labels_N: NDArray[np.int64],
    *,
    taught_L: NDArray[np.int64],
    held_out_H: NDArray[np.int64],
    seed: int,
    with_fine_tuning: bool = False,
    on_progress: Callable[[Progress], None] = lambda _: None,
) -> Evaluation:
    """Ask the classifier and every readout about the held-out images.

    Args:
        model: on any device.
        config: settings of the round that made it; fine-tuning takes its own from them.
        images: of the model's image size.
        labels_N: their classes, as indices of the model's class names.
        taught_L: indices of the images whose label teaches the readouts.
        held_out_H: indices of the images that judge, in random order, none of them seen by the model.
        seed: of the readouts.
        with_fine_tuning: whether to fine-tune, too; it takes as long as training.
        on_progress: as for `train_round`, while fine-tuning.

    Raises:
        InvalidData: an image that teaches and judges, fewer than two that judge, or what the readouts refuse.

    Source: own; the classifier alone does not say how good the encoder is. Each readout names its own.
    """
    if overlap := np.intersect1d(taught_L, held_out_H).tolist():
        raise InvalidData(f"An image must not both teach and judge. Got both for images {overlap[:5]}.")
    predictions = predict(model, images, precision=config.precision)
    probabilities_HC, answers_H = predictions.probabilities_NC[held_out_H], labels_N[held_out_H]
    embeddings_ND = predictions.embeddings_ND
    parts = embeddings_ND[taught_L], labels_N[taught_L], embeddings_ND[held_out_H], answers_H
    readouts = {
        "classifier": Readout.of(probabilities_HC.argmax(axis=1), answers_H),
        "linear probe": linear_probe(*parts, seed=seed),
        "nearest neighbours": nearest_neighbours(*parts),
    }
    if with_fine_tuning:
        teaching = ImageStore(images.images_NCHW[taught_L])
        judging = HeldOut(images.images_NCHW[held_out_H], answers_H)
        readouts["fine-tuned"] = fine_tune(
            model, config, teaching, labels_N[taught_L], judging, seed=seed, on_progress=on_progress
        )
    return Evaluation(readouts, calibrate(probabilities_HC, answers_H), predictions)


def calibrate(probabilities_HC: NDArray[np.floating], labels_H: NDArray[np.int64]) -> Calibration:
    """Fit a temperature to the first half of the answers and measure on the second.

    Args:
        probabilities_HC: predictions for images that taught nothing, in random order.
        labels_H: their classes.

    Raises:
        InvalidData: fewer than two answers, lengths differ, rows that are no probabilities.

    Source: temperature scaling, 1706.04599; that one half fits and the other measures is own.
    """
    half = len(labels_H) // 2
    if not half:
        raise InvalidData(f"Calibration needs two answers: one to fit, one to measure. Got {len(labels_H)}.")
    temperature = fit_temperature(probabilities_HC[:half], labels_H[:half])
    is_right = probabilities_HC[half:].argmax(axis=1) == labels_H[half:]
    before = probabilities_HC[half:].max(axis=1)
    after = with_temperature(probabilities_HC[half:], temperature).max(axis=1)
    error_before, error_after = (expected_calibration_error(values, is_right) or 0.0 for values in (before, after))
    return Calibration(
        temperature=temperature,
        fitted_on=half,
        measured_on=len(labels_H) - half,
        before=reliability(before, is_right),
        after=reliability(after, is_right),
        error_before=error_before,
        error_after=error_after,
    )
