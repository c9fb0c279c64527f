"""Small real data for the learner's tests: scikit-learn's handwritten digits, and a network that trains in seconds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.datasets import load_digits

from ssmae.config import AugmentConfig, GateConfig, LossConfig, ModelConfig, RoundConfig, ScheduleConfig
from ssmae.data import ImageStore, RoundData

DIGIT_NAMES = tuple("0123456789")


@pytest.fixture(autouse=True)
def one_thread():
    """Two cores are shared by everything else: more threads make small matrices slower, not faster."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def digits():
    """(images_NCHW uint8, labels_N int64) of all 1,797 digits, in an order of their own."""
    loaded = load_digits()
    order = np.random.default_rng(0).permutation(len(loaded.target))
    images = np.round(loaded.images / 16 * 255).astype(np.uint8)
    return np.repeat(images[:, None], 3, axis=1)[order], loaded.target.astype(np.int64)[order]


def folder_per_class(folder: Path, digits, prefix: str = "") -> Path:
    """The first 300 digits as files of that folder, in a folder for each class, whose name begins with `prefix`."""
    images_NCHW, labels_N = digits
    for index in range(300):
        path = folder / f"{prefix}{labels_N[index]}" / f"{index}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(images_NCHW[index, 0]).save(path)
    return folder


def mapped(store: ImageStore, folder: Path) -> ImageStore:
    """The same images, read-only, in a file of that folder."""
    path = folder / "images.npy"
    np.save(path, store.images_NCHW)
    return ImageStore(np.load(path, mmap_mode="r"))


@pytest.fixture
def tiny_config():
    """A round of 24 steps."""
    return RoundConfig(
        model=ModelConfig(image_size=8, patch_size=2, embed_dim=32, depth=2, heads=2, decoder_dim=16, decoder_heads=2),
        loss=LossConfig(),
        augment=AugmentConfig(),
        schedule=ScheduleConfig(
            reconstruct_steps=8,
            resume_reconstruct_steps=2,
            labels_steps=8,
            joint_steps=8,
            reconstruct_batch=32,
            unlabelled_batch=32,
            labelled_batch=16,
        ),
        gate=GateConfig(),
        device="cpu",
    )


@pytest.fixture
def make_data(digits):
    """Build a `RoundData` from the first images: some labelled, some for validation."""

    def build(images=200, labels=40, validation=30):
        pixels, answers = digits[0][:images], digits[1][:images]
        labels_N = np.full(images, -1, np.int64)
        labels_N[:labels] = answers[:labels]
        sample_V = np.arange(images - validation, images, dtype=np.int64)
        return RoundData(ImageStore(pixels), labels_N, sample_V, answers[sample_V], DIGIT_NAMES)

    return build
