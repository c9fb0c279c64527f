"""What a training step draws never makes the host wait for the device.

On a GPU torch itself refuses to wait; elsewhere the operations that would make it wait are refused as they are called.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from ssmae.augment import cutmix, strong_view, weak_view
from ssmae.config import AugmentConfig, LossConfig
from ssmae.images import ImageStore
from ssmae.learner import Learner
from ssmae.losses import NO_LABEL
from ssmae.model import build
from ssmae.streams import Batches, IndexStream

aten = torch.ops.aten
DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")

WAITING = {
    aten._local_scalar_dense.default,  # item(), float(tensor), `if tensor:`
    aten.nonzero.default,  # the number of results is not known beforehand
    aten.masked_select.default,
    aten._unique2.default,
    aten.unique_dim.default,
    aten.unique_consecutive.default,
    aten.bincount.default,  # as many results as the largest value
    aten.repeat_interleave.Tensor,
    aten.equal.default,
    aten.lift_fresh.default,  # torch.tensor(number): copied from memory that the device cannot fetch from
}


HOST_ASKS = (torch.Tensor.tolist, torch.Tensor.numpy, torch.Tensor.cpu)


class NeverAsks(TorchFunctionMode):
    """Refuses to bring a tensor to the host: on a CPU, where it is already, no operation shows that."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        if func in HOST_ASKS:
            raise AssertionError(f"{func} makes the host wait")
        return func(*args, **(kwargs or {}))


class NeverWaits(TorchDispatchMode):
    """Refuses operations whose result, or whose size of result, the host has to ask the device for."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        picks_by_mask = func in {aten.index.Tensor, aten.index_put_.default, aten.index_put.default} and any(
            index is not None and index.dtype in {torch.bool, torch.uint8} for index in args[1]
        )
        if func in WAITING or picks_by_mask:
            raise AssertionError(f"{func} makes the host wait")
        return func(*args, **(kwargs or {}))


@contextmanager
def never_waiting():
    if DEVICE.type == "cuda":
        torch.cuda.set_sync_debug_mode("error")
    try:
        with NeverAsks(), NeverWaits():
            yield
    finally:
        if DEVICE.type == "cuda":
            torch.cuda.set_sync_debug_mode("default")


@pytest.mark.parametrize(
    "careless",
    [
        pytest.param(lambda images: float(images.max()), id="item"),
        pytest.param(lambda images: bool((images > 0).any()), id="if"),
        pytest.param(lambda images: images[images > 0.5], id="mask"),
        pytest.param(lambda images: images.masked_select(images > 0.5), id="select"),
        pytest.param(lambda images: images.nonzero(), id="nonzero"),
        pytest.param(lambda images: images.new_tensor(0.5), id="constant"),
        pytest.param(lambda images: images.tolist(), id="list"),
        pytest.param(lambda images: images.cpu(), id="cpu"),
        pytest.param(lambda images: images.cpu().numpy(), id="numpy"),
        pytest.param(lambda images: images.long().bincount(), id="bincount"),
        pytest.param(lambda images: images.repeat_interleave(images.long()), id="repeat"),
        pytest.param(lambda images: images[None].unique(dim=0), id="unique"),
    ],
)
def test_this_check__notices_carelessness(careless):
    images = torch.rand(4, device=DEVICE)
    with pytest.raises((AssertionError, RuntimeError)), never_waiting():
        careless(images)


@pytest.mark.parametrize("images_dtype", [torch.uint8, torch.float32])
def test_views_and_cutmix__never_wait(images_dtype):
    images = torch.zeros(16, 3, 16, 16, dtype=images_dtype, device=DEVICE)
    eligible = torch.arange(16, device=DEVICE) % 2 == 0
    generator = torch.Generator(DEVICE).manual_seed(0)
    config = AugmentConfig(flip=True, tone=1.0, cutmix=0.5)
    with never_waiting():
        weak_view(images, config, generator)
        cutmix(strong_view(images, config, generator), eligible, config.cutmix, generator)


def test_batches__of_a_set_on_the_device_never_wait(digits):
    stream = IndexStream(np.arange(50), 8, torch.Generator(DEVICE).manual_seed(0))
    batches = Batches(ImageStore(digits[0][:50]).on(DEVICE), stream)
    with never_waiting():
        for _ in range(20):  # three epochs
            batches.next()


def test_learner__no_step_of_any_phase_makes_the_host_wait(tiny_config, make_data):
    config = replace(
        tiny_config,
        loss=LossConfig(alignment=True),
        augment=replace(tiny_config.augment, cutmix=0.5, tone=0.3, flip=True),
    )
    data = make_data()
    learner = Learner(data, config, build(config.model, data.class_names, seed=0), DEVICE, seed=0)
    learner.use_pseudo_labels(np.where(data.labels_N < 0, 1, NO_LABEL))
    weights = dict.fromkeys(("reconstruction", "supervised", "pseudo_label", "consistency"), 1.0)
    steps = (learner.reconstruct, lambda: learner.labels(weights), lambda: learner.joint(weights))
    for step in steps:  # the first time, buffers are made
        learner.update(step(), weights, 1e-3)
    with never_waiting():
        for step in steps:
            learner.update(step(), weights, 1e-3)
