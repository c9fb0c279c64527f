"""Images as one array of bytes, in memory or memory-mapped, and bound to a device.

Everything downstream works on `uint8` images of one size; floats appear only on the device, a batch at a time.
Must never import trainer, model or anything of the server.

Dimensions: N images, B images of a batch, C channels (3), H and W side in pixels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from ssmae.errors import InvalidData

ON_DEVICE_BYTES = 2 * 1024**3
"""Stores up to this size (50,000 images of 119 pixels) are copied to the device; larger ones travel in batches."""


@dataclass(frozen=True)
class ImageStore:
    """All images of a round as one array.

    Attributes:
        images_NCHW: uint8, shape (N, 3, S, S); an ordinary array or a memory map.
    """

    images_NCHW: NDArray[np.uint8]

    def __post_init__(self) -> None:
        """Refuse what is not a stack of square three-channel byte images.

        Raises:
            InvalidData: wrong shape or type.
        """
        shape, kind = self.images_NCHW.shape, self.images_NCHW.dtype
        if kind != np.uint8 or len(shape) != 4 or shape[1] != 3 or shape[2] != shape[3]:
            raise InvalidData(f"images_NCHW must be uint8 of shape (N, 3, S, S). Got {kind} of shape {shape}.")

    def __len__(self) -> int:
        return int(self.images_NCHW.shape[0])

    @property
    def image_size(self) -> int:
        """Side of the images in pixels."""
        return int(self.images_NCHW.shape[2])

    def check_size(self, expected: int) -> None:
        """Refuse images of another size than a model takes.

        Raises:
            InvalidData: names both sizes.
        """
        if self.image_size != expected:
            raise InvalidData(f"Images must be {expected} pixels wide. Got {self.image_size}.")

    def on(self, device: torch.device) -> DeviceImages:
        """The same images, ready to be drawn from on a device: whole up to `ON_DEVICE_BYTES`, else batch by batch."""
        array_NCHW = self.images_NCHW
        is_there = device.type == "cpu" and not isinstance(array_NCHW, np.memmap)
        if array_NCHW.nbytes > ON_DEVICE_BYTES and not is_there:
            return DeviceImages(array_NCHW, None, device)
        if not array_NCHW.flags.writeable:  # a read-only map cannot back a tensor without a warning
            array_NCHW = array_NCHW.copy()
        return DeviceImages(self.images_NCHW, torch.from_numpy(array_NCHW).to(device), device)


@dataclass(frozen=True)
class DeviceImages:
    """A store bound to a device.

    Attributes:
        images_NCHW: uint8, the store's own array.
        tensor_NCHW: all of it on the device, or None where it is too large and travels in batches.
        device: where batches are wanted.
    """

    images_NCHW: NDArray[np.uint8]
    tensor_NCHW: torch.Tensor | None
    device: torch.device

    def __len__(self) -> int:
        return int(self.images_NCHW.shape[0])

    @property
    def index_device(self) -> torch.device:
        """Where indices are best drawn: beside the images, so that neither has to wait for the other."""
        return torch.device("cpu") if self.tensor_NCHW is None else self.device

    def take(self, indices_B: torch.Tensor) -> torch.Tensor:
        """Images by index; without waiting for the device if the indices are on `index_device`.

        Args:
            indices_B: int64 indices, on any device.

        Returns:
            uint8 tensor of shape (B, 3, S, S) on the device.
        """
        if self.tensor_NCHW is None:
            return self.read(indices_B.cpu()).to(self.device, non_blocking=True)
        # Twenty times as fast as `tensor_NCHW[indices_B]` on a CPU: whole images are copied, not single bytes.
        return self.tensor_NCHW.index_select(0, indices_B.to(self.device, non_blocking=True))

    def read(self, indices_B: torch.Tensor) -> torch.Tensor:
        """Images by index from the store's own array, in memory that a GPU can fetch from by itself (pinned).

        Args:
            indices_B: int64 indices on the CPU.

        Returns:
            uint8 tensor of shape (B, 3, S, S) on the CPU.
        """
        shape = (len(indices_B), *self.images_NCHW.shape[1:])
        images_BCHW = torch.empty(shape, dtype=torch.uint8, pin_memory=self.device.type == "cuda")
        # "wrap" writes straight into `out`; the default, "raise", goes through a copy.
        np.take(self.images_NCHW, indices_B.numpy(), axis=0, out=images_BCHW.numpy(), mode="wrap")
        return images_BCHW
