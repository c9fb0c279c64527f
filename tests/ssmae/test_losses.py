"""Each loss against a few lines of NumPy, and against what it must not depend on."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ssmae.losses import (
    NO_LABEL,
    consistency_loss,
    patchify,
    pseudo_label_loss,
    reconstruction_loss,
    supervised_loss,
    unpatchify,
)


def test_patchify__is_undone_by_unpatchify():
    images = torch.rand(2, 3, 12, 12)
    assert torch.equal(unpatchify(patchify(images, 4), 4), images)


def test_patchify__cuts_row_by_row():
    images = torch.arange(16.0).reshape(1, 1, 4, 4).expand(1, 3, 4, 4)
    assert patchify(images, 2)[0, 1, ::3].tolist() == [2.0, 3.0, 6.0, 7.0]


@pytest.mark.parametrize("normalise", [False, True])
def test_reconstruction_loss__is_the_mean_error_of_the_masked_patches(normalise):
    images, predicted = torch.rand(2, 3, 4, 4), torch.rand(2, 4, 12)
    is_masked = torch.tensor([[True, False, False, True], [False, True, False, False]])
    target = patchify(images, 2).numpy()
    if normalise:
        spread = np.sqrt(target.var(axis=-1, keepdims=True) + 1e-6)
        target = (target - target.mean(axis=-1, keepdims=True)) / spread
    expected = ((predicted.numpy() - target) ** 2).mean(axis=-1)[is_masked.numpy()].mean()
    loss = reconstruction_loss(predicted, images, is_masked, patch_size=2, normalise=normalise)
    assert loss.item() == pytest.approx(expected, rel=1e-5)


def test_reconstruction_loss__ignores_what_was_visible():
    images, predicted = torch.rand(1, 3, 4, 4), torch.rand(1, 4, 12)
    is_masked = torch.tensor([[True, False, False, False]])
    other = predicted.clone()
    other[:, 1:] += 5
    first, second = (
        reconstruction_loss(each, images, is_masked, patch_size=2, normalise=True) for each in (predicted, other)
    )
    assert torch.equal(first, second)


def test_supervised_loss__of_no_opinion_is_the_logarithm_of_the_classes():
    loss = supervised_loss(torch.zeros(3, 10), torch.tensor([1, 2, 3]), label_smoothing=0.1)
    assert loss.item() == pytest.approx(np.log(10))


def test_reconstruction_loss__by_hand():
    """One image of four grey pixels, each a patch; three are masked and predicted as 0.5."""
    images = torch.tensor([[[[0.0, 1.0], [0.5, 0.5]]]]).expand(1, 3, 2, 2)
    predicted = torch.full((1, 4, 3), 0.5)
    is_masked = torch.tensor([[True, True, True, False]])
    loss = reconstruction_loss(predicted, images, is_masked, patch_size=1, normalise=False)
    assert loss.item() == pytest.approx((0.25 + 0.25 + 0.0) / 3)


def test_supervised_loss__by_hand():
    """Probabilities 0.8 and 0.2, class 0, smoothing 0.1: targets 0.95 and 0.05."""
    logits = torch.tensor([[0.8, 0.2]]).log()
    loss = supervised_loss(logits, torch.tensor([0]), label_smoothing=0.1)
    assert loss.item() == pytest.approx(-(0.95 * np.log(0.8) + 0.05 * np.log(0.2)))


def unmixed(logits, pseudo_labels):
    return pseudo_label_loss(logits, pseudo_labels, pseudo_labels, torch.ones(len(pseudo_labels)))


def test_pseudo_label_loss__grows_with_the_share_of_accepted_images():
    half = unmixed(torch.zeros(4, 10), torch.tensor([3, NO_LABEL, 4, NO_LABEL]))
    assert half.item() == pytest.approx(np.log(10) / 2)


def test_pseudo_label_loss__of_a_mixed_image_weighs_both_classes_by_their_pixels():
    """Probabilities 0.5, 0.25, 0.25; three quarters of the pixels are of class 0, the rest came from class 2."""
    logits = torch.tensor([[0.5, 0.25, 0.25]]).log()
    loss = pseudo_label_loss(logits, torch.tensor([0]), torch.tensor([2]), torch.tensor([0.75]))
    assert loss.item() == pytest.approx(0.75 * np.log(2) + 0.25 * np.log(4))


def test_pseudo_label_loss__is_zero_and_finite_when_none_is_accepted():
    logits = torch.randn(4, 10, requires_grad=True)
    loss = unmixed(logits, torch.full((4,), NO_LABEL))
    loss.backward()
    assert loss.item() == 0
    assert logits.grad is not None
    assert not logits.grad.any()


def test_supervised_loss__keeps_its_size_however_many_pseudo_labels_come():
    """Labels and pseudo-labels have means of their own: the gradient of a label does not depend on the others."""

    def gradient(accepted):
        logits = torch.zeros(4, 3, requires_grad=True)
        pseudo = torch.where(torch.arange(3) < accepted, 1, NO_LABEL)
        total = supervised_loss(logits[:1], torch.tensor([0]), label_smoothing=0.0) + unmixed(logits[1:], pseudo)
        total.backward()
        assert logits.grad is not None
        return logits.grad[0]

    assert torch.equal(gradient(0), gradient(3))


def test_consistency_loss__is_cross_entropy_with_the_teachers_distribution():
    logits, target = torch.randn(5, 3), torch.rand(5, 3).softmax(dim=1)
    weights = torch.tensor([1.0, 0.5, 0.0, 1.0, 1.0])
    expected = -(weights[:, None] * target * logits.log_softmax(dim=1)).sum() / 5
    alone = torch.arange(5), torch.ones(5)
    assert consistency_loss(logits, target, weights, *alone).item() == pytest.approx(expected.item(), rel=1e-5)


def test_consistency_loss__mixes_the_targets_of_two_images_by_their_pixels_and_weights():
    logits, target = torch.randn(2, 3), torch.rand(2, 3).softmax(dim=1)
    log_p = logits.log_softmax(dim=1)
    # Of the first image's pixels three quarters are its own; the second, which counts half, lends it the others.
    first = 0.75 * target[0] @ log_p[0] + 0.25 * 0.5 * target[1] @ log_p[0]
    second = 0.5 * target[1] @ log_p[1]
    mixed = consistency_loss(logits, target, torch.tensor([1.0, 0.5]), torch.tensor([1, 1]), torch.tensor([0.75, 1.0]))
    assert mixed.item() == pytest.approx(-(first + second).item() / 2, rel=1e-5)
