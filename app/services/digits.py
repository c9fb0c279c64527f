"""The demo's real images: the 1,797 handwritten digits that scikit-learn carries, as PNG files in a folder per class.

Optical Recognition of Handwritten Digits, E. Alpaydin and C. Kaynak, UCI Machine Learning Repository, CC BY 4.0.
"""

from __future__ import annotations

from pathlib import Path

from PIL import Image

CLASSES = tuple("0123456789")


def write_digits(folder: Path) -> int:
    """Write `folder/<digit>/<number>.png`, 8 × 8 pixels, grey; files that are there are left alone.

    Returns:
        How many images there are.
    """
    import numpy as np  # noqa: PLC0415 - half a second that only the demo's first start pays
    from sklearn.datasets import load_digits  # noqa: PLC0415 - the same, and two seconds

    bunch = load_digits()
    # 17 levels, 0 to 16; the scan's full ink becomes white on black.
    pixels_NHW = np.round(bunch.images * (255 / 16)).astype(np.uint8)
    for name in CLASSES:
        (folder / name).mkdir(parents=True, exist_ok=True)
    for number, (pixels_HW, digit) in enumerate(zip(pixels_NHW, bunch.target, strict=True)):
        place = folder / str(digit) / f"{number:04d}.png"
        if not place.is_file():
            Image.fromarray(pixels_HW).save(place)
    return len(pixels_NHW)
