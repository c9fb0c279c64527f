"""The sources that a trained round depends on, as twelve hexadecimal digits. Standard library only.

A half-way state goes on, and a table is continued, only with the sources that began it: versions of libraries do not
show a change of this one. Comments, docstrings and the layout of the code are left out: they change no result.
"""

from __future__ import annotations

import ast
import hashlib
from functools import cache
from pathlib import Path

_HERE = Path(__file__).parent
_NOT_OF_A_ROUND = ("acquisition", "bench", "commands", "experiments", "metrics", "pictures", "readouts")
_OF_AN_EXPERIMENT = ("experiments/draw.py", "experiments/packs.py")  # they decide which labels a round is given


@cache
def digest() -> str:
    """Of all modules that a round depends on, as they lie on the disk at the first call."""
    paths = [path for path in _HERE.rglob("*.py") if path.relative_to(_HERE).parts[0] not in _NOT_OF_A_ROUND]
    paths += [_HERE / name for name in _OF_AN_EXPERIMENT]
    return hashlib.sha256("".join(meaning(path.read_text("utf-8")) for path in sorted(paths)).encode()).hexdigest()[:12]


def meaning(source: str) -> str:
    """A module's syntax tree as text, without the strings that are statements of their own."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(body := getattr(node, "body", None), list):
            node.body = [statement for statement in body if not _is_text(statement)]  # type: ignore[attr-defined]
    return ast.dump(tree)


def _is_text(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
