"""Images as arrays, and the labels that a round may learn from.

Everything downstream works on `uint8` images of one size, kept in memory or memory-mapped; floats appear only on the
device, a batch at a time. There is deliberately no field for a test split: what `RoundData` cannot hold, no training
step can see. Must never import trainer, model or anything of the server.

Dimensions: N images, C channels (3), H and W side in pixels, V validation images.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageOps

from ssmae.errors import InvalidData, UnreadableImage

ON_DEVICE_BYTES = 2 * 1024**3
"""Stores up to this size are copied to the device whole; larger ones travel a batch at a time."""

_HONEST_MODES = {"1", "L", "LA", "P", "PA", "RGB", "RGBA"}
_DEEP = re.compile(r";16[BLN]")  # not ";16", a BMP's 5, 6 and 5 bits
_LARGEST_VALUE = 255
_LARGEST_PIXELS = 89_478_485  # Pillow's own bound for a decompression bomb


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

    def save(self, path: Path) -> None:
        """Write as `.npy`, so that `ImageStore.open` can memory-map it."""
        with path.open("wb") as file:
            np.save(file, self.images_NCHW, allow_pickle=False)

    @classmethod
    def open(cls, path: Path) -> ImageStore:
        """Memory-map a file written by `save`; the images stay on disk until they are asked for."""
        return cls(np.load(path, mmap_mode="r", allow_pickle=False))

    def on(self, device: torch.device) -> DeviceImages:
        """The same images, ready to be drawn from on a device."""
        array_NCHW = self.images_NCHW
        if array_NCHW.nbytes > ON_DEVICE_BYTES:
            return DeviceImages(array_NCHW, None, device)
        if not array_NCHW.flags.writeable:  # a read-only map cannot back a tensor without a warning
            array_NCHW = array_NCHW.copy()
        return DeviceImages(self.images_NCHW, torch.from_numpy(array_NCHW).to(device), device)


@dataclass(frozen=True)
class DeviceImages:
    """A store bound to a device; `take` gives batches."""

    images_NCHW: NDArray[np.uint8]
    tensor_NCHW: torch.Tensor | None
    device: torch.device

    def __len__(self) -> int:
        return int(self.images_NCHW.shape[0])

    def take(self, indices_B: torch.Tensor) -> torch.Tensor:
        """Images by index.

        Args:
            indices_B: int64 indices on the CPU.

        Returns:
            uint8 tensor of shape (B, 3, S, S) on the device.
        """
        if self.tensor_NCHW is not None:
            return self.tensor_NCHW[indices_B.to(self.device)]
        return torch.from_numpy(self.images_NCHW[indices_B.numpy()]).to(self.device, non_blocking=True)


@dataclass(frozen=True)
class RoundData:
    """What one round may see.

    Attributes:
        images: the whole stream; every image is reconstructed, whether or not it has a label.
        labels_N: int64, the class index of each image that may teach, -1 elsewhere. Validation labels are not in it.
        validation_index_V: int64, images whose labels only judge the gate.
        validation_labels_V: int64, the human answers for them.
        class_names: the classes, in the order of their indices.
        in_frame_N: bool, images that the validation sample was drawn from (the sampling frame): the gate's bound speaks
            of these alone, so no other may be accepted. None: every image without a training label.
    """

    images: ImageStore
    labels_N: NDArray[np.int64]
    validation_index_V: NDArray[np.int64]
    validation_labels_V: NDArray[np.int64]
    class_names: tuple[str, ...]
    in_frame_N: NDArray[np.bool_] | None = None

    def __post_init__(self) -> None:
        """Refuse arrays that do not fit together.

        Raises:
            InvalidData: wrong length or type, a class index without a class, a validation image listed twice, or one
                whose label also teaches.
        """
        count, classes = len(self.images), len(self.class_names)
        for name in ("labels_N", "validation_index_V", "validation_labels_V"):
            array = getattr(self, name)
            if array.dtype != np.int64 or array.ndim != 1:
                raise InvalidData(f"{name} must be a flat int64 array. Got {array.dtype} of shape {array.shape}.")
        if not count:
            raise InvalidData("A round needs at least one image. Got none.")
        if len(self.labels_N) != count:
            raise InvalidData(f"labels_N must have one entry per image: {count}. Got {len(self.labels_N)}.")
        if len(self.validation_index_V) != len(self.validation_labels_V):
            raise InvalidData(
                "validation_index_V and validation_labels_V must have the same length. "
                f"Got {len(self.validation_index_V)} and {len(self.validation_labels_V)}."
            )
        if not classes or len(set(self.class_names)) != classes:
            raise InvalidData(f"class_names must be distinct and not empty. Got {list(self.class_names)}.")
        _check_range("labels_N", self.labels_N, -1, classes - 1)
        _check_range("validation_labels_V", self.validation_labels_V, 0, classes - 1)
        _check_range("validation_index_V", self.validation_index_V, 0, count - 1)
        if len(np.unique(self.validation_index_V)) != len(self.validation_index_V):
            raise InvalidData("validation_index_V must not name an image twice.")
        if self.in_frame_N is not None and (self.in_frame_N.dtype != np.bool_ or self.in_frame_N.shape != (count,)):
            got = f"{self.in_frame_N.dtype} of shape {self.in_frame_N.shape}"
            raise InvalidData(f"in_frame_N must be booleans, one per image: {count}. Got {got}.")
        if (self.labels_N[self.validation_index_V] >= 0).any():
            both = self.validation_index_V[self.labels_N[self.validation_index_V] >= 0]
            raise InvalidData(f"A validation label must not also teach. Got both for images {both[:5].tolist()}.")

    @property
    def labelled_index_L(self) -> NDArray[np.int64]:
        """Images with a training label."""
        return np.flatnonzero(self.labels_N >= 0)

    @property
    def unlabelled_index_U(self) -> NDArray[np.int64]:
        """Images without a training label, the validation images among them (the model cannot tell them apart)."""
        return np.flatnonzero(self.labels_N < 0)

    @property
    def frame_index_F(self) -> NDArray[np.int64]:
        """Unlabelled images of the sampling frame: what the validation sample is a sample of."""
        is_unlabelled_N = self.labels_N < 0
        return np.flatnonzero(is_unlabelled_N if self.in_frame_N is None else is_unlabelled_N & self.in_frame_N)


def _check_range(name: str, values: NDArray[np.int64], low: int, high: int) -> None:
    if len(values) and (values.min() < low or values.max() > high):
        raise InvalidData(f"{name} must lie in {low}..{high}. Got {int(values.min())}..{int(values.max())}.")


def decode_image(source: Path | bytes, image_size: int) -> NDArray[np.uint8]:
    """Turn a file into pixels of one size: upright, undistorted, three channels.

    EXIF orientation is applied; the longer side is brought to `image_size` with an antialiased Lanczos filter; the rest
    is filled with the image's own mean colour. Transparent pixels are laid over white. An image of the right size
    comes back byte for byte.

    Args:
        source: a path, or the bytes of a file.
        image_size: side S of the result in pixels.

    Returns:
        uint8 array of shape (3, S, S).

    Raises:
        UnreadableImage: not an image, truncated, too large, or with colours (CMYK, 16 bit) that have no honest
            conversion to 8-bit RGB.
    """
    name = str(source) if isinstance(source, Path) else f"{len(source)} bytes"
    try:
        with Image.open(source if isinstance(source, Path) else io.BytesIO(source)) as opened:
            if opened.width * opened.height > _LARGEST_PIXELS:
                raise UnreadableImage(f"{name}: at most {_LARGEST_PIXELS} pixels. Got {opened.width}x{opened.height}.")
            if opened.mode not in _HONEST_MODES:
                raise UnreadableImage(f"{name}: colours must be one of {sorted(_HONEST_MODES)}. Got {opened.mode}.")
            if _is_deep(opened):
                raise UnreadableImage(f"{name}: colours must have 8 bits a channel. Got more.")
            # Lets the JPEG decoder skip detail that is thrown away below; no effect on other formats.
            opened.draft("RGB", (2 * image_size, 2 * image_size))
            upright = _to_rgb(ImageOps.exif_transpose(opened))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise UnreadableImage(f"{name}: {error}") from error
    except (OSError, SyntaxError, ValueError, EOFError) as error:  # what Pillow's decoders raise on broken files
        raise UnreadableImage(f"{name}: not a readable image ({error}).") from error
    return _fit(upright, image_size)


def _is_deep(opened: Image.Image) -> bool:
    """Whether Pillow would cut 16-bit colours to 8 bits; it opens such files as RGB, and only the raw mode tells."""
    for tile in getattr(opened, "tile", ()):
        form, *rest = tile.args if isinstance(tile.args, tuple) else (tile.args,)
        if _DEEP.search(str(form)) or (tile.codec_name in {"ppm", "ppm_plain"} and rest and rest[-1] > _LARGEST_VALUE):
            return True
    return False


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode in {"LA", "PA", "RGBA"} or "transparency" in image.info:
        layers = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", layers.size, (255, 255, 255, 255)), layers)
    return image.convert("RGB")


def _fit(image: Image.Image, image_size: int) -> NDArray[np.uint8]:
    scale = image_size / max(image.size)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    if size != image.size:
        shrinks = size[0] < image.width
        image = image.resize(size, Image.Resampling.LANCZOS if shrinks else Image.Resampling.BICUBIC)
    pixels_HWC = np.asarray(image, dtype=np.uint8)
    if size != (image_size, image_size):
        mean_C = pixels_HWC.mean(axis=(0, 1)).round().astype(np.uint8)
        canvas_HWC = np.broadcast_to(mean_C, (image_size, image_size, 3)).copy()
        top, left = (image_size - size[1]) // 2, (image_size - size[0]) // 2
        canvas_HWC[top : top + size[1], left : left + size[0]] = pixels_HWC
        pixels_HWC = canvas_HWC
    return np.ascontiguousarray(pixels_HWC.transpose(2, 0, 1))


def load_images(
    sources: Sequence[Path | bytes],
    image_size: int,
    on_progress: Callable[[int, int], None] | None = None,
    threads: int = 4,
) -> ImageStore:
    """Decode many files with a pool of threads (Pillow releases the interpreter lock while it decodes).

    Args:
        sources: files, in the order wanted.
        image_size: side in pixels.
        on_progress: called with (done, total), about a hundred times.
        threads: how many decode at once.

    Raises:
        UnreadableImage: the first file that cannot be read, by name. Nothing is skipped silently.
    """
    total = len(sources)
    images_NCHW = np.empty((total, 3, image_size, image_size), dtype=np.uint8)
    report_every = max(1, total // 100)
    with ThreadPoolExecutor(max_workers=threads) as pool:
        pending = iter(sources)
        done = 0
        # A bounded window: a million futures at once would cost more memory than the images.
        while window := list(islice(pending, 64 * threads)):
            for pixels_CHW in pool.map(lambda source: decode_image(source, image_size), window):
                images_NCHW[done] = pixels_CHW
                done += 1
                if on_progress is not None and (done % report_every == 0 or done == total):
                    on_progress(done, total)
    return ImageStore(images_NCHW)


class IndexStream:
    """Endless batches of indices: a fresh permutation each epoch, every batch full, the same for the same generator."""

    def __init__(self, indices_N: NDArray[np.int64], batch: int, generator: torch.Generator) -> None:
        if not len(indices_N):
            raise InvalidData("A stream needs at least one index. Got none.")
        self._indices_N = torch.from_numpy(np.ascontiguousarray(indices_N))
        self._batch, self._generator = batch, generator
        self._left = self._indices_N[:0]

    def next(self) -> torch.Tensor:
        """The next batch, int64 of shape (batch,); it may run over the border of two epochs."""
        while len(self._left) < self._batch:
            order_N = torch.randperm(len(self._indices_N), generator=self._generator)
            self._left = torch.cat([self._left, self._indices_N[order_N]])
        batch_B, self._left = self._left[: self._batch], self._left[self._batch :]
        return batch_B
