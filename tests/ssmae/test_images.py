"""A store of images is the same from memory and from disk, and refuses what is no image."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ssmae import images as images_module
from ssmae.errors import InvalidData
from ssmae.images import ImageStore
from tests.ssmae.conftest import mapped


def test_image_store__is_the_same_from_memory_and_from_a_memory_map(tmp_path, digits):
    store = ImageStore(digits[0][:20])
    on_disk = mapped(store, tmp_path)
    wanted = torch.tensor([3, 19, 3])
    device = torch.device("cpu")
    assert torch.equal(store.on(device).take(wanted), on_disk.on(device).take(wanted))


def test_image_store__refuses_floats():
    with pytest.raises(InvalidData, match="uint8"):
        ImageStore(np.zeros((2, 3, 8, 8), np.float32))


def test_image_store__copies_what_is_too_large_neither_to_a_device_nor_from_memory_to_memory(
    tmp_path, digits, monkeypatch
):
    store = ImageStore(digits[0][:20].copy())
    monkeypatch.setattr(images_module, "ON_DEVICE_BYTES", store.images_NCHW.nbytes - 1)
    cpu = torch.device("cpu")
    assert mapped(store, tmp_path).on(cpu).tensor_NCHW is None
    tensor = store.on(cpu).tensor_NCHW
    assert tensor is not None
    assert tensor.data_ptr() == store.images_NCHW.ctypes.data
