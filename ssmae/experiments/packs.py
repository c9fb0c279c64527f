"""Real labelled images as arrays: the digits of scikit-learn, and packs in a folder or an archive.

A pack holds `train/<class>/<file>` and `test/<class>/<file>`; an archive (`NAME.tar.xz`) is read without unpacking it.
Decoded arrays are kept beside each other in a cache folder, because decoding 60,000 JPEG images takes longer than a
toy run. The two splits are of different types: a `RoundData` takes the first and cannot take the second.

Dimensions: N training images, K of them in balance.
"""

from __future__ import annotations

import hashlib
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits

from ssmae.data import ImageStore, load_images
from ssmae.decoding import longer_side
from ssmae.errors import InvalidData
from ssmae.held_out import HeldOut

DIGITS = "digits"
CACHE = Path("data/packs")
"""Where decoded packs are kept unless told otherwise: under the current folder."""

DIGITS_TEST_IMAGES = 500
TUNING_SHARE = 0.25
_ARCHIVE = ".tar.xz"


@dataclass(frozen=True)
class Pack:
    """A labelled data set, divided by its authors.

    Attributes:
        name: as in tables.
        train: images that a round may see.
        classes_N: int64, their true classes; an experiment reveals some of them as labels.
        test: images that are only counted, with their classes.
        class_names: in the order of the class indices.
    """

    name: str
    train: ImageStore
    classes_N: NDArray[np.int64]
    test: HeldOut
    class_names: tuple[str, ...]

    def part(self, images: int) -> Pack:
        """The same pack with fewer training images, as many of each class as can be; always the same ones.

        Raises:
            InvalidData: more images than there are, or more than a class can give.
        """
        kept = np.sort(balanced_order(self.classes_N, np.random.default_rng(0))[:images])
        if len(kept) < images:
            raise InvalidData(f"A part of {self.name} can have at most {len(kept)} balanced images. Got {images}.")
        return replace(self, train=ImageStore(self.train.images_NCHW[kept]), classes_N=self.classes_N[kept])

    def for_tuning(self) -> Pack:
        """A quarter of the training images in the place of the test split: settings are chosen on this, never on test.

        The quarter is drawn uniformly and always the same.
        """
        order = np.random.default_rng(0).permutation(len(self.train))
        judged, kept = np.split(order, [round(TUNING_SHARE * len(order))])
        return replace(
            self,
            name=f"{self.name}-tuning",
            train=ImageStore(self.train.images_NCHW[kept]),
            classes_N=self.classes_N[kept],
            test=HeldOut(self.train.images_NCHW[judged], self.classes_N[judged]),
        )


def balanced_order(classes_N: NDArray[np.int64], generator: np.random.Generator) -> NDArray[np.int64]:
    """Indices in an order of which every beginning is class-balanced, to within one image a class; shape (K,).

    The order ends where the rarest class does, so that no beginning of it can be unbalanced.
    """
    members = [generator.permutation(np.flatnonzero(classes_N == index)) for index in np.unique(classes_N)]
    rarest = min(len(each) for each in members)
    return np.stack([members[index][:rarest] for index in generator.permutation(len(members))], axis=1).reshape(-1)


def load_pack(source: str | Path, image_size: int, cache: Path = CACHE) -> Pack:
    """Read a pack at one image size.

    Args:
        source: `digits`, an archive `NAME.tar.xz`, or an unpacked folder of that form.
        image_size: side in pixels that every image is brought to, as in `decode_image`.
        cache: folder for decoded arrays, made if need be.

    Raises:
        InvalidData: no such pack, not of that form, or test images of a class without training images.
        UnreadableImage: a broken file.
    """
    if str(source) == DIGITS:
        return _digits(image_size)
    path = Path(source)
    kept = cache / f"{pack_name(path)}-{image_size}-{_fingerprint(path)}.npz"
    if not kept.exists():
        _decode(path, image_size, kept)
    with np.load(kept, allow_pickle=False) as arrays:
        return Pack(
            pack_name(path),
            ImageStore(arrays["train_NCHW"]),
            arrays["classes_N"],
            HeldOut(arrays["test_TCHW"], arrays["test_classes_T"]),
            tuple(arrays["class_names"].tolist()),
        )


def pack_name(source: str | Path) -> str:
    """What a pack is called in tables: its file name without the ending."""
    return Path(source).name.removesuffix(_ARCHIVE)


def native_side(source: str | Path) -> int:
    """The longer side of a pack's first image in pixels.

    Raises:
        InvalidData: no such pack, or none with a training or test image.
        UnreadableImage: a broken file.
    """
    if str(source) == DIGITS:
        return 8
    for _, content in _files(Path(source)):
        return longer_side(content)
    raise InvalidData(f"{source} must hold train/<class>/<file>. Got none.")


def _digits(image_size: int) -> Pack:
    """All 1,797 of them; the division is fixed."""
    loaded = load_digits()
    if image_size != 8:
        raise InvalidData(f"The digits must be taken at their own 8 pixels. Got {image_size}.")
    pixels_NHW = np.round(loaded.images / 16 * 255).astype(np.uint8)
    images_NCHW, classes_N = np.repeat(pixels_NHW[:, None], 3, axis=1), loaded.target.astype(np.int64)
    train, test = np.split(np.random.default_rng(0).permutation(len(classes_N)), [-DIGITS_TEST_IMAGES])
    return Pack(
        DIGITS,
        ImageStore(images_NCHW[train]),
        classes_N[train],
        HeldOut(images_NCHW[test], classes_N[test]),
        tuple("0123456789"),
    )


def _decode(path: Path, image_size: int, kept: Path) -> None:
    """Decode a pack and keep the arrays, whole or not at all: two experiments may start at once."""
    contents: dict[str, list[bytes]] = {"train": [], "test": []}
    names: dict[str, list[str]] = {"train": [], "test": []}
    for place, content in sorted(_files(path)):
        contents[place.parts[0]].append(content)
        names[place.parts[0]].append(place.parts[1])
    class_names = sorted(set(names["train"]))
    if len(class_names) < 2 or not set(names["test"]) <= set(class_names) or not names["test"]:
        found = f"{len(class_names)} classes in train, {sorted(set(names['test']) - set(class_names))} only in test"
        raise InvalidData(f"{path} must hold train/ and test/ of the same two classes or more. Got {found}.")
    arrays: dict[str, NDArray[Any]] = {
        "train_NCHW": load_images(contents["train"], image_size).images_NCHW,
        "classes_N": np.searchsorted(class_names, names["train"]).astype(np.int64),
        "test_TCHW": load_images(contents["test"], image_size).images_NCHW,
        "test_classes_T": np.searchsorted(class_names, names["test"]).astype(np.int64),
        "class_names": np.array(class_names),
    }
    kept.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=kept.parent) as folder:
        part = Path(folder) / kept.name
        np.savez(part, allow_pickle=False, **arrays)
        part.replace(kept)


def _files(path: Path) -> Iterator[tuple[PurePosixPath, bytes]]:
    """Place and bytes of each image of a pack, in the order in which they lie there."""
    if path.is_dir():
        for file in sorted(path.glob("t*/*/*")):
            place = PurePosixPath(file.relative_to(path).as_posix())
            if _is_image(place) and file.is_file():
                yield place, file.read_bytes()
    elif path.name.endswith(_ARCHIVE) and path.is_file():
        with tarfile.open(path, "r|xz") as archive:
            for member in archive:
                place = PurePosixPath(member.name)
                if _is_image(place) and (opened := archive.extractfile(member)):
                    yield place, opened.read()
    else:
        raise InvalidData(f"A pack must be {DIGITS!r}, a folder, or an archive NAME{_ARCHIVE}. Got {str(path)!r}.")


def _is_image(place: PurePosixPath) -> bool:
    return len(place.parts) == 3 and place.parts[0] in ("train", "test")


def _fingerprint(path: Path) -> str:
    """Changes when the pack does."""
    digest = hashlib.sha256()
    if path.is_file():
        digest.update(path.read_bytes())
    else:
        for file in sorted(path.glob("t*/*/*")):
            state = file.stat()
            digest.update(f"{file.relative_to(path)} {state.st_size} {state.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:12]
