"""The rows of a classifier when classes change, against hand-worked values, and new classes known before any step."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from ssmae.data import ImageStore
from ssmae.errors import CheckpointMismatch, InvalidData
from ssmae.head import appended, carry, check_map, imprint, same_names
from ssmae.inference import predict
from ssmae.model import build
from ssmae.results import HeadState

OLD = HeadState(torch.tensor([[1.0, 0.0], [3.0, 2.0], [-2.0, 4.0]]), torch.tensor([1.0, 3.0, 0.0]), ("a", "b", "c"))


def rows(class_map, classes):
    weight_CD, bias_C = carry(OLD, class_map, classes)
    return weight_CD.tolist(), pytest.approx(bias_C.tolist(), rel=1e-6)


def test_carry__a_renamed_or_moved_class_keeps_its_row():
    assert rows((2, 0, 1), 3) == ([[3.0, 2.0], [-2.0, 4.0], [1.0, 0.0]], [3.0, 0.0, 1.0])


def test_carry__an_appended_class_gets_the_mean_row():
    assert rows((0, 1, None), 3) == ([[1.0, 0.0], [3.0, 2.0], [2.0, 1.0]], [1.0, 3.0, 2.0])


def test_carry__merged_classes_give_the_mean_row_and_the_logarithm_of_their_summed_odds():
    assert rows((0, 0, 1), 2) == ([[2.0, 1.0], [-2.0, 4.0]], [math.log(math.e + math.e**3), 0.0])


def test_carry__a_dropped_class_is_gone():
    assert rows((0, None, 1), 2) == ([[1.0, 0.0], [-2.0, 4.0]], [1.0, 0.0])


def test_carry__with_no_class_that_goes_on_there_is_no_opinion():
    assert rows((None, None, None), 2) == ([[0.0, 0.0], [0.0, 0.0]], [0.0, 0.0])


def test_carry__the_probability_of_merged_twins_is_the_sum_of_theirs():
    twins = HeadState(
        torch.tensor([[1.0, 2.0], [1.0, 2.0], [0.5, -1.0]]), torch.tensor([0.3, -1.0, 0.2]), ("a", "b", "c")
    )
    h_D = torch.tensor([0.7, -0.4])
    before_C = (twins.weight_CD @ h_D + twins.bias_C).softmax(dim=0)
    weight_CD, bias_C = carry(twins, (0, 0, 1), 2)
    after_C = (weight_CD @ h_D + bias_C).softmax(dim=0)
    assert torch.allclose(after_C, torch.stack([before_C[:2].sum(), before_C[2]]), atol=1e-6)


def test_carry__an_appended_class_changes_no_order_and_never_wins():
    h_ND = torch.randn(500, 2, generator=torch.Generator().manual_seed(0))
    before_NC = (h_ND @ OLD.weight_CD.T + OLD.bias_C).softmax(dim=1)
    weight_CD, bias_C = carry(OLD, (0, 1, 2), 5)
    after_NC = (h_ND @ weight_CD.T + bias_C).softmax(dim=1)
    assert torch.equal(after_NC[:, :3].argsort(dim=1), before_NC.argsort(dim=1))
    assert (after_NC.argmax(dim=1) < 3).all()


def test_same_names__follows_names_and_drops_those_that_are_gone():
    assert same_names(("a", "b", "c"), ("c", "a", "new")) == (1, None, 0)
    assert appended((1, None, 0), 3) == (2,)


@pytest.mark.parametrize(
    ("class_map", "words"),
    [
        ((0, 1), r"one entry for each of the 3 old classes \['a', 'b', 'c'\]\. Got 2: \[0, 1\]"),
        ((0, 1, 2), r"index in 0\.\.1, or to None for a class that is dropped\. Got 2 for 'c'"),
        ((0, -1, 1), r"Got -1 for 'b'"),
    ],
)
def test_check_map__refuses_what_is_no_map_between_the_classes(class_map, words):
    with pytest.raises(InvalidData, match=words):
        check_map(class_map, OLD.class_names, ("x", "y"))


def test_head_state__refuses_rows_that_are_not_one_a_class():
    with pytest.raises(CheckpointMismatch, match=r"classifier of 2 classes .* Got shapes \(3, 2\) and \(3,\)"):
        HeadState(OLD.weight_CD, OLD.bias_C, ("a", "b"))


@pytest.fixture
def eight_known(tiny_config, digits):
    """A classifier of ten digits on a fresh encoder; eight rows are fitted, the last two are their mean."""
    pixels, answers_N = digits
    model = build(tiny_config.model, tuple("0123456789"), seed=0)
    known = np.flatnonzero(answers_N[:800] < 8)
    h_ND = torch.from_numpy(predict(model, ImageStore(pixels[known])).embeddings_ND)
    weight_CD, bias_C = torch.zeros(8, h_ND.shape[1], requires_grad=True), torch.zeros(8, requires_grad=True)
    optimiser = torch.optim.LBFGS([weight_CD, bias_C], max_iter=50)

    def loss():
        optimiser.zero_grad()
        logits_NC = h_ND @ weight_CD.T + bias_C
        total = torch.nn.functional.cross_entropy(logits_NC, torch.from_numpy(answers_N[known]))
        total = total + 1e-3 * weight_CD.square().sum()
        total.backward()
        return total

    optimiser.step(loss)
    names = tuple("01234567")
    fitted = carry(HeadState(weight_CD.detach(), bias_C.detach(), names), tuple(range(8)), 10)
    with torch.no_grad():
        for name, value in zip(("head.weight", "head.bias"), fitted, strict=True):
            model.encoder.get_parameter(name).copy_(value)
    return model


def few_labels(answers_N, per_class):
    """That many labels of each class, among the first 800 images."""
    labels_N = np.full(len(answers_N), -1, np.int64)
    for index in range(10):
        labels_N[np.flatnonzero(answers_N[:800] == index)[:per_class]] = index
    return labels_N


def accuracies(model, digits):
    """Of the eight and of the two, on images without labels."""
    pixels, answers_N = digits[0][800:], digits[1][800:]
    is_right_N = predict(model, ImageStore(pixels)).probabilities_NC.argmax(axis=1) == answers_N
    return is_right_N[answers_N < 8].mean(), is_right_N[answers_N >= 8].mean()


def test_imprint__new_classes_are_recognised_before_any_step_and_the_others_still_are(eight_known, digits):
    others_before, new_before = accuracies(eight_known, digits)
    imprint(eight_known, ImageStore(digits[0]), few_labels(digits[1], 10), (8, 9))
    others_after, new_after = accuracies(eight_known, digits)
    assert new_before == 0
    assert new_after > 0.25
    assert others_after > 0.75 * others_before


def test_imprint__on_its_own_images_a_class_ties_with_the_likeliest_of_the_others(eight_known, digits):
    labels_N = few_labels(digits[1], 10)
    kept_CD = eight_known.encoder.get_parameter("head.weight")[:8].clone()
    imprint(eight_known, ImageStore(digits[0]), labels_N, (8,))
    own = ImageStore(digits[0][labels_N == 8])
    logits_KC = np.log(predict(eight_known, own).probabilities_NC)
    others = [*range(8), 9]
    assert logits_KC[:, 8].mean() == pytest.approx(logits_KC[:, others].max(axis=1).mean(), abs=1e-3)
    assert torch.equal(eight_known.encoder.get_parameter("head.weight")[:8], kept_CD)


def test_imprint__a_class_without_labelled_images_keeps_its_row(eight_known, digits):
    labels_N = few_labels(digits[1], 10)
    before_CD = eight_known.encoder.get_parameter("head.weight").clone()
    imprint(eight_known, ImageStore(digits[0]), np.where(labels_N == 9, -1, labels_N), (8, 9))
    after_CD = eight_known.encoder.get_parameter("head.weight")
    assert torch.equal(after_CD[9], before_CD[9])
    assert not torch.equal(after_CD[8], before_CD[8])


def test_imprint__leaves_a_classifier_alone_that_has_learnt_nothing(tiny_config, digits):
    model = build(tiny_config.model, tuple("0123456789"), seed=0)
    imprint(model, ImageStore(digits[0]), few_labels(digits[1], 10), (8, 9))
    assert not model.encoder.get_parameter("head.weight").any()
    assert not model.encoder.get_parameter("head.bias").any()


def test_imprint__refuses_a_class_that_the_model_does_not_have(eight_known, digits):
    with pytest.raises(InvalidData, match=r"indices in 0\.\.9\. Got \[-1, 10\]"):
        imprint(eight_known, ImageStore(digits[0]), few_labels(digits[1], 1), (-1, 10))
