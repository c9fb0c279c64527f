"""One line of a file of results, checked field by field: what `Line.to_json` wrote, or a refusal in words."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ssmae.errors import InvalidData
from ssmae.experiments.cells import Cell, Check, Line

_SHOWN = 60
"""Characters of a wrong value that a refusal repeats, at most."""

_LARGEST = 10**15


@dataclass(frozen=True)
class _Kind:
    """What a value must be: in words, and as a question."""

    words: str
    fits: Callable[[Any], bool]


def _is_number(value: Any) -> bool:
    """Neither true nor false, neither NaN nor infinite, and nothing that arithmetic cannot take."""
    return type(value) in (int, float) and abs(value) < _LARGEST


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value < _LARGEST


def _or_nothing(kind: _Kind) -> _Kind:
    return _Kind(f"{kind.words}, or null", lambda value: value is None or kind.fits(value))


def _list_of(kind: _Kind) -> _Kind:
    return _Kind(
        f"a list, each of it {kind.words}", lambda value: isinstance(value, list) and all(map(kind.fits, value))
    )


_TEXT = _Kind("a text", lambda value: isinstance(value, str))
_FLAG = _Kind("true or false", lambda value: isinstance(value, bool))
_COUNT = _Kind("a whole number, at least 0", _is_count)
_NUMBER = _Kind("a number", _is_number)
_SHARE = _Kind("a number from 0 to 1", lambda value: _is_number(value) and 0 <= value <= 1)
_SECONDS = _Kind("a number of seconds, at least 0", lambda value: _is_number(value) and value >= 0)
_OBJECT = _Kind("an object", lambda value: isinstance(value, dict))
_VERSIONS = _Kind(
    "an object of texts, with torch among them",
    lambda value: isinstance(value, dict) and "torch" in value and all(map(_TEXT.fits, value.values())),
)

_OF_LINE = {
    "cell": _OBJECT,
    "settings": _TEXT,
    "config": _TEXT,
    "code": _TEXT,
    "accuracy": _SHARE,
    "test_images": _COUNT,
    "checks": _list_of(_OBJECT),
    "accepted": _SHARE,
    "wrong": _or_nothing(_SHARE),
    "steps": _COUNT,
    "seconds": _SECONDS,
    "device": _TEXT,
    "threads": _COUNT,
    "versions": _VERSIONS,
    "notes": _list_of(_TEXT),
    "history": _list_of(_OBJECT),
    "audit": _or_nothing(_COUNT),
}
_OF_CELL = {
    "pack": _TEXT,
    "images": _COUNT,
    "budget": _COUNT,
    "validation": _COUNT,
    "arm": _TEXT,
    "seed": _COUNT,
}
_OF_CHECK = {
    "is_open": _FLAG,
    "coverage": _SHARE,
    "threshold": _or_nothing(_NUMBER),
    "errors": _COUNT,
    "n": _COUNT,
    "discards": _FLAG,
}


def line_of(text: str) -> Line:
    """Read what `Line.to_json` wrote.

    Args:
        text: a line of a file. Without `audit`, as older files are, it has none.

    Raises:
        InvalidData: it is something else.
    """
    if not text.strip():
        raise _broken("an empty line")
    try:
        values = json.loads(text)
    except json.JSONDecodeError as error:
        raise _broken(f"{_shown(text)} that breaks off or goes wrong at character {error.pos + 1}") from error
    except (ValueError, RecursionError) as error:  # a number of too many digits, or lists in lists in lists
        raise _broken(_shown(text)) from error
    if isinstance(values, dict):
        values.setdefault("audit", None)
    values = _checked("It", values, _OF_LINE)
    cell = Cell(**_checked("cell", values["cell"], _OF_CELL))
    checks = tuple(Check(**_checked("Each of checks", check, _OF_CHECK)) for check in values["checks"])
    lists = {name: tuple(values[name]) for name in ("notes", "history")}
    return Line(**values | lists | {"cell": cell, "checks": checks})


def _broken(got: str) -> InvalidData:
    return InvalidData(
        f"It must be one whole line of JSON, as `run` writes it. Got {got}. "
        "Remove that line: `run` makes the cell again."
    )


def _checked(name: str, values: Any, kinds: Mapping[str, _Kind]) -> dict[str, Any]:
    """The fields of an object, all of them and no others."""
    if not isinstance(values, dict):
        raise InvalidData(f"{name} must be an object of JSON, as `run` writes it. Got {_shown(json.dumps(values))}.")
    if wrong := [f"no {key}" for key in kinds if key not in values] + [f"also {key}" for key in values.keys() - kinds]:
        raise InvalidData(f"{name} must have the fields {', '.join(kinds)}. Got {_shown(', '.join(sorted(wrong)))}.")
    for key, kind in kinds.items():
        if not kind.fits(values[key]):
            raise InvalidData(f"{key} must be {kind.words}. Got {_shown(json.dumps(values[key]))}.")
    return values


def _shown(text: str) -> str:
    """The beginning of a text, on one line."""
    printable = "".join(letter if letter.isprintable() else "?" for letter in text[:_SHOWN])
    return printable + ("…" if len(text) > _SHOWN else "")
