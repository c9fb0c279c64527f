"""The losses of SSMAE, each a pure function with its equation and source.

They take tensors and numbers, never a model or a configuration. Must never import model or trainer.

Dimensions: B images, L patches, P pixel values of a patch (side * side * 3), C classes; in BCHW C channels,
H and W side in pixels.
"""

from __future__ import annotations

import torch
from torch.nn import functional

EVEN_PATCH = 1e-6
"""Added to the variance of a patch, so that one without any can be normalised."""

NO_LABEL = -1
"""Stands where an image has no (pseudo-)label."""


def patchify(images_BCHW: torch.Tensor, patch_size: int) -> torch.Tensor:
    """Cut images into patches, row by row; the inverse of `unpatchify`. Shape (B, L, P).

    Source: ViT, 2010.11929, section 3.1.
    """
    batch, channels, height, width = images_BCHW.shape
    rows, columns = height // patch_size, width // patch_size
    cut = images_BCHW.reshape(batch, channels, rows, patch_size, columns, patch_size)
    return cut.permute(0, 2, 4, 3, 5, 1).reshape(batch, rows * columns, patch_size * patch_size * channels)


def unpatchify(patches_BLP: torch.Tensor, patch_size: int) -> torch.Tensor:
    """Put patches of a square grid together again. Shape (B, 3, H, W).

    Source: MAE, 2111.06377, section 3 "Reconstruction target".
    """
    batch, count, values = patches_BLP.shape
    side, channels = round(count**0.5), values // patch_size**2
    grid = patches_BLP.reshape(batch, side, side, patch_size, patch_size, channels)
    return grid.permute(0, 5, 1, 3, 2, 4).reshape(batch, channels, side * patch_size, side * patch_size)


def reconstruction_loss(
    predicted_BLP: torch.Tensor,
    images_BCHW: torch.Tensor,
    is_masked_BL: torch.Tensor,
    *,
    patch_size: int,
    normalise: bool,
) -> torch.Tensor:
    """Mean squared error over the masked patches only, a scalar.

    L_r = sum_l m_l * mean_p (x̂_lp - x̃_lp)² / sum_l m_l, with x̃ = (x - mean) / sqrt(var + 1e-6) per patch if
    `normalise`, else x.

    Args:
        predicted_BLP: the decoder's patches.
        images_BCHW: the images it saw in part, values in [0, 1].
        is_masked_BL: True where the encoder saw nothing.
        patch_size: side of a patch in pixels.
        normalise: whether the target is relative to each patch's own mean and spread.

    Source: MAE, 2111.06377, section 3 "Reconstruction target".
    """
    target_BLP = patchify(images_BCHW, patch_size)
    if normalise:
        # Half the time of torch.var_mean over the last dimension, on a CPU.
        target_BLP = target_BLP - target_BLP.mean(dim=-1, keepdim=True)
        target_BLP = target_BLP * (target_BLP.square().mean(dim=-1, keepdim=True) + EVEN_PATCH).rsqrt()
    error_BL = (predicted_BLP.float() - target_BLP).square().mean(dim=-1)
    return (error_BL * is_masked_BL).sum() / is_masked_BL.sum()


def supervised_loss(logits_BC: torch.Tensor, labels_B: torch.Tensor, *, label_smoothing: float) -> torch.Tensor:
    """Cross-entropy with human labels, a scalar: L_s = -mean_b sum_c q_bc log p_bc, q smoothed.

    Source: label smoothing, 1512.00567, section 7; value 0.1 as in Semi-ViT, 2208.05688.
    """
    return functional.cross_entropy(logits_BC.float(), labels_B, label_smoothing=label_smoothing)


def pseudo_label_loss(
    logits_BC: torch.Tensor, pseudo_labels_B: torch.Tensor, partner_labels_B: torch.Tensor, share_B: torch.Tensor
) -> torch.Tensor:
    """Cross-entropy of the strong view with accepted pseudo-labels, over the *whole* batch, a scalar.

    L_u = -(1/B) sum_b 1[accepted_b] (s_b log p(ŷ_b | x_b) + (1 - s_b) log p(ŷ'_b | x_b)). Images without an accepted
    pseudo-label (NO_LABEL) count in the mean with 0, so the term grows with coverage.

    Args:
        logits_BC: of the strong views, of which some carry a box of another image's pixels.
        pseudo_labels_B: int64, the accepted class, or NO_LABEL.
        partner_labels_B: the same of the image that the box came from.
        share_B: share of an image's pixels that are its own, 1 without a box.

    Source: FixMatch, 2001.07685, equation 4, here with the gate's frozen acceptance as indicator; CutMix, 1905.04899,
    equation 1.
    """
    own_B = functional.cross_entropy(logits_BC.float(), pseudo_labels_B, ignore_index=NO_LABEL, reduction="none")
    other_B = functional.cross_entropy(logits_BC.float(), partner_labels_B, ignore_index=NO_LABEL, reduction="none")
    return (share_B * own_B + (1 - share_B) * other_B).mean()


def consistency_loss(
    logits_BC: torch.Tensor,
    teacher_probabilities_BC: torch.Tensor,
    weights_B: torch.Tensor,
    partner_B: torch.Tensor,
    share_B: torch.Tensor,
) -> torch.Tensor:
    """Soft-weighted cross-entropy of the student's strong view with the teacher's weak view, a scalar.

    L_c = -(1/B) sum_b sum_c (s_b w_b q_bc + (1 - s_b) w_b' q_b'c) log p_student(c | strong(x_b)), with the teacher's
    q_bc = p_teacher(c | weak(x_b)) and b' the image whose pixels fill b's box. No label is recorded: the target is a
    distribution that changes with every step.

    Args:
        logits_BC: of the strong views, of which some carry a box of another image's pixels.
        teacher_probabilities_BC: of the weak views, without boxes.
        weights_B: how much each image counts.
        partner_B: int64, the image that the box came from; the image itself without a box.
        share_B: share of an image's pixels that are its own, 1 without a box.

    Source: mean teacher 1703.01780 (target), SoftMatch 2301.10921 (weight), interpolation consistency 1903.03825 (the
    teacher's targets are mixed as the student's images are), with the boxes of CutMix, 1905.04899, equation 1.
    """
    weighted_BC = weights_B[:, None] * teacher_probabilities_BC
    target_BC = torch.lerp(weighted_BC[partner_B], weighted_BC, share_B[:, None])
    return -(target_BC * functional.log_softmax(logits_BC.float(), dim=1)).sum(dim=1).mean()
