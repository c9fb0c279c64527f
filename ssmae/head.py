"""The rows of a classifier when the classes change: carried over, merged, dropped, appended, imprinted.

A row is what the classifier has learnt of a class; which old row goes on as which new class is a `ClassMap`, so a class
that was renamed costs nothing. Must never import trainer.

Dimensions: N images, L labelled images, K images of one class, C classes, D width of the embedding.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import normalize

from ssmae.data import ImageStore
from ssmae.errors import InvalidData
from ssmae.inference import predict
from ssmae.model import SSMAE
from ssmae.results import HeadState

ClassMap = tuple[int | None, ...]
"""For each old class, in order: the new class index that it goes on as, or None if it is dropped. Two that name the
same new class are merged; a new class that none names is appended."""


def same_names(old_names: Sequence[str], new_names: Sequence[str]) -> ClassMap:
    """The map that follows names: a class goes on as the one of its name."""
    index_of = {name: index for index, name in enumerate(new_names)}
    return tuple(index_of.get(name) for name in old_names)


def appended(class_map: ClassMap, classes: int) -> tuple[int, ...]:
    """New classes that no old one goes on as.

    Args:
        class_map: from the old classes.
        classes: how many there are now.
    """
    return tuple(sorted(set(range(classes)) - set(class_map)))


def check_map(class_map: ClassMap, old_names: Sequence[str], new_names: Sequence[str]) -> None:
    """Refuse a map that is none between these classes.

    Raises:
        InvalidData: not one entry per old class, or an entry that is no index of a new class.
    """
    if len(class_map) != len(old_names):
        raise InvalidData(
            f"A class map must have one entry for each of the {len(old_names)} old classes {list(old_names)}. "
            f"Got {len(class_map)}: {list(class_map)}."
        )
    for name, target in zip(old_names, class_map, strict=True):
        if target is not None and not 0 <= target < len(new_names):
            raise InvalidData(
                f"A class map must lead to a class index in 0..{len(new_names) - 1}, or to None for a class that is "
                f"dropped. Got {target} for {name!r}."
            )


def carry(head: HeadState, class_map: ClassMap, classes: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Rows and biases for the new classes.

    - One old class: its row as it is.
    - Merged: the mean of their rows, and the log-sum-exp of their biases. The probability of the merged class is to be
      the sum of theirs, and log(sum_i exp(w.h + b_i)) = w.h + logsumexp(b): exact where the rows are alike. The mean
      of the biases would take half the probability from two equal classes.
    - Appended: the mean of the rows and biases that go on. Adding one vector to every row changes no probability of a
      softmax, so zero has no meaning of its own; the mean row moves along. Its logit is the mean of the others', so
      the class is never the likeliest before it has been taught, and the order of the others stays.

    If no class goes on, every row is zero: the classifier has no opinion, as a fresh one.

    Args:
        head: the old classifier.
        class_map: a checked map from its classes.
        classes: how many there are now.

    Returns:
        (weight_CD, bias_C).

    Source: own; a classifier that goes on is to say what it said, as far as its classes go on.
    """
    weight_CD = head.weight_CD.new_zeros(classes, head.weight_CD.shape[1])
    bias_C = head.bias_C.new_zeros(classes)
    going_on = sorted({target for target in class_map if target is not None})
    for target in going_on:
        sources = [index for index, wanted in enumerate(class_map) if wanted == target]
        weight_CD[target] = head.weight_CD[sources].mean(dim=0)
        bias_C[target] = head.bias_C[sources].logsumexp(dim=0)
    others = list(appended(class_map, classes))
    if going_on and others:
        weight_CD[others] = weight_CD[going_on].mean(dim=0)
        bias_C[others] = bias_C[going_on].mean()
    return weight_CD, bias_C


def imprint(model: SSMAE, images: ImageStore, labels_N: NDArray[np.int64], new_classes: Sequence[int]) -> None:
    """Write the rows of new classes from their labelled images, so that they are known before the first step.

    With h the embeddings, m_c the mean of h/|h| over the labelled images of class c, m the mean of all m_c, and w the
    mean and s the mean length of the learnt rows (taken from w), the row of class c is

        w_c = w + s * (m_c - m) / |m_c - m|,   b_c = mean over its images of (largest learnt logit - w_c.h):

    on its own images the class is, in the mean, as likely as the likeliest of the others. The source takes m_c for a
    row and no bias, for a classifier of cosines. In ours that row wins every image, whatever it shows, as soon as the
    embeddings have a large part in common, as those of a little trained encoder do; hence the centre m and the bias.

    A class without a labelled image keeps the row it has; so does every class if fewer than two others differ, that
    is, where nothing has been learnt yet.

    Args:
        model: changed in place, on any device.
        images: of the round.
        labels_N: class index of each image that may teach, -1 elsewhere.
        new_classes: indices of the classes whose rows are to be written; all others count as learnt.

    Raises:
        InvalidData: a class index that the model does not have.

    Source: weight imprinting, 1712.07136, with the departures above.
    """
    classes = len(model.class_names)
    if unknown := [index for index in new_classes if not 0 <= index < classes]:
        raise InvalidData(f"Classes to imprint must have indices in 0..{classes - 1}. Got {unknown}.")
    weight_CD, bias_C = model.encoder.get_parameter("head.weight"), model.encoder.get_parameter("head.bias")
    learnt = sorted(set(range(classes)) - set(new_classes))
    learnt_CD, learnt_C = weight_CD[learnt].detach().cpu(), bias_C[learnt].detach().cpu()
    length = (learnt_CD - learnt_CD.mean(dim=0)).norm(dim=1).mean() if learnt else 0.0
    if not length or not np.isin(labels_N, list(new_classes)).any():
        return
    index_L = np.flatnonzero(labels_N >= 0)
    h_LD = torch.from_numpy(predict(model, ImageStore(images.images_NCHW[index_L])).embeddings_ND)
    places = {index: np.flatnonzero(labels_N[index_L] == index) for index in np.unique(labels_N[index_L]).tolist()}
    means = {index: normalize(h_LD[place], dim=1).mean(dim=0) for index, place in places.items()}
    centre_D = torch.stack(list(means.values())).mean(dim=0)
    with torch.no_grad():
        for index in sorted(set(new_classes) & set(means)):
            row_D = learnt_CD.mean(dim=0) + length * normalize(means[index] - centre_D, dim=0)
            own_KD = h_LD[places[index]]
            largest_K = (own_KD @ learnt_CD.T + learnt_C).amax(dim=1)
            weight_CD[index] = row_D.to(weight_CD)
            bias_C[index] = (largest_K - own_KD @ row_D).mean().to(bias_C)
