"""One step of each phase: which images, which views, which losses, one update of the weights.

Holds the mutable state of a round (student, teacher, optimiser, streams, generators) and nothing of its course: phases,
checks, progress and stopping are `trainer.py`'s. Nothing here asks the device for a number: on a GPU the host only
sends work ahead. Must never import trainer.

Dimensions: N images of the stream, B images of a batch, L labelled images, C classes.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from ssmae import tensor_file
from ssmae.augment import cutmix, strong_view, weak_view
from ssmae.config import RoundConfig, View, Weighting
from ssmae.data import RoundData
from ssmae.device import mixed_precision
from ssmae.inference import never, predict_views
from ssmae.losses import NO_LABEL, consistency_loss, pseudo_label_loss, reconstruction_loss, supervised_loss
from ssmae.masking import draw_mask
from ssmae.model import SSMAE
from ssmae.optimiser import Optimiser
from ssmae.schedule import Weights
from ssmae.streams import Batches, IndexStream
from ssmae.teacher import Teacher
from ssmae.weighting import Alignment, weighting

Losses = dict[str, torch.Tensor]
"""Named losses of a step, unweighted scalars on the device."""


class Learner:
    """Student and teacher on a device, with everything that a step draws from."""

    def __init__(self, data: RoundData, config: RoundConfig, student: SSMAE, device: torch.device, seed: int) -> None:
        self._seed = seed
        self.config, self.device = config, device
        self.student = student.to(device).train()
        self.teacher = Teacher(self.student, config.schedule.teacher_decay)
        self._optimiser = Optimiser(self.student, config.schedule)
        self._weighting = weighting(config.loss, len(data.class_names)).to(device)
        self._alignment = Alignment(len(data.class_names)).to(device)
        self._views, self._scores = (_generator(seed, device, purpose=name) for name in ("views", "scores"))
        self._images = data.images.on(device)
        everything_N = np.arange(len(data.images), dtype=np.int64)
        self._pretraining = self._batches(everything_N, config.schedule.reconstruct_batch, "reconstruction alone")
        self._stream = self._batches(everything_N, config.schedule.unlabelled_batch, "stream")
        self._labelled: Batches | None = None
        self._labels_N = torch.full((len(data.images),), NO_LABEL, device=device)
        self._frozen_N = self._pseudo_labels_N = self._labels_N
        self.use_labels(data.labels_N)
        # Compiled once, with fixed shapes; without `compile` these are the plain methods.
        self._classify = _compiled(self.student.classify, config, device)
        self._reconstruct = _compiled(self.student.reconstruct, config, device)
        self._teach = _compiled(self.teacher.model.classify, config, device)

    def use_labels(self, labels_N: NDArray[np.int64]) -> None:
        """Which human labels teach from now on, -1 where there is none; draws from them afresh if they are others.

        Source: own; validation answers teach as well once they have judged.
        """
        given_N = torch.from_numpy(labels_N.copy()).to(self.device)
        if torch.equal(given_N, self._labels_N):
            return
        self._labels_N = given_N
        self._overrule()
        if self._labelled is not None:
            self._labelled.close()
        index_L = np.flatnonzero(labels_N >= 0)
        if len(index_L):
            # A generator of its own each time: a reader of a large set may have drawn ahead from the one before.
            self._labelled = self._batches(index_L, self.config.schedule.labelled_batch, f"{len(index_L)} labels")

    def use_pseudo_labels(self, pseudo_labels_N: NDArray[np.int64]) -> None:
        """Freeze which pseudo-labels teach from now on; NO_LABEL stands for none. A human label overrules.

        Source: own; what teaches is what the gate has judged.
        """
        self._frozen_N = torch.from_numpy(pseudo_labels_N.copy()).to(self.device)
        self._overrule()

    def reconstruct(self) -> Losses:
        """Losses of a step of reconstruction alone. Source: MAE, 2111.06377, section 3."""
        return {"reconstruction": self._next_reconstruction(self._pretraining)}

    def labels(self, weights: Weights) -> Losses:
        """Losses of a step of labels and reconstruction; what has no weight is left out.

        Args:
            weights: factor of each loss.

        Source: SSMAE, 2601.20072 (joint losses, labels before pseudo-labels).
        """
        losses = {"reconstruction": self._next_reconstruction(self._stream)} if weights["reconstruction"] else {}
        labelled_BCHW, labels_B = self._labelled_batch()
        with self._precision():
            logits_BC = self._classify(labelled_BCHW)
        return losses | {"supervised": self._supervised(logits_BC, labels_B)}

    def joint(self, weights: Weights) -> Losses:
        """Losses of a step with labels, reconstruction, accepted pseudo-labels and consistency for the rest.

        Args:
            weights: factor of each loss; reconstruction or consistency without one is left out.

        Source: SSMAE 2601.20072 (joint losses); FixMatch 2001.07685 (label from the weak, loss on the strong view).
        """
        config = self.config
        indices_B, raw_BCHW = self._stream.next()
        weak_BCHW = weak_view(raw_BCHW, config.augment, self._views)
        trained_BCHW = weak_BCHW
        if config.loss.consistency_view is View.STRONG:
            trained_BCHW = strong_view(raw_BCHW, config.augment, self._views)
        pseudo_labels_B = self._pseudo_labels_N[indices_B]
        is_accepted_B = pseudo_labels_B != NO_LABEL
        # Boxes only between images whose targets can be mixed as well.
        has_target_B = torch.ones_like(is_accepted_B) if weights["consistency"] else is_accepted_B
        mixed_BCHW, partner_B, share_B = cutmix(trained_BCHW, has_target_B, config.augment.cutmix, self._views)
        labelled_BCHW, labels_B = self._labelled_batch()
        # One forward pass for both: labels first, then the views of the stream.
        with self._precision():
            logits_BC = self._classify(torch.cat([labelled_BCHW, mixed_BCHW]))
        supervised_logits_BC, stream_logits_BC = logits_BC[: len(labels_B)], logits_BC[len(labels_B) :]
        losses = {
            "supervised": self._supervised(supervised_logits_BC, labels_B),
            "pseudo_label": pseudo_label_loss(stream_logits_BC, pseudo_labels_B, pseudo_labels_B[partner_B], share_B),
        }
        if weights["consistency"]:
            targets_BC, weights_B = self._targets(weak_BCHW)
            # Where a pseudo-label was accepted it speaks; the teacher's present opinion is for the others.
            losses["consistency"] = consistency_loss(
                stream_logits_BC, targets_BC, weights_B * ~is_accepted_B, partner_B, share_B
            )
        if weights["reconstruction"]:
            losses["reconstruction"] = self._reconstruction(weak_BCHW)
        return losses

    def update(self, losses: Losses, weights: Weights, learning_rate: float) -> Losses:
        """One step of the optimiser and of the teacher; none, for good, once a loss or a gradient is not finite.

        Args:
            losses: of this step.
            weights: factor of each.
            learning_rate: of this step.

        Returns:
            The losses, their weighted sum as `total`, and `gradient_norm` (before clipping), detached.

        Source: SSMAE, 2601.20072 (weighted sum); mean teacher, 1703.01780, section 2 (it follows every step).
        """
        total = torch.stack([weights[name] * loss for name, loss in losses.items()]).sum()
        norm = self._optimiser.step(total, learning_rate)
        self.teacher.follow()
        return {name: loss.detach() for name, loss in losses.items()} | {
            "total": total.detach(),
            "gradient_norm": norm,
        }

    def score(self, views: int, should_stop: Callable[[], bool] = never) -> NDArray[np.float32]:
        """The teacher's probabilities for a weak and several strong views of every image; see `predict_views`.

        Source: SSMAE, 2601.20072 (views that must agree); mean teacher, 1703.01780 (whose opinion counts).
        """
        config, model = self.config, self.teacher.model
        return predict_views(
            model, self._images, config.augment, views, self._scores, should_stop, precision=config.precision
        )

    def state(self) -> dict[str, torch.Tensor]:
        """Everything that the next step depends on, by name, on the CPU."""
        parts: dict[str, dict[str, torch.Tensor]] = {
            "student": self.student.state_dict(),
            "teacher": self.teacher.state(),
            "weighting": self._weighting.state_dict(),
            "alignment": self._alignment.state_dict(),
            "optimiser": self._optimiser.state(),
            "pretraining": self._pretraining.state(),
            "stream": self._stream.state(),
            "labelled": self._labelled.state() if self._labelled is not None else {},
            "generators": {"views": self._views.get_state(), "scores": self._scores.get_state()},
            "global": _global_generators(self.device),
            "": {"labels_N": self._labels_N, "pseudo_labels_N": self._frozen_N},
        }
        return {
            f"{part}.{name}".lstrip("."): value.detach().to("cpu", copy=True)
            for part, tensors in parts.items()
            for name, value in tensors.items()
        }

    def restore(self, state: dict[str, torch.Tensor]) -> None:
        """Carry on from `state()`, taken from a learner of the same data and configuration."""
        self.student.load_state_dict(tensor_file.part(state, "student"))
        self.teacher.restore(tensor_file.part(state, "teacher"))
        self._weighting.load_state_dict(tensor_file.part(state, "weighting"))
        self._alignment.load_state_dict(tensor_file.part(state, "alignment"))
        self._optimiser.restore(tensor_file.part(state, "optimiser"))
        self.use_labels(state["labels_N"].numpy())
        self.use_pseudo_labels(state["pseudo_labels_N"].numpy())
        self._pretraining.restore(tensor_file.part(state, "pretraining"))
        self._stream.restore(tensor_file.part(state, "stream"))
        if self._labelled is not None:
            self._labelled.restore(tensor_file.part(state, "labelled"))
        generators = tensor_file.part(state, "generators")
        self._views.set_state(generators["views"])
        self._scores.set_state(generators["scores"])
        _restore_global_generators(tensor_file.part(state, "global"), self.device)

    def end_reconstruction(self) -> None:
        """Stop reading ahead for steps of reconstruction alone: there are none any more."""
        self._pretraining.close()

    def close(self) -> None:
        """Stop reading ahead."""
        self._pretraining.close()
        self._stream.close()
        if self._labelled is not None:
            self._labelled.close()

    def _overrule(self) -> None:
        self._pseudo_labels_N = torch.where(self._labels_N >= 0, NO_LABEL, self._frozen_N)

    def _batches(self, indices_N: NDArray[np.int64], batch: int, purpose: str) -> Batches:
        generator = _generator(self._seed, self._images.index_device, purpose=purpose)
        return Batches(self._images, IndexStream(indices_N, batch, generator))

    def _precision(self) -> torch.autocast:
        return mixed_precision(self.device, self.config.precision)

    def _labelled_batch(self) -> tuple[torch.Tensor, torch.Tensor]:
        if self._labelled is None:
            raise RuntimeError("a step with labels was asked for in a round without labels")  # a bug of the caller
        indices_B, raw_BCHW = self._labelled.next()
        return strong_view(raw_BCHW, self.config.augment, self._views), self._labels_N[indices_B]

    def _next_reconstruction(self, batches: Batches) -> torch.Tensor:
        _, raw_BCHW = batches.next()
        return self._reconstruction(weak_view(raw_BCHW, self.config.augment, self._views))

    def _reconstruction(self, images_BCHW: torch.Tensor) -> torch.Tensor:
        loss, student = self.config.loss, self.student
        mask = draw_mask(loss.masking, len(images_BCHW), student.side, loss.mask_ratio, self._views)
        with self._precision():
            predicted_BLP = self._reconstruct(images_BCHW, mask)
        patch_size = self.config.model.patch_size
        return reconstruction_loss(
            predicted_BLP, images_BCHW, mask.is_masked, patch_size=patch_size, normalise=loss.normalise_target
        )

    def _supervised(self, logits_BC: torch.Tensor, labels_B: torch.Tensor) -> torch.Tensor:
        return supervised_loss(logits_BC, labels_B, label_smoothing=self.config.loss.label_smoothing)

    def _targets(self, weak_BCHW: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The teacher's present opinion of each image, (B, C), and how much it counts, (B,)."""
        with torch.no_grad(), self._precision():
            teacher_BC = self._teach(weak_BCHW).float().softmax(dim=1)
        loss = self.config.loss
        target_BC = self._alignment(teacher_BC) if loss.alignment else teacher_BC
        # FreeMatch's thresholds are lower for a class that is predicted less often: nothing to see once that is evened.
        judged_BC = teacher_BC if loss.consistency_weighting is Weighting.ADAPTIVE else target_BC
        return sharpened(target_BC, loss.sharpening), self._weighting(judged_BC)


def sharpened(probabilities_BC: torch.Tensor, temperature: float) -> torch.Tensor:
    """p^(1/T), normalised, shape (B, C); at temperature 0 all of it on the likeliest class.

    Source: MixMatch, 1905.02249, equation 7.
    """
    if temperature == 0:
        likeliest_B1 = probabilities_BC.argmax(dim=1, keepdim=True)
        return torch.zeros_like(probabilities_BC).scatter_(1, likeliest_B1, 1.0)
    return (probabilities_BC.clamp(min=1e-12).log() / temperature).softmax(dim=1)


def _generator(seed: int, device: torch.device, *, purpose: str) -> torch.Generator:
    """Randomness for one purpose, independent of all others of the same seed."""
    words = np.random.SeedSequence([seed, *purpose.encode()]).generate_state(1, np.uint64)
    return torch.Generator(device).manual_seed(int(words[0]))


def _global_generators(device: torch.device) -> dict[str, torch.Tensor]:
    """Of torch itself: timm's stochastic depth draws from these."""
    on_gpu = {"gpu": torch.cuda.get_rng_state(device)} if device.type == "cuda" else {}
    return {"cpu": torch.get_rng_state()} | on_gpu


def _restore_global_generators(state: dict[str, torch.Tensor], device: torch.device) -> None:
    torch.set_rng_state(state["cpu"])
    if device.type == "cuda":
        torch.cuda.set_rng_state(state["gpu"], device)


def _compiled(
    function: Callable[..., torch.Tensor], config: RoundConfig, device: torch.device
) -> Callable[..., torch.Tensor]:
    return torch.compile(function, dynamic=False) if config.compile and device.type == "cuda" else function
