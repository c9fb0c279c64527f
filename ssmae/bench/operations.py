"""Floating-point operations of one image, counted by torch on tensors without content; a multiply-add counts as two.

Dimensions: B images of a batch, C channels, H and W side in pixels.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch.utils.flop_counter import FlopCounterMode

from ssmae.config import Masking
from ssmae.masking import Mask, draw_mask
from ssmae.model import SSMAE


@dataclass(frozen=True)
class Operations:
    """Of one image, in floating-point operations.

    Attributes:
        classify: encoder and head, forward.
        classify_trained: the same, forward and backward.
        reconstruct_trained: encoder of the visible patches and decoder, forward and backward.
    """

    classify: int
    classify_trained: int
    reconstruct_trained: int

    def joint(self, unlabelled: int, labelled: int) -> float:
        """Of each image of a joint step, on average: student's views, reconstruction, and teacher."""
        each_unlabelled = self.classify_trained + self.reconstruct_trained + self.classify
        return (unlabelled * each_unlabelled + labelled * self.classify_trained) / (unlabelled + labelled)


def operations(model: SSMAE, mask_ratio: float) -> Operations:
    """Count for a network; nothing is computed."""
    shape = copy.deepcopy(model).to("meta")
    side = model.config.image_size
    images_BCHW = torch.empty(1, 3, side, side, device="meta")
    drawn = draw_mask(Masking.RANDOM, 1, model.side, mask_ratio, torch.Generator())
    mask = Mask(*(part.to("meta") for part in (drawn.ids_keep, drawn.ids_restore, drawn.is_masked)))
    with torch.no_grad():
        classify = _count(lambda: shape.classify(images_BCHW))
    return Operations(
        classify=classify,
        classify_trained=_count(lambda: _train(shape.classify(images_BCHW))),
        reconstruct_trained=_count(lambda: _train(shape.reconstruct(images_BCHW, mask))),
    )


def _train(output: torch.Tensor) -> None:
    output.sum().backward()  # type: ignore[no-untyped-call]


def _count(work: Callable[[], object]) -> int:
    with FlopCounterMode(display=False) as counter:
        work()
    return int(counter.get_total_flops())
