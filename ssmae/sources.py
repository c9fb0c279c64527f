"""The sources that a trained round depends on, as twelve hexadecimal digits. Standard library only.

A half-way state goes on, and a table is continued, only with the sources that began it: versions of libraries do not
show a change of this one.
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

_HERE = Path(__file__).parent
_NOT_OF_A_ROUND = ("bench", "commands", "experiments", "metrics", "pictures", "readouts")
_OF_AN_EXPERIMENT = ("experiments/draw.py", "experiments/packs.py")  # they decide which labels a round is given


@cache
def digest() -> str:
    """Of all modules but those that only look at results, as they lie on the disk at the first call."""
    paths = [path for path in _HERE.rglob("*.py") if path.relative_to(_HERE).parts[0] not in _NOT_OF_A_ROUND]
    paths += [_HERE / name for name in _OF_AN_EXPERIMENT]
    return hashlib.sha256(b"".join(path.read_bytes() for path in sorted(paths))).hexdigest()[:12]
