"""Endless batches: which images come next, and their pixels on the device.

A set that lies on the device is drawn from there, indices and all: the host only sends work ahead and never waits. A
larger set is read from its memory map by a thread, a bounded number of batches ahead of the step that needs them.
Must never import trainer or model.

Dimensions: N indices of a stream, B images of a batch, C channels (3), H and W side in pixels.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import torch
from numpy.typing import NDArray

from ssmae.errors import InvalidData
from ssmae.images import DeviceImages

READ_AHEAD = 3
"""Batches of a set too large for the device that wait in memory; with the one at work they bound what is held."""

State = dict[str, torch.Tensor]


class IndexStream:
    """Endless full batches of indices: one permutation of all after another, the same for the same generator.

    Args:
        indices_N: int64, what to draw from; an index may occur more than once.
        batch: size B of every batch.
        generator: source of randomness, which the stream alone may draw from. Indices live on its device.

    Raises:
        InvalidData: nothing to draw from, or an empty batch.
    """

    def __init__(self, indices_N: NDArray[np.int64], batch: int, generator: torch.Generator) -> None:
        if not len(indices_N):
            raise InvalidData("A stream needs at least one index. Got none.")
        if batch < 1:
            raise InvalidData(f"A stream's batch must hold at least one image. Got {batch}.")
        self.largest = int(indices_N.max())
        self._indices_N = torch.from_numpy(indices_N.copy()).to(generator.device)
        self._batch, self._generator = batch, generator
        self._begin_epoch()

    def next(self) -> torch.Tensor:
        """The next batch, int64 of shape (B,) on the generator's device; it may run over the border of two epochs."""
        parts, missing = [], self._batch
        while missing:
            if self._drawn == len(self._order_N):
                self._begin_epoch()
            part = self._order_N[self._drawn : self._drawn + missing]
            parts.append(part)
            missing -= len(part)
            self._drawn += len(part)
        return parts[0] if len(parts) == 1 else torch.cat(parts)

    def state(self) -> State:
        """What `restore` needs, on the CPU: the generator before this epoch, and how many indices were drawn since."""
        return {"generator": self._before_epoch, "drawn": torch.tensor(self._drawn)}

    def restore(self, state: State) -> None:
        """Carry on from a `state()` of a stream over the same indices, which may have had another size of batch.

        Raises:
            InvalidData: the state was taken over more indices than these.
        """
        drawn = int(state["drawn"])
        if drawn > len(self._indices_N):
            raise InvalidData(f"The state must be of a stream of {len(self._indices_N)} indices. It has drawn {drawn}.")
        self._generator.set_state(state["generator"])
        self._begin_epoch()
        self._drawn = drawn

    def _begin_epoch(self) -> None:
        self._before_epoch, self._drawn = self._generator.get_state(), 0
        device = self._indices_N.device
        permuted_N = torch.randperm(len(self._indices_N), generator=self._generator, device=device)
        self._order_N = self._indices_N.index_select(0, permuted_N)


class Batches:
    """The batches of a stream with their pixels on the device.

    Args:
        images: the store, bound to a device.
        stream: which images; handed over, nobody else may draw from it. Its generator is best on
            `images.index_device`.

    Raises:
        InvalidData: the stream has an index that the store has not.
    """

    def __init__(self, images: DeviceImages, stream: IndexStream) -> None:
        if stream.largest >= len(images):
            raise InvalidData(f"Indices must be below {len(images)}, the number of images. Got {stream.largest}.")
        self._images, self._stream = images, stream
        self._handed_out = stream.state()
        self._reader = None if images.tensor_NCHW is not None else ThreadPoolExecutor(1, "batches")
        self._ahead: deque[Future[tuple[torch.Tensor, torch.Tensor, State]]] = deque()

    def next(self) -> tuple[torch.Tensor, torch.Tensor]:
        """The next batch.

        Returns:
            (indices_B, images_BCHW): int64 and uint8, both on the device, always full.

        Raises:
            Exception: whatever the reading thread met. The batch is not lost: the next call tries it again.
        """
        if self._reader is None:
            indices_B = self._stream.next()
            return indices_B, self._images.take(indices_B)
        while len(self._ahead) < READ_AHEAD:
            self._ahead.append(self._reader.submit(self._read))
        try:
            indices_B, images_BCHW, after = self._ahead.popleft().result()
        except BaseException:
            self.restore(self._handed_out)
            raise
        self._handed_out = after
        device = self._images.device
        return indices_B.to(device, non_blocking=True), images_BCHW.to(device, non_blocking=True)

    def state(self) -> State:
        """What `restore` needs: the state of the stream after the last batch handed out, whatever was read ahead."""
        return self._stream.state() if self._reader is None else self._handed_out

    def restore(self, state: State) -> None:
        """Carry on from a `state()`; what was read ahead is thrown away."""
        self._drop()
        self._stream.restore(state)
        self._handed_out = state

    def close(self) -> None:
        """Stop reading ahead; the generator is left as if nothing had been, so that another stream may follow on it."""
        self._drop()
        if self._reader is not None:
            self._stream.restore(self._handed_out)
            self._reader.shutdown()

    def _read(self) -> tuple[torch.Tensor, torch.Tensor, State]:
        indices_B = self._stream.next().cpu()  # where a stream of a large set draws anyway
        images_BCHW = self._images.read(indices_B)
        if images_BCHW.is_pinned():
            indices_B = indices_B.pin_memory()
        return indices_B, images_BCHW, self._stream.state()

    def _drop(self) -> None:
        """Forget what was read ahead, once the thread has let go of the stream."""
        for future in self._ahead:
            future.cancel()
        for future in self._ahead:
            if not future.cancelled():
                future.exception()
        self._ahead.clear()
