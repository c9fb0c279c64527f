"""The test split: a uniform random sample that a content hash draws, so that nobody can choose it.

Every image has one number in [0, 1), derived from the sha256 of its bytes and the project's salt. It is a test image
if that number is below the project's test share. Images imported later are drawn by the same rule, so the test split
stays a uniform sample of everything imported. The share follows the number of images until a test image is answered or
a round is queued; from then on it is fixed, and no image changes sides.
"""

from __future__ import annotations

import hashlib

DEFAULT_TEST_SIZE = 200
LARGEST_TEST_SHARE = 0.5


def draw(sha256: str, salt: str) -> float:
    """The image's number in [0, 1), uniform over contents and independent between projects.

    Args:
        sha256: hexadecimal digest of the file's bytes.
        salt: the project's own random text.
    """
    digest = hashlib.sha256(f"{salt}:{sha256}".encode()).hexdigest()
    return int(digest[:13], 16) / 16**13


def share_for(test_size: int, n_images: int) -> float:
    """Share of images that gives about `test_size` test images; at most half of them."""
    return min(LARGEST_TEST_SHARE, test_size / max(1, n_images))
