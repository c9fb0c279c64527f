"""One step of each phase: which images, which views, which losses, one update of the weights.

Holds the mutable state of a round (student, teacher, optimiser, streams, generators) and nothing of its course: phases,
checks, progress and stopping are `trainer.py`'s. Must never import trainer.

Dimensions: N images of the stream, B images of a batch, L labelled images, C classes.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray

from ssmae.augment import strong_view, weak_view
from ssmae.config import RoundConfig
from ssmae.data import IndexStream, RoundData
from ssmae.inference import mixed_precision
from ssmae.losses import NO_LABEL, consistency_loss, pseudo_label_loss, reconstruction_loss, supervised_loss
from ssmae.masking import draw_mask
from ssmae.model import SSMAE
from ssmae.teacher import SoftWeight, Teacher

Losses = dict[str, torch.Tensor]
"""Named losses of a step, unweighted."""


class Learner:
    """Student and teacher on a device, with everything that a step draws from."""

    def __init__(self, data: RoundData, config: RoundConfig, student: SSMAE, device: torch.device, seed: int) -> None:
        stream_seed, device_seed, score_seed = np.random.SeedSequence(seed).generate_state(3, np.uint64).tolist()
        self.config, self.device = config, device
        self.student = student.to(device).train()
        self.teacher = Teacher(self.student, config.schedule.teacher_decay)
        self.images = data.images.on(device)
        self.on_device = torch.Generator(device).manual_seed(device_seed)
        self.for_scores = torch.Generator(device).manual_seed(score_seed)
        order = torch.Generator().manual_seed(stream_seed)
        everything_N = np.arange(len(data.images), dtype=np.int64)
        self._stream = IndexStream(everything_N, config.schedule.unlabelled_batch, order)
        self._labels_N = torch.from_numpy(data.labels_N.copy())
        labelled_L = data.labelled_index_L
        self._labelled = IndexStream(labelled_L, config.schedule.labelled_batch, order) if len(labelled_L) else None
        self._pseudo_labels_N = torch.full((len(data.images),), NO_LABEL)
        self._soft_weight = SoftWeight(len(data.class_names))
        self._optimiser = _optimiser(self.student, config.schedule.weight_decay)

    def use_pseudo_labels(self, pseudo_labels_N: NDArray[np.int64]) -> None:
        """Freeze which pseudo-labels teach from now on; NO_LABEL stands for none."""
        self._pseudo_labels_N = torch.from_numpy(pseudo_labels_N.copy())

    def reconstruct(self) -> Losses:
        """Losses of a step of reconstruction alone."""
        images_BCHW = weak_view(self.images.take(self._stream.next()), self.config.augment, self.on_device)
        return {"reconstruction": self._reconstruction(images_BCHW)}

    def labels(self) -> Losses:
        """Losses of a step of labels and reconstruction."""
        losses = self.reconstruct() if self.config.loss.reconstruction_weight else {}
        labelled_BCHW, labels_B = self._labelled_batch()
        with mixed_precision(self.device):
            logits_BC = self.student.classify(labelled_BCHW)
        return losses | {"supervised": self._supervised(logits_BC, labels_B)}

    def joint(self) -> Losses:
        """Losses of a step with labels, reconstruction, accepted pseudo-labels and consistency for the rest.

        Source: SSMAE 2601.20072 (joint losses); FixMatch 2001.07685 (label from the weak, loss on the strong view).
        """
        config = self.config
        indices_B = self._stream.next()
        raw_BCHW = self.images.take(indices_B)
        weak_BCHW = weak_view(raw_BCHW, config.augment, self.on_device)
        strong_BCHW = strong_view(raw_BCHW, config.augment, self.on_device)
        labelled_BCHW, labels_B = self._labelled_batch()
        # One forward pass for both: labels first, then the strong views.
        with mixed_precision(self.device):
            logits_BC = self.student.classify(torch.cat([labelled_BCHW, strong_BCHW]))
        supervised_logits_BC, strong_logits_BC = logits_BC[: len(labels_B)], logits_BC[len(labels_B) :]
        losses = {"supervised": self._supervised(supervised_logits_BC, labels_B)}
        pseudo_labels_B = self._pseudo_labels_N[indices_B].to(self.device)
        losses["pseudo_label"] = pseudo_label_loss(strong_logits_BC, pseudo_labels_B)
        if config.loss.consistency_weight:
            losses["consistency"] = self._consistency(weak_BCHW, strong_logits_BC, pseudo_labels_B)
        if config.loss.reconstruction_weight:
            losses["reconstruction"] = self._reconstruction(weak_BCHW)
        return losses

    def update(self, total: torch.Tensor, learning_rate: float) -> float:
        """One optimiser step and one step of the teacher, unless the gradient is not finite.

        Returns:
            Norm of the gradient before clipping. If it is not finite, no weight was changed.
        """
        self._optimiser.zero_grad(set_to_none=True)
        total.backward()  # type: ignore[no-untyped-call]
        clip = self.config.schedule.clip or math.inf
        norm = float(torch.nn.utils.clip_grad_norm_(self.student.parameters(), clip))
        if math.isfinite(norm):
            for group in self._optimiser.param_groups:
                group["lr"] = learning_rate
            self._optimiser.step()
            self.teacher.follow(self.student)
        return norm

    def _labelled_batch(self) -> tuple[torch.Tensor, torch.Tensor]:
        if self._labelled is None:
            raise RuntimeError("a step with labels was asked for in a round without labels")  # a bug of the caller
        indices_B = self._labelled.next()
        images_BCHW = strong_view(self.images.take(indices_B), self.config.augment, self.on_device)
        return images_BCHW, self._labels_N[indices_B].to(self.device)

    def _reconstruction(self, images_BCHW: torch.Tensor) -> torch.Tensor:
        loss, student = self.config.loss, self.student
        mask = draw_mask(loss.masking, len(images_BCHW), student.side, loss.mask_ratio, self.on_device)
        with mixed_precision(self.device):
            predicted_BLP = student.reconstruct(images_BCHW, mask)
        patch_size = self.config.model.patch_size
        return reconstruction_loss(
            predicted_BLP, images_BCHW, mask.is_masked, patch_size=patch_size, normalise=loss.normalise_target
        )

    def _supervised(self, logits_BC: torch.Tensor, labels_B: torch.Tensor) -> torch.Tensor:
        return supervised_loss(logits_BC, labels_B, label_smoothing=self.config.loss.label_smoothing)

    def _consistency(
        self, weak_BCHW: torch.Tensor, strong_logits_BC: torch.Tensor, pseudo_labels_B: torch.Tensor
    ) -> torch.Tensor:
        with torch.no_grad(), mixed_precision(self.device):
            teacher_BC = self.teacher.model.classify(weak_BCHW).float().softmax(dim=1)
        # Where a pseudo-label was accepted it speaks; the soft target is for the others.
        weights_B = self._soft_weight.of(teacher_BC) * (pseudo_labels_B == NO_LABEL)
        sharpened_BC = (teacher_BC.clamp(min=1e-12).log() / self.config.loss.sharpening).softmax(dim=1)
        return consistency_loss(strong_logits_BC, sharpened_BC, weights_B)


def _optimiser(student: SSMAE, weight_decay: float) -> torch.optim.AdamW:
    """AdamW as for MAE (2111.06377, appendix A): no decay on biases, norms, tokens and positions."""
    decayed = [
        weight
        for name, weight in student.named_parameters()
        if weight.ndim >= 2 and not name.endswith(("pos_embed", "mask_token"))
    ]
    chosen = {id(weight) for weight in decayed}
    others = [weight for weight in student.parameters() if id(weight) not in chosen]
    groups = [{"params": decayed, "weight_decay": weight_decay}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, betas=(0.9, 0.95))
